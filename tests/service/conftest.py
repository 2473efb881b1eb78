# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The remediation service as it is deployed: its image, several processes of it, its controller, its telemetry."""

from __future__ import annotations

import pytest

from lab import prepare, service_image


@pytest.fixture(scope="session")
def image() -> type:
    if why := prepare.obstacle():
        pytest.skip(why)
    prepare.prepare(prepare.MACHINES)
    service_image.archive()
    return service_image
