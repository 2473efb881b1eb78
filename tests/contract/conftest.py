# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.subjects import GiteaSubject, GitHubSubject, GitLabSubject, LocalSubject, Subject
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
                password="not-used-2026",
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


@pytest.fixture(
    params=[
        "local",
        pytest.param("github", marks=pytest.mark.stand_in("github-emulator")),
        pytest.param("gitlab", marks=pytest.mark.stand_in("gitlab-emulator")),
        pytest.param("gitea", marks=pytest.mark.real),
    ]
)
def subject(request: pytest.FixtureRequest) -> Subject:
    return request.getfixturevalue(request.param)
