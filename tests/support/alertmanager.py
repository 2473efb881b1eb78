# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Alertmanager, the distribution's, on a free loopback port that sends what it gets to one webhook."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.support.rulebook import free_port

READY_SECONDS = 120.0


@dataclass(frozen=True)
class Alertmanager:
    url: str

    def call(self, path: str, body: object | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def fire(self, labels: dict[str, str], since: str, *, resolved: bool = False) -> None:
        """As Prometheus tells it that an alert fires, or no longer does."""
        ends = datetime.now(UTC) + (timedelta(seconds=-1) if resolved else timedelta(hours=1))
        alert = {"labels": labels, "startsAt": since, "endsAt": ends.isoformat(), "annotations": {"value": "4.8e+08"}}
        self.call("/api/v2/alerts", [alert])

    def silence(self, name: str, value: str) -> None:
        now = datetime.now(UTC)
        self.call(
            "/api/v2/silences",
            {
                "matchers": [{"name": name, "value": value, "isRegex": False, "isEqual": True}],
                "startsAt": now.isoformat(),
                "endsAt": (now + timedelta(hours=1)).isoformat(),
                "createdBy": "test",
                "comment": "test",
            },
        )


@contextmanager
def alertmanager(
    folder: Path, webhook: str, token_file: Path, inhibit_rules: Sequence[dict[str, Any]] = ()
) -> Iterator[Alertmanager]:
    """Sends each group at once, and again every second while it changes; what fails is tried again by itself."""
    authorization = {"type": "Bearer", "credentials_file": str(token_file)}
    hook = {"url": webhook, "send_resolved": True, "http_config": {"authorization": authorization}}
    config = {
        "inhibit_rules": list(inhibit_rules),
        "route": {
            "receiver": "platform-ops",
            "group_by": ["namespace"],
            "group_wait": "100ms",
            "group_interval": "1s",
            "repeat_interval": "1h",
        },
        "receivers": [{"name": "platform-ops", "webhook_configs": [hook]}],
    }
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    with (folder / "alertmanager.log").open("ab") as log:
        process = subprocess.Popen(
            [
                "prometheus-alertmanager",
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=log,
        )
    running = Alertmanager(f"http://127.0.0.1:{port}")
    try:
        until = time.monotonic() + READY_SECONDS
        while True:
            with suppress(OSError):
                running.call("/api/v2/status")
                break
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((folder / "alertmanager.log").read_text()[-3000:])
            time.sleep(0.05)
        yield running
    finally:
        process.terminate()
        process.wait(10)
