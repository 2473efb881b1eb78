# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Role limit_bump as the rulebook runs it: what people do meanwhile, and the switches operators have."""

from __future__ import annotations

import re

import pytest

from tests.spine.conftest import Fleet, remediation

AD = remediation("adservice", "283Mi")
AD_FILE = "apps/shop/adservice.yaml"


def test_a_second_delivery_changes_nothing(fleet: Fleet):
    fleet.bump(AD)
    (first,) = fleet.pulls()
    fleet.bump(AD)
    assert fleet.pulls() == [first]
    assert [d["decision"] for d in fleet.decisions()] == ["opened", "unchanged"]


def test_a_higher_peak_raises_the_same_pull_request_and_a_lower_one_takes_nothing_back(fleet: Fleet):
    fleet.bump(AD)
    fleet.bump(remediation("adservice", "500Mi"))
    fleet.bump(AD)
    (pull,) = fleet.pulls()
    # max(500Mi + 100Mi, 500Mi x 1.2): from the peak, not from the 400Mi that nobody has merged
    assert "memory: 600Mi " in fleet.file(AD_FILE, pull.head_sha)


def test_another_resource_joins_the_pull_request(fleet: Fleet):
    fleet.bump(AD)
    fleet.bump(remediation("adservice", "290m", resource="cpu"))
    (pull,) = fleet.pulls()
    content = fleet.file(AD_FILE, pull.head_sha)
    assert "memory: 400Mi " in content
    assert "cpu: 400m" in content


def test_a_commit_by_a_person_on_the_branch_is_kept(fleet: Fleet):
    fleet.bump(AD)
    (pull,) = fleet.pulls()
    fleet.replace(AD_FILE, "400Mi", "450Mi", branch=pull.branch)
    fleet.bump(remediation("adservice", "900Mi"))
    assert "memory: 450Mi " in fleet.file(AD_FILE, pull.branch)
    assert fleet.decisions()[-1]["reason"] == "foreign_commits"


def test_closing_a_pull_request_is_a_no(fleet: Fleet):
    fleet.bump(AD)
    fleet.play("platform.ops.set_pull_request", repository="fleet", number=1, state="closed")
    fleet.bump(remediation("adservice", "290Mi"))
    assert [one.state for one in fleet.pulls()] == ["closed"]
    assert fleet.decisions()[-1]["decision"] == "declined"


def test_a_pull_request_that_became_pointless_is_closed_and_that_is_not_a_no(fleet: Fleet):
    fleet.bump(AD)
    fleet.replace(AD_FILE, "memory: 300Mi", "memory: 2Gi")
    fleet.play("platform.ops.follow_pull_requests")
    assert [one.state for one in fleet.pulls()] == ["closed"]
    fleet.bump(remediation("adservice", "2000Mi"))
    assert [one.state for one in fleet.pulls()] == ["closed", "open"]


def test_a_pull_request_is_made_anew_when_the_base_moved(fleet: Fleet):
    fleet.bump(AD)
    fleet.replace(AD_FILE, "memory: 300Mi", "memory: 310Mi")
    fleet.play("platform.ops.follow_pull_requests")
    (pull,) = fleet.pulls()
    assert fleet.git("merge-base", "main", pull.head_sha) == fleet.git("rev-parse", "main")
    assert "memory: 400Mi " in fleet.file(AD_FILE, pull.head_sha)


def test_the_merge_policy_merges_on_a_tick_and_the_cool_down_follows_from_what_was_merged(fleet: Fleet):
    fleet.configure(limit_bump_pull_request={"merge": {"by": "us", "method": "squash"}})
    fleet.bump(AD)
    fleet.play("platform.ops.follow_pull_requests")
    assert [one.state for one in fleet.pulls()] == ["merged"]
    assert "memory: 400Mi " in fleet.file(AD_FILE)
    assert fleet.decisions()[-1]["decision"] == "merged"
    fleet.bump(remediation("adservice", "390Mi"))
    assert (fleet.decisions()[-1]["decision"], fleet.decisions()[-1]["reason"]) == ("limited", "cooldown")


def test_the_cool_down_holds_for_an_alert_that_names_only_a_pod(fleet: Fleet):
    fleet.configure(limit_bump_pull_request={"merge": {"by": "us", "method": "squash"}})
    by_pod = {key: value for key, value in AD.items() if key != "workload"}
    by_pod["pod"] = {"namespace": "shop", "name": "adservice-6bfb9555db-c7xd2", "container": "server"}
    fleet.bump(by_pod)
    fleet.play("platform.ops.follow_pull_requests")
    assert [one.state for one in fleet.pulls()] == ["merged"]
    fleet.bump({**by_pod, "id": "another-pod"})
    assert (fleet.decisions()[-1]["decision"], fleet.decisions()[-1]["reason"]) == ("limited", "cooldown")


def test_a_step_over_the_merge_policy_is_left_to_people(fleet: Fleet):
    fleet.configure(limit_bump_pull_request={"merge": {"by": "us", "largest_factor": 1.2}})
    fleet.bump(AD)
    fleet.play("platform.ops.follow_pull_requests")
    assert [one.state for one in fleet.pulls()] == ["open"]


def test_observe_mode_opens_nothing_and_reports_what_it_would_have_opened(fleet: Fleet):
    fleet.configure(limit_bump_mode="observe")
    fleet.bump(AD, remediation("checkoutservice", "250Mi"))
    assert fleet.pulls() == []
    assert fleet.git("for-each-ref", "refs/heads/platform-ops") == ""
    assert [d["decision"] for d in fleet.decisions()] == ["would_open", "would_open"]
    report = fleet.folder / "report.md"
    fleet.play("platform.ops.observe_report", observe_report_file=str(report))
    assert "adservice" in report.read_text()
    assert "400Mi" in report.read_text()


def test_dry_run_and_check_mode_write_nothing_anywhere(fleet: Fleet):
    fleet.configure(limit_bump_mode="dry_run")
    assert "memory: 400Mi" in fleet.bump(AD, options=["--diff"])
    fleet.configure(limit_bump_mode="act")
    assert "memory: 400Mi" in fleet.bump(AD, options=["--check", "--diff"])
    assert fleet.pulls() == []
    assert fleet.decisions() == []


def test_the_pause_switch_keeps_the_alerts_for_later(fleet: Fleet):
    fleet.state.mkdir()
    (fleet.state / "paused").touch()
    fleet.bump(AD)
    assert fleet.pulls() == []
    assert (fleet.decisions()[-1]["decision"], fleet.decisions()[-1]["reason"]) == ("limited", "paused")
    (fleet.state / "paused").unlink()
    fleet.bump(AD)
    assert len(fleet.pulls()) == 1


def test_one_workload_that_fails_leaves_the_others_alone(fleet: Fleet):
    fleet.bump(remediation("nothing-of-this-name", "1Gi"), AD)
    assert len(fleet.pulls()) == 1
    assert {d["reason"] for d in fleet.decisions()} == {"not_found", "bumped"}


def test_a_repository_out_of_reach_fails_only_its_own(fleet: Fleet):
    fleet.configure(
        limit_bump_repositories=[
            {"name": "gone", "url": str(fleet.folder / "gone.git"), "namespaces": ["other"]},
            {"name": "fleet", "url": str(fleet.bare), "namespaces": ["shop"]},
        ]
    )
    lost = remediation("web", "1Gi", workload={"namespace": "other", "kind": "Deployment", "name": "web"})
    with pytest.raises(AssertionError, match=r"gone\.git"):
        fleet.bump(lost, AD)
    assert len(fleet.pulls()) == 1
    (failed,) = [d for d in fleet.decisions() if d["decision"] == "failed"]
    assert "gone.git" in failed["message"]


def beside_one_that_is_gone(fleet: Fleet) -> str:
    """Two repositories, the first out of reach, by an address that must never be taken for a template."""
    gone = "gone-{{ 7 * 7 }}.git"
    raw = f"{{% raw %}}{fleet.folder / gone}{{% endraw %}}"
    fleet.configure(limit_bump_repositories=[{"name": "gone", "url": raw}, {"name": "fleet", "url": str(fleet.bare)}])
    return re.escape(gone)


def test_the_tick_goes_on_behind_a_repository_out_of_reach(fleet: Fleet):
    fleet.configure(limit_bump_pull_request={"merge": {"by": "us", "method": "squash"}})
    fleet.bump(AD)
    with pytest.raises(AssertionError, match=rf"gone: .*{beside_one_that_is_gone(fleet)}"):
        fleet.play("platform.ops.follow_pull_requests")
    assert [one.state for one in fleet.pulls()] == ["merged"]
    assert fleet.decisions()[-1]["decision"] == "merged"


@pytest.mark.parametrize(("action", "said"), [("show", "adservice"), ("verify", "1 open pull requests of fleet hold")])
def test_people_see_what_is_behind_a_repository_out_of_reach(fleet: Fleet, action: str, said: str):
    fleet.bump(AD)
    with pytest.raises(AssertionError, match=rf"gone: .*{beside_one_that_is_gone(fleet)}"):
        fleet.play(f"platform.ops.{action}_pull_requests")
    assert said in fleet.output()


def test_the_numbers_of_every_pull_request_can_be_computed_again(fleet: Fleet):
    fleet.bump(AD, remediation("checkoutservice", "190m", resource="cpu"))
    fleet.play("platform.ops.verify_pull_requests")


def test_the_same_alert_gives_the_same_body_and_commit_message(fleet: Fleet, tmp_path):
    (tmp_path / "other").mkdir()
    told = []
    for one in (fleet, Fleet(tmp_path / "other")):
        one.bump(AD)
        (pull,) = one.pulls()
        # the key is the only thing that tells the two repositories apart
        told.append(
            (pull.body.split("<!--")[0], one.git("log", "-1", "--format=%B", pull.head_sha).split("Platform")[0])
        )
    assert told[0] == told[1]


def test_the_fleet_grows_only_by_so_much_a_day(fleet: Fleet):
    policy = {"memory": {"factor": 1.2, "floor": "100Mi"}, "cpu": {"factor": 2}, "memory_per_day": "250Mi"}
    fleet.configure(limit_bump_policy=policy)
    fleet.bump(AD)  # 100Mi more for each of two replicas
    fleet.bump(remediation("checkoutservice", "250Mi"))
    assert len(fleet.pulls()) == 1
    assert (fleet.decisions()[-1]["decision"], fleet.decisions()[-1]["reason"]) == ("limited", "budget")
