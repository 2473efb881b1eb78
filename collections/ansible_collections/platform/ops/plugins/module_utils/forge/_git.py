# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The git command, called in one safe way.

Argument lists, never a shell; no prompt, no hook, no system or user configuration, no submodules, only known
transports, always a time-out. The password of a host is handed over by GIT_ASKPASS from a file that only we can read,
so that it is in no URL, argument list, environment, configuration file or message.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.platform.ops.plugins.module_utils._errors import (
    AuthError,
    ConflictError,
    InputError,
    NotFoundError,
    OpsError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._types import GitLogin

TIMEOUT = 120.0
DETAIL_LENGTH = 600
ASKPASS_PREFIX = "platform-ops-askpass-"

_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.quotePath": "false",
    "credential.helper": "",  # an operator's helper must neither be asked nor be told our token
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "advice.detachedHead": "false",
    "http.followRedirects": "initial",
}
_FLAGS = tuple(part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}"))
_INHERITED = (
    *("PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", "GNUPGHOME", "XDG_RUNTIME_DIR"),
    *("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"),
    *("GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSH_COMMAND"),
)
_ASKPASS = """#!/bin/sh
case "$1" in
  Username*) cat "${0%/*}/username" ;;
  *) cat "${0%/*}/password" ;;
esac
"""
# What git says (in the C locale) where it gives no exit code of its own.
_SAID = (
    (AuthError, "token_rejected", re.compile(r"Authentication failed|could not read (Username|Password)|HTTP.* 401")),
    (AuthError, "forbidden", re.compile(r"HTTP.* 403|error: 403|Permission denied|Host key verification failed")),
    (
        NotFoundError,
        "repository_not_found",
        re.compile(r"[Rr]epository .*not found|does not (appear to be a git repository|exist)|HTTP.* 404|error: 404"),
    ),
    (
        UnavailableError,
        "no_answer",
        re.compile(
            r"Could not resolve host|Connection (refused|timed out|reset)|Failed to connect|early EOF|error: 5\d\d"
        ),
    ),
    (ConflictError, "locked", re.compile(r"\.lock'?: File exists|cannot lock ref")),
)
_URL_SECRET = re.compile(r"(?<=://)[^/\s@]+@")


class GitError(OpsError):
    """git failed for a reason that has nothing to do with the other side; `said` is what it wrote, redacted."""

    default_reason = "git_failed"

    def __init__(self, message: str, *, said: str = "") -> None:
        super().__init__(message)
        self.said = said


@dataclass(frozen=True, slots=True)
class Output:
    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "surrogateescape")

    @property
    def line(self) -> str:
        return self.text.strip()


@dataclass(frozen=True, slots=True)
class Git:
    """Runs git in one folder: a bare repository, a checkout or a worktree."""

    path: Path
    login_env: Mapping[str, str] | None = None
    secrets: tuple[str, ...] = ()

    def at(self, path: Path) -> Git:
        """Return the same git, run in another folder."""
        return Git(path, self.login_env, self.secrets)

    def run(
        self,
        *args: str,
        stdin: bytes | None = None,
        ok: Sequence[int] = (0,),
        timeout: float = TIMEOUT,
        env: Mapping[str, str] | None = None,
    ) -> Output:
        """Run `git <args>`; any exit code not in `ok` is raised as an OpsError."""
        command = ["git", *_FLAGS, *args]
        try:
            # Also runs in the controller process (action plugins), where there is no AnsibleModule to run_command.
            # pylint: disable-next=ansible-bad-function
            done = subprocess.run(
                command,
                cwd=self.path,
                input=stdin if stdin is not None else b"",
                capture_output=True,
                timeout=timeout,
                env={**_environment(), **(self.login_env or {}), **(env or {})},
                check=False,
            )
        except FileNotFoundError:
            if not self.path.is_dir():
                raise NotFoundError(f"Failed to run git in {self.path}: the folder does not exist.") from None
            raise InputError("Failed to run git: the command is not installed. Install git 2.38 or newer.") from None
        except subprocess.TimeoutExpired:
            raise UnavailableError(
                f"git {_subcommand(args)} in {self.path} was stopped: no end after {timeout:.0f} s. "
                "Check the connection to the host and the load of this machine; a later run picks up from there.",
                reason="timeout",
            ) from None
        said = self._redact(done.stderr.decode("utf-8", "replace"))
        if done.returncode not in ok:
            raise _explain(_subcommand(args), self.path, done.returncode, said)
        return Output(done.returncode, done.stdout, said)

    def text(self, *args: str, stdin: bytes | None = None) -> str:
        return self.run(*args, stdin=stdin).line

    def resolve(self, revision: str) -> str | None:
        """Return the full id of a commit, None if there is none by that name."""
        done = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}", ok=(0, 1, 128))
        return done.line if done.code == 0 and done.line else None

    def is_ancestor(self, old: str, new: str) -> bool:
        return self.run("merge-base", "--is-ancestor", old, new, ok=(0, 1)).code == 0

    def _redact(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return _URL_SECRET.sub("***@", text)


@contextmanager
def logged_in(path: Path, login: GitLogin | None) -> Iterator[Git]:
    """A git that can answer the host's question for a user and password as long as the block runs."""
    if login is None:
        yield Git(path)
        return
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{ASKPASS_PREFIX}{os.getpid()}-"))
    try:
        for name, content, mode in (
            ("username", login.username, 0o600),
            ("password", login.password, 0o600),
            ("askpass", _ASKPASS, 0o700),
        ):
            with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as out:
                out.write(content)
        yield Git(path, {"GIT_ASKPASS": str(folder / "askpass")}, (login.password,))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    """Remove what killed processes of ours could not."""
    for folder in Path(tempfile.gettempdir()).glob(ASKPASS_PREFIX + "*"):
        pid = folder.name.removeprefix(ASKPASS_PREFIX).split("-")[0]
        try:
            if pid.isdigit() and folder.stat().st_uid == os.getuid() and not Path("/proc", pid).exists():
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_SSH_COMMAND": kept.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
    }


def _subcommand(args: Sequence[str]) -> str:
    skip = False
    for arg in args:
        if skip:
            skip = False
        elif arg == "-c":
            skip = True
        else:
            return arg
    return ""


def _explain(what: str, where: Path, code: int, said: str) -> OpsError:
    detail = " ".join(said.split())[:DETAIL_LENGTH] or f"exit code {code}"
    for error, reason, pattern in _SAID:
        if pattern.search(said):
            return error(f"git {what} in {where} failed: {detail}. {_NEXT[reason]}", reason=reason)
    return GitError(f"git {what} in {where} failed (exit code {code}): {detail}.", said=said)


_NEXT = {
    "token_rejected": "Put a valid token in place (runbook: token rotation).",
    "forbidden": "Give the account the right to read and push this repository.",
    "repository_not_found": "Check the address, and that the account may see the repository.",
    "no_answer": "Check the address, DNS, proxy and firewall; a later run picks up from there.",
    "locked": "Another process was writing; run again. If none is running, remove the lock file that is named.",
}
