# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.forge._hosts import (
    Address,
    by_name,
    connect,
    default_api,
    parse,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Credentials

TOKEN = Credentials(token="t0ken-t0ken")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://github.com/acme/fleet.git", Address("https", "github.com", "acme/fleet")),
        ("https://github.com/acme/fleet", Address("https", "github.com", "acme/fleet")),
        ("https://bot@github.com/acme/fleet/", Address("https", "github.com", "acme/fleet")),
        ("git@github.com:acme/fleet.git", Address("https", "github.com", "acme/fleet")),
        ("github.com:acme/fleet.git", Address("https", "github.com", "acme/fleet")),
        ("ssh://git@git.example.org:2222/acme/fleet.git", Address("https", "git.example.org", "acme/fleet")),
        ("https://gitlab.com/a/b/c/fleet.git", Address("https", "gitlab.com", "a/b/c/fleet")),
        ("http://127.0.0.1:3000/acme/fleet.git", Address("http", "127.0.0.1:3000", "acme/fleet")),
        ("http://[::1]:3000/acme/fleet.git", Address("http", "[::1]:3000", "acme/fleet")),
        ("/srv/git/fleet.git", None),
        ("../fleet.git", None),
        ("file:///srv/git/fleet.git", None),
    ],
)
def test_an_address_is_read_in_every_form_git_takes(url, address):
    assert parse(url) == address


@pytest.mark.parametrize(
    "url", ["https://github.com/acme", "https://github.com/", "ftp://github.com/a/b", "https://github.com/a/../b", "https:///a/b"]
)  # fmt: skip
def test_an_address_that_names_no_repository_is_refused(url):
    with pytest.raises(InputError):
        parse(url)


def test_a_token_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(InputError) as caught:
        connect("https://bot:t0ken-t0ken@github.com/acme/fleet.git")
    assert caught.value.reason == "token_in_url"
    assert "t0ken" not in caught.value.message


@pytest.mark.parametrize(
    ("hostname", "kind"),
    [
        ("github.com", "github"),
        ("github.example.org", "github"),
        ("acme.ghe.com", "github"),
        ("gitlab.com", "gitlab"),
        ("GitLab.example.org", "gitlab"),
        ("codeberg.org", "gitea"),
        ("forgejo.example.org", "gitea"),
        ("gitea.shop.svc.cluster.local", "gitea"),
        ("git.example.org", None),
    ],
)
def test_the_name_of_a_host_tells_its_kind(hostname, kind):
    assert by_name(hostname) == kind


@pytest.mark.parametrize(
    ("url", "kind", "api"),
    [
        ("https://github.com/acme/fleet", "github", "https://api.github.com"),
        ("git@ssh.github.com:acme/fleet", "github", "https://api.github.com"),
        ("https://acme.ghe.com/acme/fleet", "github", "https://api.acme.ghe.com"),
        ("https://github.example.org/acme/fleet", "github", "https://github.example.org/api/v3"),
        ("https://gitlab.com/acme/fleet", "gitlab", "https://gitlab.com/api/v4"),
        ("https://codeberg.org/acme/fleet", "gitea", "https://codeberg.org/api/v1"),
        ("http://127.0.0.1:3000/acme/fleet", "gitea", "http://127.0.0.1:3000/api/v1"),
    ],
)
def test_the_api_stands_in_its_usual_place(url, kind, api):
    assert default_api(kind, parse(url)) == api


def test_a_prefix_of_the_server_is_no_part_of_the_repository():
    host = connect(
        "https://example.org/gitea/acme/fleet.git", "gitea", "https://example.org/gitea/api/v1", credentials=TOKEN
    )
    assert host.repository == "acme/fleet"


def test_a_token_is_not_sent_unencrypted_unless_somebody_says_so():
    with pytest.raises(InputError) as caught:
        connect("http://gitea.example.org/acme/fleet.git", credentials=TOKEN)
    assert caught.value.reason == "no_tls"
    connect("http://gitea.example.org/acme/fleet.git", api_url="http://gitea.example.org/api/v1", credentials=TOKEN)
    connect("http://localhost:3000/acme/fleet.git", "gitea", credentials=TOKEN)


@pytest.mark.parametrize("url", ["https://github.com/a/b", "https://gitlab.com/a/b", "https://codeberg.org/a/b"])
def test_a_host_without_token_is_refused_before_it_is_asked(url):
    with pytest.raises(InputError) as caught:
        connect(url)
    assert caught.value.reason == "no_token"


def test_a_path_with_the_kind_of_a_server_is_refused():
    with pytest.raises(InputError):
        connect("/srv/git/fleet.git", "github", credentials=TOKEN)


@pytest.mark.parametrize(
    ("url", "gap"),
    [("https://github.com/a/b", 1.0), ("https://a.ghe.com/a/b", 1.0), ("https://github.example.org/a/b", 0.0)],
)
def test_only_githubs_own_servers_ask_for_pauses_between_writes(url, gap):
    assert connect(url, credentials=TOKEN).calls._write_gap == gap
