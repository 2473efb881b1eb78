# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients that ask one address all the time, each request by a connection of its own."""

from __future__ import annotations

import ssl
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException


class Clients:
    """What they met between entering and leaving."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers = 0
        self.failures: list[str] = []
        self.longest_gap = 0.0
        self._lock = threading.Lock()
        self._last = 0.0
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(2)]

    @staticmethod
    def once(url: str) -> bool:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with opener.open(url, timeout=30) as answer:
                return bool(answer.status == 200)
        except (OSError, HTTPException):
            return False

    def __enter__(self) -> Clients:
        self._last = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(60)
        self._gap()

    def summary(self) -> str:
        return (
            f"{self.answers} answers, {len(self.failures)} failures, {self.longest_gap:.1f} s without an answer at most"
        )

    def _ask(self) -> None:
        while not self._end.is_set():
            started = time.monotonic()
            well = self.once(self.url)
            with self._lock:
                if well:
                    self.answers += 1
                    self._gap()
                else:
                    self.failures.append(f"after {time.monotonic() - started:.1f} s")
            self._end.wait(0.1)

    def _gap(self) -> None:
        now = time.monotonic()
        self.longest_gap = max(self.longest_gap, now - self._last)
        self._last = now
