# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
import threading
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import (
    AuthError,
    InputError,
    NotFoundError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git, GitError, logged_in
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Credentials, GitLogin

SECRET = "s3cr3t-t0ken"


class Gate(BaseHTTPRequestHandler):
    """A git host that knows nobody; notes who asked."""

    asked: list[str]

    def do_GET(self):
        self.asked.append(self.headers.get("Authorization", ""))
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def gate():
    handler = type("Asked", (Gate,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/acme/fleet.git", handler.asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_token_reaches_the_host_and_nothing_else(tmp_path, gate, monkeypatch):
    url, asked = gate
    seen = []
    monkeypatch.setenv("GIT_TRACE", "1")
    real = os.environ.copy()
    with logged_in(tmp_path, GitLogin("bot", SECRET)) as git:
        folder = Path(git.login_env["GIT_ASKPASS"]).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
        git.run("init", "--quiet")
        with pytest.raises(AuthError) as error:
            git.run("fetch", "--", url, "main")
        seen += [str(error.value), repr(git.login_env), (tmp_path / ".git" / "config").read_text()]
    assert not folder.exists()
    assert error.value.reason == "token_rejected"
    assert b64decode(asked[-1].removeprefix("Basic ")).decode() == f"bot:{SECRET}"
    assert not any(
        SECRET in text for text in [*seen, str(real), repr(GitLogin("bot", SECRET)), repr(Credentials(SECRET))]
    )


def test_what_a_killed_process_left_is_swept(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / "platform-ops-askpass-999999999-x"
    left.mkdir()
    running = tmp_path / f"platform-ops-askpass-{os.getpid()}-x"
    running.mkdir()
    with logged_in(tmp_path, GitLogin("bot", SECRET)):
        assert not left.exists() and running.exists()


def test_no_hook_of_the_repository_runs(tmp_path):
    git = Git(tmp_path)
    git.run("init", "--quiet", "-b", "main")
    for name in ("reference-transaction", "post-checkout", "pre-push"):
        hook = tmp_path / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
    git.run("update-ref", "--stdin", stdin=b"")
    blob = git.text("hash-object", "-w", "--stdin", stdin=b"x")
    git.run("update-ref", "refs/x/y", blob)
    assert not (tmp_path / "ran").exists()


def test_settings_of_the_user_and_the_environment_do_not_count(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = mine\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    git = Git(tmp_path)
    git.run("init", "--quiet")
    assert git.run("config", "user.name", ok=(0, 1)).line == ""


def test_strange_transports_are_refused(tmp_path):
    git = Git(tmp_path)
    git.run("init", "--quiet")
    with pytest.raises(GitError, match="not allowed"):
        git.run("fetch", "--", f"ext::touch {tmp_path}/ran", "main")
    assert not (tmp_path / "ran").exists()


def test_a_password_in_an_address_is_not_repeated(tmp_path):
    git = Git(tmp_path)
    git.run("init", "--quiet")
    with pytest.raises(UnavailableError) as error:
        git.run("fetch", "--", f"http://user:{SECRET}@127.0.0.1:9/x", "main", timeout=20)
    assert SECRET not in str(error.value)


def test_a_command_that_hangs_is_stopped(tmp_path):
    with pytest.raises(UnavailableError, match="no end after"):
        Git(tmp_path).run("-c", "alias.hang=!sleep 60", "hang", timeout=0.2)


def test_a_missing_folder_and_a_missing_repository_are_named(tmp_path):
    with pytest.raises(NotFoundError, match="does not exist"):
        Git(tmp_path / "none").run("status")
    with pytest.raises((NotFoundError, GitError)):
        Git(tmp_path).run("fetch", "--", str(tmp_path / "none"), "main")


def test_without_git_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="Install git"):
        Git(tmp_path).run("status")
