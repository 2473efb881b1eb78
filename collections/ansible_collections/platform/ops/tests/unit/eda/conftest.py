# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs event sources as ansible-rulebook does: the file through runpy, its main() in an event loop."""

from __future__ import annotations

import asyncio
import json
import runpy
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[3] / "extensions/eda/plugins"
ALERT = {
    "status": "firing",
    "labels": {"alertname": "M", "remediation": "bump_limits", "resource": "memory", "namespace": "shop", "pod": "a-0"},
    "startsAt": "2026-08-22T10:00:00Z",
    "fingerprint": "0123456789abcdef",
}


def alerts(count, **labels):
    return {
        "version": "4",
        "alerts": [
            {**ALERT, "fingerprint": f"{n:016x}", "labels": {**ALERT["labels"], "pod": f"a-{n}", **labels}}
            for n in range(count)
        ],
    }


class Source:
    """One source in a thread of its own; `events` is what it emitted, `error` what it ended with."""

    def __init__(self, name, args):
        self.main = runpy.run_path(str(PLUGINS / "event_source" / f"{name}.py"))["main"]
        self.args, self.events, self.error = args, [], None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        source = self

        class Queue:
            async def put(self, event):
                source.events.append(event)

        self.task = self.loop.create_task(self.main(Queue(), self.args))
        try:
            self.loop.run_until_complete(self.task)
        except asyncio.CancelledError:
            pass
        except Exception as error:
            self.error = error

    def wait(self, condition, seconds=10):
        until = time.monotonic() + seconds
        while not (found := condition()):
            assert self.error is None, self.error
            assert time.monotonic() < until, "it did not happen in time"
            time.sleep(0.01)
        return found

    def stop(self):
        self.loop.call_soon_threadsafe(self.task.cancel)
        self.thread.join(10)
        assert not self.thread.is_alive()


class Client:
    def __init__(self, url, tls=None):
        self.url, self.tls = url, tls

    def __call__(self, path, body=None, **headers):
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        request = urllib.request.Request(self.url + path, data, {k.replace("_", "-"): v for k, v in headers.items()})
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.tls) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def start_source():
    with ExitStack() as stack:

        @contextmanager
        def running(name, args):
            source = Source(name, args)
            try:
                yield source
            finally:
                source.stop()

        yield lambda name, **args: stack.enter_context(running(name, args))


@pytest.fixture
def start_receiver(start_source, tmp_path):
    """Starts a receiver; returns a client for it, with the source as `source`."""

    def start(tls: ssl.SSLContext | None = None, **args):
        port = free_port()
        source = start_source("receiver", **{"port": port, "state_dir": str(tmp_path / "state"), **args})
        client = Client(f"{'https' if tls else 'http'}://127.0.0.1:{port}", tls)
        client.source, client.port = source, port

        def ready():
            try:
                return client("/readyz")[0] == 200
            except OSError:
                return False

        source.wait(ready)
        return client

    return start
