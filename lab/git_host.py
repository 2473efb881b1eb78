# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gitea with SQLite in the lab's network: real repositories, branches, pull requests and an API."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab import network, process
from lab.place import GATEWAY, Lab
from lab.shell import LabError, run, wait_for
from lab.tools import tool
from lab.web import ask

URL = f"http://{GATEWAY}:3000"
USER = "lab"


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str
    password: str
    token: str


def home(lab: Lab) -> Path:
    return lab.folder / "git-host"


def start(lab: Lab) -> Credentials:
    """Ready, with one user; the same credentials at every start."""
    first = not home(lab).exists()
    (home(lab) / "home").mkdir(parents=True, exist_ok=True)
    if first:
        (home(lab) / "app.ini").write_text(configuration(lab))
        gitea(lab, "migrate")
        _create_user(lab)
    process.start(lab, "gitea", [tool("gitea"), "web", "--config", home(lab) / "app.ini"], env=environment(lab))
    wait_for(
        "Gitea answers",
        lambda: ask(lab, f"{URL}/api/v1/version", timeout=2),
        deadline=60,
        check=lambda: process.must_live(lab, "gitea"),
    )
    return credentials(lab)


def credentials(lab: Lab) -> Credentials:
    try:
        return Credentials(**json.loads((home(lab) / "credentials.json").read_text()))
    except FileNotFoundError as error:
        raise LabError(f"lab {lab.name} has no git host; `python -m lab git start` makes one") from error


def create_repository(lab: Lab, name: str, files: Mapping[str, str]) -> str:
    """A repository with these files on its branch main; its clone address."""
    api(lab, "/user/repos", body={"name": name, "auto_init": True, "default_branch": "main"})
    commit(lab, name, files, "Add the first manifests")
    return f"{URL}/{USER}/{name}.git"


def commit(lab: Lab, repository: str, files: Mapping[str, str], message: str, *, branch: str = "main") -> str:
    """One commit that creates or replaces these files, on main or on a new branch from it; its hash."""
    changes = []
    for path, text in files.items():
        old = _sha(lab, repository, path)
        change = {"path": path, "content": base64.b64encode(text.encode()).decode()}
        changes.append({**change, "operation": "update", "sha": old} if old else {**change, "operation": "create"})
    body = {"branch": "main", "message": message, "files": changes}
    if branch != "main":
        body["new_branch"] = branch
    answer: dict[str, Any] = api(lab, f"/repos/{USER}/{repository}/contents", body=body)
    return str(answer["commit"]["sha"])


def head(lab: Lab, repository: str, branch: str = "main") -> str:
    found: dict[str, Any] = api(lab, f"/repos/{USER}/{repository}/branches/{branch}")
    return str(found["commit"]["id"])


def text(lab: Lab, repository: str, path: str) -> str:
    """A file on main."""
    found: dict[str, str] = api(lab, f"/repos/{USER}/{repository}/contents/{path}?ref=main")
    return base64.b64decode(found["content"]).decode()


def _sha(lab: Lab, repository: str, path: str) -> str | None:
    try:
        found: dict[str, str] = api(lab, f"/repos/{USER}/{repository}/contents/{path}?ref=main")
    except LabError as error:
        if ": 404 " in str(error):
            return None
        raise
    return found["sha"]


def api(lab: Lab, path: str, *, body: Any = None, method: str | None = None) -> Any:
    known = credentials(lab)
    return ask(lab, f"{URL}/api/v1{path}", body=body, method=method, user=(known.user, known.password), timeout=30)


def gitea(lab: Lab, *words: str) -> str:
    command = network.inside(lab.netns, tool("gitea"), *words, "--config", home(lab) / "app.ini")
    return run(command, env=environment(lab))


def environment(lab: Lab) -> dict[str, str]:
    """Nothing of the caller's git settings or proxies reaches the server."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home(lab) / "home"),
        "GITEA_WORK_DIR": str(home(lab)),
        "USER": "root",
    }


def configuration(lab: Lab) -> str:
    settings: dict[str, dict[str, object]] = {
        "": {"APP_NAME": "lab", "RUN_MODE": "prod", "RUN_USER": "root", "I_AM_BEING_UNSAFE_RUNNING_AS_ROOT": "true"},
        "server": {
            "HTTP_ADDR": GATEWAY,
            "HTTP_PORT": 3000,
            "ROOT_URL": f"{URL}/",
            "DISABLE_SSH": "true",
            "OFFLINE_MODE": "true",
            "STATIC_ROOT_PATH": tool("gitea").parent / "gitea-static",
        },
        "database": {"DB_TYPE": "sqlite3", "PATH": home(lab) / "gitea.db", "SQLITE_JOURNAL_MODE": "WAL"},
        "repository": {"ROOT": home(lab) / "repositories", "DEFAULT_BRANCH": "main"},
        "security": {
            "INSTALL_LOCK": "true",
            "SECRET_KEY": secrets.token_hex(32),
            "PASSWORD_HASH_ALGO": "pbkdf2_v1",
        },
        "service": {"DISABLE_REGISTRATION": "true"},
        "log": {"MODE": "console", "LEVEL": "Warn", "ROOT_PATH": home(lab) / "log"},
        "actions": {"ENABLED": "false"},
        "packages": {"ENABLED": "false"},
        "picture": {"DISABLE_GRAVATAR": "true"},
        "webhook": {"ALLOWED_HOST_LIST": "*"},
    }
    lines = []
    for section, values in settings.items():
        lines += [f"[{section}]"] if section else []
        lines += [f"{key} = {value}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _create_user(lab: Lab) -> None:
    password = secrets.token_urlsafe(18)
    account = ("--username", USER, "--password", password, "--email", "lab@example.org")
    gitea(lab, "admin", "user", "create", "--admin", "--must-change-password=false", *account)
    options = ("--username", USER, "--token-name", "lab", "--scopes", "all", "--raw")
    token = gitea(lab, "admin", "user", "generate-access-token", *options).split()[-1]
    path = home(lab) / "credentials.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(Credentials(USER, password, token))))
