# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Gitea server on a free loopback port, in a folder of its own, as a user that is not root."""

from __future__ import annotations

import base64
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parent.parent.parent
UNPRIVILEGED = "nobody"  # Gitea refuses to run as root
READY_WITHIN = 60.0


@dataclass(frozen=True)
class Gitea:
    """A running server. `owner` is its administrator, `token` may do everything in the owner's name."""

    url: str
    owner: str
    token: str = field(repr=False)
    command: tuple[str, ...] = ()  # the program with its configuration, for `admin` subcommands
    folder: Path = Path()

    def call(self, method: str, path: str, **body: Any) -> Any:
        """Calls /api/v1`path` as the owner; raises with the server's words when it refuses."""
        answer = requests.request(
            method,
            f"{self.url}/api/v1{path}",
            headers={"Authorization": f"token {self.token}"},
            json=body or None,
            timeout=30,
        )
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def scoped_token(self, *scopes: str) -> str:
        """A further token of the owner that may do no more than this."""
        name, generate = secrets.token_hex(4), ("admin", "user", "generate-access-token", "--raw")
        run = subprocess.run(
            [*self.command, *generate, "--username", self.owner, "--token-name", name, "--scopes", ",".join(scopes)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            **_as_unprivileged(self.folder),
        )
        return run.stdout.split()[-1]

    def repo_url(self, name: str) -> str:
        return f"{self.url}/{self.owner}/{name}.git"

    def create_repo(self, name: str, files: Mapping[str, str]) -> str:
        """Creates a repository with one commit on main; returns its URL."""
        self.call("POST", "/user/repos", name=name, default_branch="main")
        self.commit(name, "main", files, "Start")
        return self.repo_url(name)

    def commit(self, name: str, branch: str, files: Mapping[str, str], message: str, start: str = "") -> str:
        """Puts files on top of a branch, which is made from `start` when that is given; returns the commit."""
        changes = []
        for path, text in files.items():
            change = {"operation": "create", "path": path, "content": base64.b64encode(text.encode()).decode()}
            known = requests.get(
                f"{self.url}/api/v1/repos/{self.owner}/{name}/contents/{path}",
                params={"ref": start or branch},
                headers={"Authorization": f"token {self.token}"},
                timeout=30,
            )
            if known.ok:
                change |= {"operation": "update", "sha": known.json()["sha"]}
            changes.append(change)
        target = {"branch": start, "new_branch": branch} if start else {"branch": branch}
        done = self.call("POST", f"/repos/{self.owner}/{name}/contents", files=changes, message=message, **target)
        return str(done["commit"]["sha"])


def binary() -> Path:
    """The Gitea binary, built by scripts/tool when it is not there yet."""
    run = subprocess.run(
        [sys.executable, str(ROOT / "scripts/tool"), "gitea"], stdout=subprocess.PIPE, text=True, check=True
    )
    return Path(run.stdout.strip())


@contextmanager
def running(program: Path) -> Iterator[Gitea]:
    """Starts the server, makes an administrator with a token, yields, and stops the server by its id."""
    folder = Path(tempfile.mkdtemp(prefix="gitea-"))
    try:
        own = _readable_copy(program, folder)
        port = _free_port()
        config = folder / "app.ini"
        config.write_text(_config(folder, port))
        if os.geteuid() == 0:
            shutil.chown(folder, UNPRIVILEGED)
            shutil.chown(config, UNPRIVILEGED)
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [own, "--config", config, "web"], stdout=log, stderr=subprocess.STDOUT, **_as_unprivileged(folder)
            )
            try:
                url = f"http://127.0.0.1:{port}"
                _await_ready(process, url, folder / "log")
                command = (str(own), "--config", str(config))
                yield Gitea(url, "operator", _create_admin(command, folder), command, folder)
            finally:
                process.terminate()
                try:
                    process.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _readable_copy(program: Path, folder: Path) -> Path:
    """The cache may lie in a home that the unprivileged user cannot enter."""
    own = folder / "gitea"
    shutil.copy(program, own)
    own.chmod(0o755)
    shutil.copytree(program.parent / "gitea-static", folder / "static")
    for path in [folder, folder / "static", *(folder / "static").rglob("*")]:
        path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
    return own


def _as_unprivileged(folder: Path) -> dict[str, Any]:
    account = (
        {"user": UNPRIVILEGED, "group": pwd.getpwnam(UNPRIVILEGED).pw_gid, "extra_groups": []}
        if os.geteuid() == 0
        else {}
    )
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GITEA_WORK_DIR": str(folder), "USER": UNPRIVILEGED}
    return {"env": env, "cwd": folder, **account}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _config(folder: Path, port: int) -> str:
    return f"""\
RUN_MODE = prod
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
STATIC_ROOT_PATH = {folder}/static
DISABLE_SSH = true
OFFLINE_MODE = true
LFS_START_SERVER = false
[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db
[repository]
ROOT = {folder}/repositories
DEFAULT_BRANCH = main
[security]
INSTALL_LOCK = true
SECRET_KEY = {secrets.token_hex(16)}
[oauth2]
ENABLED = false
[service]
DISABLE_REGISTRATION = true
[actions]
ENABLED = false
[cron.update_checker]
ENABLED = false
[log]
LEVEL = warn
"""


def _await_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if requests.get(f"{url}/api/healthz", timeout=2).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"Gitea did not get ready within {READY_WITHIN:.0f} s:\n{log.read_text()[-2000:]}")


def _create_admin(command: tuple[str, ...], folder: Path) -> str:
    account = ["--username", "operator", "--email", "operator@example.org", "--random-password"]
    access = ["--access-token", "--access-token-name", "tests", "--access-token-scopes", "all"]
    create = ["admin", "user", "create", "--admin", "--must-change-password=false"]
    run = subprocess.run(
        [*command, *create, *account, *access],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **_as_unprivileged(folder),
    )
    found = re.search(r"\b[0-9a-f]{40}\b", run.stdout)
    if run.returncode != 0 or found is None:
        raise RuntimeError(f"Gitea made no administrator: {run.stdout[-500:]} {run.stderr[-1000:]}")
    return found[0]
