# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A test inside a lab's network, the only place where the lab's addresses are the lab's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from lab.place import Lab


@contextmanager
def inside(lab: Lab) -> Iterator[None]:
    """Put this thread, and the threads and processes it starts, into the lab's network; back afterwards."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{lab.netns}", os.O_RDONLY)
    try:
        os.setns(there, os.CLONE_NEWNET)
        yield
    finally:
        os.setns(own, os.CLONE_NEWNET)
        os.close(there)
        os.close(own)
