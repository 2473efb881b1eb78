# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a checkout to one pull request, by the modules as users call them, on every git host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.platform.ops.plugins.modules import checkout, open_pr

from tests.contract.subjects import FILE, START, Subject
from tests.emulators.server import Response

WORKLOAD = {"namespace": "shop", "kind": "Deployment", "name": "checkout"}


class User:
    """Calls modules against one repository, in the way a playbook does."""

    def __init__(self, subject: Subject, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.subject = subject
        self.folder = folder
        self._capsys = capsys
        self.warnings: list[str] = []

    def call(self, module: Any, **given: Any) -> dict[str, Any]:
        login = {"token": self.subject.token, "host": self.subject.kind} if self.subject.is_server else {}
        with patch_module_args({"repository": self.subject.url, **login, **given}), pytest.raises(SystemExit):
            module.main()
        result = json.loads(self._capsys.readouterr().out)
        self.warnings += [str(warning) for warning in result.get("warnings", ())]
        if self.subject.token:
            assert self.subject.token not in json.dumps({**result, "invocation": None})
        return result

    def checkout(self) -> dict[str, Any]:
        result = self.call(checkout, clones=str(self.folder), items=[WORKLOAD])
        assert not result.get("failed"), result
        return result

    def propose(self, text: str, **more: Any) -> dict[str, Any]:
        """Checks out, changes the file in the workload's folder, opens or updates the pull request."""
        fleet = self.checkout()
        item = fleet["results"][0]
        (Path(item["worktree"]) / FILE).write_text(text)
        given = {**WORKLOAD, "worktree": item["worktree"], "start": item["start"], "title": "Raise memory", **more}
        result = self.call(open_pr, path=fleet["path"], items=[given], labels=["limits"])
        assert not result.get("failed"), result
        return result["results"][0]


@pytest.fixture
def user(subject: Subject, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> User:
    return User(subject, tmp_path / "clones", capsys)


def test_a_change_becomes_one_pull_request_that_later_changes_join(user):
    first = user.propose(START.replace("line 4", "changed"))
    assert (first["state"], first["changed"]) == ("created", True)
    host = user.subject.connect()
    made = host.get(first["number"])
    assert (made.state, made.branch, made.head_sha) == ("open", first["branch"], first["commit"])
    assert made.labels == ("limits",)

    again = user.propose(START.replace("line 4", "changed"))
    assert (again["state"], again["changed"], again["number"]) == ("unchanged", False, first["number"])

    more = user.propose(START.replace("line 4", "changed").replace("line 7", "too"))
    assert (more["state"], more["number"]) == ("updated", first["number"])
    assert "changed\n" in user.subject.read(first["branch"])
    assert "too\n" in user.subject.read(first["branch"])
    assert len(host.find(first["branch"])) == 1
    assert user.subject.read("main") == START


def test_labels_that_cannot_be_made_are_a_warning_of_the_task(emulated, tmp_path, capsys):
    user = User(emulated, tmp_path / "clones", capsys)
    emulated.emulator.inject("POST", r"/labels$", response=Response(422, {"message": "Validation Failed"}), times=9)
    done = user.propose(START.replace("line 4", "changed"))
    assert done["state"] == "created"
    assert any("label" in text for text in user.warnings)


def test_closed_without_merging_is_a_no(user):
    first = user.propose(START.replace("line 4", "changed"))
    user.subject.connect().close(first["number"])
    second = user.propose(START.replace("line 4", "changed"))
    assert (second["state"], second["changed"]) == ("declined", False)


def test_commits_of_others_on_the_branch_stay(user):
    first = user.propose(START.replace("line 4", "changed"))
    theirs = user.subject.branch(first["branch"], "by a human", at=6, start=first["branch"])
    user.propose(START.replace("line 4", "changed").replace("line 7", "too"))
    assert user.subject.connect().get(first["number"]).head_sha == theirs


def test_the_token_is_in_no_file_of_the_clone(user):
    user.propose(START.replace("line 4", "changed"))
    if user.subject.token:
        files = [path for path in user.folder.rglob("*") if path.is_file()]
        assert files
        assert [path for path in files if user.subject.token.encode() in path.read_bytes()] == []
