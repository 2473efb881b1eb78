# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.forge._block import fenced
from ansible_collections.platform.ops.plugins.module_utils.forge._local import LocalHost
from ansible_collections.platform.ops.plugins.modules import pull_request_info


def states(results):
    return [(result["state"], result["reason"]) for result in results]


def test_people_merge_unless_the_policy_says_otherwise(fleet):
    fleet.propose("checkout", "384Mi")
    assert states(fleet.follow()) == [("people", "people")]


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_we_merge_what_is_green_and_keep_the_trailers(fleet, method):
    first = fleet.propose("checkout", "384Mi")
    (result,) = fleet.follow(by="us", method=method)
    assert (result["state"], result["changed"]) == ("merged", True)
    assert "384Mi" in fleet.show("main", "checkout")
    assert "Platform-Ops-Bump: server limits.memory 256Mi -> 384Mi" in fleet.git("log", "--format=%B", "main")
    assert first["branch"] not in fleet.git("branch", "--list")
    assert fleet.follow(by="us") == []


def test_a_red_check_blocks_and_a_pending_one_waits(fleet):
    first = fleet.propose("checkout", "384Mi")
    fleet.git("config", "--add", "platform-ops.requiredCheck", "ci")
    assert states(fleet.follow(by="us")) == [("wait", "checks_pending")]
    fleet.git("notes", "--ref=checks", "add", "-m", "ci: failure", first["commit"])
    assert states(fleet.follow(by="us")) == [("blocked", "checks_failed")]
    fleet.git("notes", "--ref=checks", "add", "-f", "-m", "ci: success", first["commit"])
    assert states(fleet.follow(by="us")) == [("merged", "ready")]


def test_what_became_pointless_is_closed(fleet):
    fleet.propose("checkout", "384Mi")
    fleet.push({"apps/checkout.yaml": checkout_with("384Mi")})
    assert states(fleet.follow(by="us")) == [("obsolete", "base_has_it")]
    assert fleet.pull_requests()[0].state == "closed"


def test_a_conflict_is_returned_with_what_it_had(fleet):
    fresh = fleet.checkout("checkout")
    item = fleet.bump(fresh["results"][0], "384Mi")
    body = fenced({"target": {"name": "checkout"}, "changes": item["changes"]})
    fleet.open_pr(fresh, [{**item, "body": body}])
    fleet.push({"apps/checkout.yaml": checkout_with("320Mi")})
    (result,) = fleet.follow(by="us")
    assert (result["state"], result["block"]["changes"][0]["after"]) == ("conflict", "384Mi")


def test_commits_of_people_are_left_to_people(fleet):
    first = fleet.propose("checkout", "384Mi")
    fleet.push({"x": "y"}, first["branch"])
    assert states(fleet.follow(by="us")) == [("people", "foreign_commits")]


def test_what_a_person_pushes_after_the_look_at_its_commits_is_not_merged(fleet, monkeypatch):
    first = fleet.propose("checkout", "384Mi")
    before = fleet.git("rev-parse", "main")
    get = LocalHost.get

    def pushed_meanwhile(host, number):
        fleet.push({"apps/checkout.yaml": checkout_with("64Gi")}, first["branch"])
        return get(host, number)

    monkeypatch.setattr(LocalHost, "get", pushed_meanwhile)
    assert states(fleet.follow(by="us")) == [("wait", "head_moved")]
    assert fleet.git("rev-parse", "main") == before
    monkeypatch.undo()
    assert states(fleet.follow(by="us")) == [("people", "foreign_commits")]


def test_the_step_counts_that_the_body_tells_when_it_is_merged(fleet, monkeypatch):
    fresh = fleet.checkout("checkout")
    item = fleet.bump(fresh["results"][0], "384Mi")
    body = fenced({"target": {"name": "checkout"}, "changes": item["changes"]})
    number = fleet.open_pr(fresh, [{**item, "body": body}])[0]["number"]
    get = LocalHost.get

    def edited_meanwhile(host, wanted):
        host.update(number, body=get(host, number).body.replace("384Mi", "2Gi"))
        return get(host, wanted)

    monkeypatch.setattr(LocalHost, "get", edited_meanwhile)
    assert states(fleet.follow(by="us", largest_factor=2)) == [("people", "large_step")]


def test_large_steps_are_left_to_people(fleet):
    fresh = fleet.checkout("checkout", "search")
    items = [fleet.bump(item, memory) for item, memory in zip(fresh["results"], ("384Mi", "2Gi"), strict=True)]
    for item in items:
        item["body"] = fenced({"target": {"name": item["name"]}, "changes": item["changes"]})
    fleet.open_pr(fresh, items)
    assert [state for state, _reason in states(fleet.follow(by="us", largest_factor=2))] == ["merged", "people"]


def test_a_host_without_auto_merge_is_named(fleet):
    fleet.propose("checkout", "384Mi", merge={"by": "host"})
    assert states(fleet.follow(by="host")) == [("blocked", "no_auto_merge")]


def test_states_of_one_pull_request(fleet):
    number = fleet.propose("checkout", "384Mi")["number"]
    assert fleet.settle(number, "closed", comment="No")["changed"] is True
    assert fleet.settle(number, "closed")["changed"] is False
    assert fleet.settle(number, "open")["changed"] is True
    fleet.settle(number, "merged", delete_branch=True)
    assert fleet.settle(number, "merged")["changed"] is False
    for state in ("open", "closed"):
        for check_mode in (True, False):
            with pytest.raises(ConflictError):
                fleet.settle(number, state, check_mode=check_mode)
    with pytest.raises(NotFoundError):
        fleet.settle(99, "closed")


def test_info_lists_with_keys_and_history(fleet):
    first = fleet.propose("checkout", "384Mi")
    fleet.propose("search", "384Mi")
    fleet.settle(first["number"], "closed")
    spec = pull_request_info.SPEC["argument_spec"]
    given = {**fleet.common, "state": "closed"}
    params = {name: given.get(name, option.get("default")) for name, option in spec.items()}
    found = pull_request_info.run(params, check_mode=False, diff_mode=False)
    (one,) = found["pull_requests"]
    assert (one["key"], one["state"], one["differences"]) == (first["key"], "closed", [])


def checkout_with(memory):
    return (
        "kind: Deployment\nmetadata:\n  name: checkout\nspec:\n  resources:\n    limits:\n      cpu: 500m\n"
        f"      memory: {memory}\n"
    )
