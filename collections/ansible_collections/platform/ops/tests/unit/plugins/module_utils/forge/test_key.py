# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.forge._key import (
    Subject,
    identity,
    is_local,
    key_in_body,
    key_in_message,
    marker,
    slug,
    with_trailers,
    without_login,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SUBJECT = Subject("prod", "https://github.com/acme/fleet.git", "main", "shop", "Deployment", "checkout")


def test_the_key_stays_what_it_was():
    """Changing it would open a second pull request for every open one."""
    assert SUBJECT.key == "ed0cf03f41987149"
    assert SUBJECT.branch() == f"platform-ops/shop-checkout-{SUBJECT.key[:12]}"


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/fleet",
        "https://github.com/acme/fleet.git/",
        "https://GitHub.com/Acme/Fleet.git",
        "https://user:secret@github.com/acme/fleet.git",
        "https://github.com:443/acme/fleet.git",
        "ssh://git@github.com/acme/fleet.git",
        "ssh://git@github.com:2222/acme/fleet.git",
        "git@github.com:acme/fleet.git",
        "git@github.com:/acme/fleet.git",
        "github.com:acme/fleet",
    ],
)
def test_all_forms_of_an_address_are_one_identity(url):
    assert identity(url) == "github.com/acme/fleet"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://git.example.org/a/b", "https://git.example.org:3000/a/b"),
        ("https://github.com/acme/fleet", "https://gitlab.com/acme/fleet"),
        ("/srv/fleet.git", "/srv/Fleet.git"),
    ],
)
def test_other_repositories_have_other_identities(one, other):
    assert identity(one) != identity(other)


def test_a_path_and_its_file_address_are_one(tmp_path):
    assert identity(str(tmp_path)) == identity(f"file://{tmp_path}") == identity(f"{tmp_path}/.")
    assert is_local(str(tmp_path)) and is_local(f"file://{tmp_path}") and not is_local("git@host:a/b")


@pytest.mark.parametrize("url", ["https://host", "https://host:port/a/b", "ssh://host/"])
def test_an_address_that_names_no_repository_is_refused(url):
    with pytest.raises(InputError):
        identity(url)


def test_a_login_is_not_shown():
    assert without_login("https://user:secret@host/a") == "https://host/a"


@pytest.mark.parametrize("field", ["cluster", "base", "namespace", "kind", "name"])
def test_every_part_counts(field):

    assert replace(SUBJECT, **{field: "other"}).key != SUBJECT.key


def test_parts_do_not_run_into_each_other():
    one = Subject("c", "/r", "main", "a", "b", "c-d")
    other = Subject("c", "/r", "main", "a", "b-c", "d")
    assert one.key != other.key


HOSTILE = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        [
            "",
            "..",
            "-x",
            "a.lock",
            "@{",
            "a b",
            "$(id)",
            "`id`",
            "../../etc",
            "{{ 7*7 }}",
            "\n--upload-pack=x",
            "é",
            "a" * 300,
        ]
    ),
)


@given(HOSTILE, HOSTILE)
@settings(max_examples=300)
def test_a_slug_is_total_and_plain(namespace, name):
    made = slug(namespace, name)
    assert 0 < len(made) <= 60
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not made.startswith("-") and not made.endswith("-") and "--" not in made


@given(HOSTILE, HOSTILE, HOSTILE)
@settings(max_examples=25)
def test_git_takes_every_branch_name(namespace, kind, name):
    branch = Subject("c", "/r", "main", namespace, kind, name).branch()
    assert (
        subprocess.run(["git", "check-ref-format", "--branch", branch], check=False, capture_output=True).returncode
        == 0
    )


@given(st.text(max_size=200))
def test_a_marker_is_found_behind_any_text_and_the_last_counts(text):
    assert key_in_body(f"{text}\n{marker('0' * 16)}\n{marker('a' * 16)}") == "a" * 16


@pytest.mark.parametrize("indent", ["", "    ", "\t"])
def test_a_key_is_found_in_squashed_messages(indent):
    assert (
        key_in_message(f"Title (#3)\n\n* First\n\n{indent}Platform-Ops-Key: {'b' * 16}\n\nCo-authored-by: x")
        == "b" * 16
    )
    assert key_in_message("says Platform-Ops-Key: 0123456789abcdef in a sentence") is None


def test_a_squash_keeps_trailers_once():
    commits = "A\n\nPlatform-Ops-Key: 0123456789abcdef\nPlatform-Ops-Bump: a limits.memory 1Gi -> 2Gi\n"
    message = with_trailers("Title\n\nPlatform-Ops-Key: 0123456789abcdef\n", commits + commits)
    assert message == ("Title\n\nPlatform-Ops-Key: 0123456789abcdef\nPlatform-Ops-Bump: a limits.memory 1Gi -> 2Gi\n")
