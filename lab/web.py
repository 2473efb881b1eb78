# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask the HTTP servers of a lab, from a thread that stands in the lab's network."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab.place import Lab
from lab.shell import LabError


def within[T](lab: Lab, action: Callable[[], T]) -> T:
    """Call `action` in the lab's network. Only the thread that does it changes its network, not the program."""

    def enter() -> T:
        with Path("/run/netns", lab.netns).open("rb") as netns:
            os.setns(netns.fileno(), os.CLONE_NEWNET)
        return action()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(enter).result()


def ask(
    lab: Lab,
    url: str,
    *,
    body: Any = None,
    method: str | None = None,
    user: tuple[str, str] | None = None,
    timeout: float = 10,
) -> Any:
    """The answer, parsed when it is JSON. What the server objects to is raised with its words."""
    headers = {"Content-Type": "application/json"}
    if user:
        headers["Authorization"] = "Basic " + b64encode(":".join(user).encode()).decode()
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def fetch() -> bytes:
        with opener.open(request, timeout=timeout) as answer:
            return bytes(answer.read())

    try:
        text = within(lab, fetch)
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")[:1000]
        raise LabError(f"{request.get_method()} {url}: {error.code} {error.reason}: {said}") from error
    except OSError as error:
        raise LabError(f"{request.get_method()} {url}: {error}") from error
    try:
        return json.loads(text)
    except ValueError:
        return text.decode(errors="replace")
