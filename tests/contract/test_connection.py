# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold between us and a server before any pull request: its kind, git's login, the App's token."""

from __future__ import annotations

import base64
import os
import subprocess

import jwt
import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import AuthError, InputError
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Credentials
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.contract.subjects import FILE
from tests.contract.test_host import BRANCH, new
from tests.emulators.github_state import Pull, stamp


def test_a_server_whose_name_says_nothing_is_asked_what_it_is(subject):
    if subject.kind == "local":
        pytest.skip("a path needs no asking")
    assert subject.connect(type=None).name == subject.kind


def test_the_question_what_it_is_carries_no_token(emulated):
    emulated.connect(type=None)
    assert emulated.emulator.requests
    assert all("authorization" not in request.headers for request in emulated.emulator.requests)


def test_a_server_that_is_no_git_host_is_an_input_error(github):
    for path in ("/api/v1", "/api/v3", "/api/v4"):
        github.emulator.inject("GET", path, times=9)
    with pytest.raises(InputError) as caught:
        github.connect(type=None)
    assert caught.value.reason == "unknown_host"


def git(*args: str, login: tuple[str, str], cwd: str) -> str:
    basic = base64.b64encode(":".join(login).encode()).decode()
    env = {
        **os.environ,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "bot",
        "GIT_AUTHOR_EMAIL": "bot@example.org",
        "GIT_COMMITTER_NAME": "bot",
        "GIT_COMMITTER_EMAIL": "bot@example.org",
    }
    run = subprocess.run(["git", *args], cwd=cwd, env=env, capture_output=True, text=True, check=True, timeout=60)
    return run.stdout


def test_git_can_clone_and_push_with_the_login_the_host_gives(subject, tmp_path):
    host = subject.connect()
    given = host.git_login()
    login = (given.username, given.password) if given else ("", "")
    git("clone", "-q", "--depth", "1", subject.url, "work", login=login, cwd=str(tmp_path))
    work = tmp_path / "work"
    (work / FILE).write_text("pushed\n")
    git("commit", "-qam", "Change", login=login, cwd=str(work))
    git("push", "-q", "origin", f"HEAD:refs/heads/{BRANCH}", login=login, cwd=str(work))
    made = host.create(new())
    assert made.head_sha == git("rev-parse", "HEAD", login=login, cwd=str(work)).strip()


def test_pull_requests_of_forks_are_not_ours(github):
    """A fork may use any branch name; counting it as ours would let a stranger block or steer us."""
    sha = github.branch(BRANCH)
    foreign = Pull(1, "Not ours", "", BRANCH, "main", False, stamp(), stamp(), sha, fork="stranger/fleet")
    github.repo.pulls.append(foreign)
    host = github.connect()
    assert list(host.find(BRANCH)) == []
    assert list(host.list("platform-ops/", host.get(1).created_at)) == []
    assert host.create(new()).number == 2


class TestGitHubApp:
    @pytest.fixture
    def key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def credentials(self, key: rsa.RSAPrivateKey, installation: str = "77") -> Credentials:
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ).decode()
        return Credentials(app_id="4242", installation_id=installation, private_key=pem)

    def test_an_app_opens_pull_requests_with_its_installation_token(self, github, key):
        github.github.installations["77"] = "ghs_installation"
        github.branch(BRANCH)
        host = github.connect(credentials=self.credentials(key))
        assert host.create(new()).number == 1
        login = host.git_login()
        assert (login.username, login.password) == ("x-access-token", "ghs_installation")
        asked = next(request for request in github.emulator.requests if request.path.endswith("/access_tokens"))
        claims = jwt.decode(
            asked.headers["authorization"].removeprefix("Bearer "), key.public_key(), algorithms=["RS256"]
        )
        assert claims["iss"] == "4242"

    def test_an_installation_that_is_not_there_is_not_found_and_the_key_not_shown(self, github, key):
        given = self.credentials(key, installation="78")
        with pytest.raises(Exception) as caught:
            github.connect(credentials=given).find(BRANCH)
        assert caught.value.reason == "not_found"
        assert "PRIVATE KEY" not in str(caught.value)

    def test_a_key_that_is_none_is_an_auth_error(self, github):
        given = Credentials(app_id="4242", installation_id="77", private_key="nonsense")
        with pytest.raises(AuthError) as caught:
            github.connect(credentials=given).find(BRANCH)
        assert "nonsense" not in str(caught.value)

    @pytest.mark.parametrize("given", [{"installation_id": "77"}, {"private_key": "x", "installation_id": "name"}])
    def test_an_incomplete_app_is_an_input_error(self, github, given):
        with pytest.raises(InputError):
            github.connect(credentials=Credentials(app_id="4242", **given))
