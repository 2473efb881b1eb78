# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.subjects import BOBS, GiteaSubject, GitHubSubject, GitLabSubject, LocalSubject, Subject
from tests.emulators import openapi
from tests.emulators.server import serve
from tests.support.gitea import Gitea, binary, running


@pytest.fixture(scope="session")
def github_description() -> openapi.Description:
    try:
        return openapi.description()
    except openapi.DescriptionMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def gitea_server() -> Iterator[Gitea]:
    with running(binary()) as server:
        for name in ("alice", "bob"):
            server.call(
                "POST",
                "/admin/users",
                username=name,
                email=f"{name}@example.org",
                password=BOBS,
                must_change_password=False,
            )
        yield server


@pytest.fixture
def github(tmp_path: Path, github_description: openapi.Description) -> Iterator[GitHubSubject]:
    subject = GitHubSubject(tmp_path, github_description)
    with serve(subject.github) as url:
        subject.url = f"{url}/acme/fleet.git"
        yield subject
    assert subject.github.problems == []


@pytest.fixture
def gitlab(tmp_path: Path) -> Iterator[GitLabSubject]:
    subject = GitLabSubject(tmp_path)
    with serve(subject.gitlab) as url:
        subject.url = f"{url}/acme/platform/fleet.git"
        yield subject
    assert subject.gitlab.problems == []


@pytest.fixture
def gitea(gitea_server: Gitea) -> GiteaSubject:
    return GiteaSubject(gitea_server)


@pytest.fixture
def local(tmp_path: Path) -> LocalSubject:
    return LocalSubject(tmp_path)


STAND_INS = {"github": "github-emulator", "gitlab": "gitlab-emulator"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that uses an emulator, by name or as a parameter, says so; one that uses Gitea needs a real part."""
    for item in items:
        if isinstance(item, pytest.Function) and item.path.is_relative_to(Path(__file__).parent):
            parameters = item.callspec.params if hasattr(item, "callspec") else {}
            used = {*item.fixturenames, parameters.get("subject"), parameters.get("emulated")}
            for name in used & set(STAND_INS):
                item.add_marker(pytest.mark.stand_in(STAND_INS[name]))
            if "gitea" in used:
                item.add_marker(pytest.mark.real)


@pytest.fixture(params=["local", "github", "gitlab", "gitea"])
def subject(request: pytest.FixtureRequest) -> Subject:
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["github", "gitlab"])
def emulated(request: pytest.FixtureRequest) -> Subject:
    return request.getfixturevalue(request.param)
