# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Only listed or allowed repositories, and tokens that go to the host they are for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.bump._assign import Config, assign
from ansible_collections.platform.ops.plugins.module_utils.bump._repositories import (
    check_patterns,
    named_in,
    repository_for,
)
from ansible_collections.platform.ops.plugins.module_utils.cluster._gitops import Elsewhere, Source

FLEET = {"name": "fleet", "url": "https://github.com/acme/fleet.git", "base": "main"}
ALLOWED = [{"match": "github.com/acme/*", "token": "t", "base": "live"}]


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/fleet",
        "https://someone:secret@GitHub.com/Acme/Fleet.git",
        "ssh://git@github.com/acme/fleet.git",
        "git@github.com:acme/fleet.git",
    ],
)
def test_every_form_of_a_listed_address_is_the_listed_repository(url: str) -> None:
    assert repository_for(url, [FLEET], []) == FLEET


@pytest.mark.parametrize("url", ["https://user:secret@github.com/acme/other.git", "git@github.com:acme/other.git"])
def test_an_allowed_address_becomes_a_repository_without_its_login(url: str) -> None:
    made = repository_for(url, [FLEET], ALLOWED)
    assert made == {
        "name": "github.com/acme/other",
        "url": "https://github.com/acme/other.git",
        "base": "live",
        "token": "t",
    }


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/evil/fleet",
        "https://github.com.evil.org/acme/fleet",
        "https://evil.org/github.com/acme/fleet",
        "https://github.com/acme/../evil/fleet",
        "https://github.com:8443/acme/fleet",
        "file:///srv/github.com/acme/fleet",
        "/github.com/acme/fleet",
        "ext::sh -c touch% /tmp/x github.com/acme/",
        "https://github.com/acme/a b",
        "https://github.com/acme/{{ lookup('env', 'HOME') }}",
        "",
    ],
)
def test_no_other_address_is_worked_in(url: str) -> None:
    assert repository_for(url, [], ALLOWED) is None


@pytest.mark.parametrize(
    "pattern", ["*", "*/acme/*", "*.org/acme/*", "github.com", "https://github.com/acme/*", "", None]
)
def test_a_pattern_has_to_write_its_host_out(pattern: Any) -> None:
    with pytest.raises(InputError, match="host"):
        check_patterns([{"match": pattern}])


def test_a_pattern_with_its_host_is_one() -> None:
    check_patterns([{"match": "git.example.org:3000/acme/*"}])


REMEDIATION = {
    "kind": "bump_limits",
    "id": "a",
    "source": "people",
    "status": "firing",
    "resource": "memory",
    "workload": {"namespace": "shop", "kind": "Deployment", "name": "cart", "container": "server"},
}


def assigned(found: Any, **over: Any) -> dict[str, Any]:
    given = {"repositories": [FLEET], "policy": {"memory": {"factor": 1.2}}, "allow_repositories": ALLOWED, **over}
    return assign([REMEDIATION], Config(**given), {}, lambda _subject: found)


def test_gitops_says_in_which_repository_and_folder_a_manifest_is() -> None:
    result = assigned(Source("https://github.com/acme/fleet", "main", "apps", "Kustomization a/b"))
    (work,) = result["repositories"]
    assert (work["repository"], work["items"][0]["bump"]["source"]) == ("fleet", "apps")
    assert result["found"] == {}


def test_a_repository_that_a_pattern_allows_is_handed_on() -> None:
    result = assigned(Source("https://github.com/acme/other", None, None, "Kustomization a/b"))
    assert [work["repository"] for work in result["repositories"]] == ["github.com/acme/other"]
    assert result["found"]["github.com/acme/other"]["url"] == "https://github.com/acme/other"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (Source("https://u:secret@evil.org/acme/fleet", "main", None, "Kustomization a/b"), "repository_not_allowed"),
        (Source("https://github.com/acme/fleet", "staging", None, "Kustomization a/b"), "other_branch"),
        (Elsewhere("pinned_revision", "Kustomization a/b applies tag v1."), "pinned_revision"),
    ],
)
def test_what_cannot_be_worked_in_is_refused_by_name_and_without_secrets(found: Any, reason: str) -> None:
    (decision,) = assigned(found)["decisions"]
    assert (decision["decision"], decision["reason"]) == ("refused", reason)
    assert "Kustomization a/b" in decision["message"]
    assert "secret" not in decision["message"]


def test_a_repository_that_the_operator_maps_by_name_goes_before_gitops() -> None:
    entry = {"namespace": "shop", "name": "cart", "repository": "fleet", "source": "shop"}
    result = assigned(Elsewhere("pinned_revision", "no"), workloads=[entry])
    (work,) = result["repositories"]
    assert (work["repository"], work["items"][0]["bump"]["source"]) == ("fleet", "shop")


def test_without_gitops_the_namespaces_of_the_repositories_decide() -> None:
    (work,) = assigned(None)["repositories"]
    assert (work["repository"], work["items"][0]["bump"].get("source")) == ("fleet", None)


def test_allowed_repositories_of_the_cluster_are_followed_like_listed_ones() -> None:
    urls = [
        "https://github.com/acme/fleet",
        "https://u:secret@github.com/acme/other",
        "git@github.com:acme/other.git",
        "https://evil.org/acme/x",
    ]
    assert named_in(urls, [FLEET["url"]], ["gitlab.com/acme/*", "github.com/acme/*"]) == [
        {"name": "github.com/acme/other", "url": "https://github.com/acme/other.git", "allowed": 1}
    ]
