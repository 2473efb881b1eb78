# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a merge to the verdict, the further step, the revert and the hand-over, on a real repository."""

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.forge._body import code
from ansible_collections.platform.ops.plugins.module_utils.forge._mark import mark_in_body
from ansible_collections.platform.ops.plugins.module_utils.verdict._episodes import refusals
from ansible_collections.platform.ops.plugins.module_utils.verdict._judge import Alert, Seen
from ansible_collections.platform.ops.plugins.module_utils.verdict._live import Obstacle

WAITING = Seen(differing=("server limits.memory is 64Mi",), contained=False, source="Kustomization flux-system/fleet")
KILLED = Seen(kills={"server": 1})


def states(results):
    return [(result["number"], result["state"], result["reason"]) for result in results]


def unfit(world, message="0/1 nodes are available"):
    return Seen(waiting="0 of 1", unschedulable=Obstacle(world.now, message))


def comments(world, number):
    return [text for text in world.host.comments(number) if text.startswith("### Verdict")]


def test_a_bump_that_helps_is_called_fixed_once(world):
    pull = world.bump()
    assert states(world.watch(WAITING)) == [(pull.number, "watching", "")]
    assert states(world.watch(Seen(), after=1)) == [(pull.number, "watching", "")]
    (result,) = world.watch(after=16)
    assert (result["state"], result["news"]) == ("fixed", True)
    merged = world.host.get(pull.number)
    assert set(merged.labels) == {"limits", "verdict-fixed"}
    (text,) = comments(world, pull.number)
    assert "### Verdict: fixed" in text
    assert pull.merge_sha[:12] in text
    assert list(result["seconds"]) == ["opened", "merged", "applied", "rolled_out", "resolved"]
    before = world.git("for-each-ref")
    assert world.watch(after=60) == []
    assert world.git("for-each-ref") == before


def test_what_is_looked_at_is_what_the_pull_request_changed(world):
    pull = world.bump()
    world.watch()
    (case,) = world.cases
    assert (case.namespace, case.kind, case.name, case.merge_sha) == ("shop", "Deployment", "cart", pull.merge_sha)
    assert [(change["container"], change["after"]) for change in case.changes] == [("server", "164Mi")]
    assert case.alertnames == frozenset({"ContainerOutOfMemory"})


def test_nothing_is_written_while_nothing_changes(world):
    world.bump()
    world.watch(Seen())
    before = world.git("for-each-ref")
    assert world.watch(after=1)[0]["changed"] is False
    assert world.git("for-each-ref") == before


def test_check_mode_tells_and_writes_nothing(world):
    world.bump()
    before = world.git("for-each-ref", "refs/platform-ops", "refs/heads", "refs/pull")
    (result,) = world.watch(KILLED, after=5, check=True)
    assert (result["state"], result["changed"]) == ("not_fixed", True)
    assert result["further"]
    assert world.git("for-each-ref", "refs/platform-ops", "refs/heads", "refs/pull") == before


def test_stalled_is_said_once_and_taken_back_when_it_gets_on(world):
    pull = world.bump()
    world.watch(WAITING)
    assert states(world.watch(after=61)) == [(pull.number, "stalled", "not_applied")]
    assert "verdict-stalled" in world.host.get(pull.number).labels
    assert world.watch(after=60)[0]["changed"] is False
    world.watch(Seen(), after=1)
    assert "verdict-stalled" not in world.host.get(pull.number).labels
    world.watch(after=16)
    assert {"verdict-fixed"} == set(world.host.get(pull.number).labels) - {"limits"}
    (text,) = comments(world, pull.number)
    assert "fixed" in text.splitlines()[0]


def test_too_small_a_step_gets_one_further_step_and_is_then_handed_over(world):
    first = world.bump()
    (result,) = world.watch(KILLED, after=5)
    assert (result["state"], result["reason"], result["handed_over_until"]) == ("not_fixed", "killed_again", None)
    (decision,) = world.answer(*result["further"])
    assert decision["decision"] == "opened"  # within the cool-down
    world.watch()
    second = world.bump()
    assert second.number != first.number
    assert "memory: 264Mi" in world.text()
    (result,) = world.watch(after=5)
    assert (result["number"], result["state"], result["further"]) == (second.number, "not_fixed", [])
    assert result["handed_over_until"]
    assert {"verdict-not-fixed", "handed-over"} <= set(world.host.get(second.number).labels)
    (text,) = comments(world, second.number)
    assert f"#{first.number}" in text
    assert f"#{second.number}" in text
    assert world.watch(after=60) == []


def test_an_alert_takes_the_further_step_as_well_and_never_a_third(world):
    world.bump()
    assert world.answer()[0]["reason"] == "cooldown"
    world.watch(KILLED, after=5)
    world.bump()
    world.watch(KILLED, after=5)
    (decision,) = world.answer(cooldown="0")
    assert (decision["decision"], decision["reason"]) == ("refused", "handed_over")
    assert len(world.pulls()) == 2


def test_taking_the_label_off_has_alerts_answered_again(world):
    world.bump()
    world.watch(KILLED, after=5)
    second = world.bump()
    world.watch(KILLED, after=5)
    world.host.update(second.number, drop_labels=["handed-over"])
    assert world.answer(cooldown="0")[0]["decision"] == "opened"


def test_another_resource_has_to_wait_for_its_cool_down(world):
    world.bump(world.alert(), world.alert("cpu"))
    world.watch(KILLED, after=5)
    world.answer(world.alert(), world.alert("cpu"))
    world.merge()
    assert "memory: 264Mi" in world.text()
    assert "cpu: 1000m" in world.text()  # raised once, not twice


def test_a_further_step_that_is_not_to_be_had_is_handed_over(world):
    capped = {"memory": {"factor": 1.2, "floor": "100Mi", "max": "164Mi"}}
    pull = world.bump(**capped)
    (result,) = world.watch(KILLED, after=5)
    answers = world.answer(*result["further"], **capped)
    assert answers[0]["decision"] == "refused"
    assert states(world.watch()) == [(pull.number, "not_fixed", "killed_again")]  # due until somebody says no
    (result,) = world.watch(refused=refusals(answers))
    assert (result["news"], result["further"]) == (True, [])
    (text,) = comments(world, pull.number)
    assert code("capped") in text
    assert "handed-over" in world.host.get(pull.number).labels
    assert world.watch(after=5) == []


def test_while_the_further_step_waits_for_people_it_is_not_asked_for_again(world):
    world.bump()
    (result,) = world.watch(KILLED, after=5)
    world.answer(*result["further"])
    assert world.watch(after=5) == []


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_bump_that_fits_nowhere_is_taken_back_and_what_others_did_stays(world, method):
    world.method = method
    pull = world.bump()
    world.commit({"apps/cart.yaml": world.text().replace("cpu: 500m", "cpu: 700m").replace("in spring", "in May")})
    sight = unfit(world, "0/1 nodes are available: `x` [evil](http://x)")
    world.watch(sight)
    (result,) = world.watch(after=11)
    assert (result["state"], result["reason"]) == ("not_fixed", "unschedulable")
    revert = world.host.get(result["revert"]["number"])
    assert revert.state == "open"
    assert set(revert.labels) == {"limits"}
    assert {"verdict-not-fixed", "handed-over"} <= set(world.host.get(pull.number).labels)
    (text,) = comments(world, pull.number)
    assert "`0/1 nodes are available: 'x' [evil](http://x)`" in text
    assert f"#{revert.number} takes it back." in text
    world.merge()
    assert world.text() == manifest_with(cpu="700m", remark="# measured in May")
    assert world.answer(cooldown="0")[0]["reason"] == "handed_over"
    assert world.watch(after=5) == []


def manifest_with(memory="64Mi", cpu="500m", remark="# measured in spring"):
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart, namespace: shop}\nspec:\n  template:\n"
        f"    spec:\n      containers:\n        - name: server\n          resources:\n            limits:  {remark}\n"
        f"              memory: {memory}\n              cpu: {cpu}\n"
    )


def test_a_number_that_others_have_changed_since_is_left_to_them(world):
    pull = world.bump()
    world.commit({"apps/cart.yaml": world.text().replace("164Mi", "128Mi")})
    world.watch(unfit(world))
    (result,) = world.watch(after=11)
    assert (result["state"], result["revert"]) == ("not_fixed", None)
    assert "apps/cart.yaml:11" in comments(world, pull.number)[0]
    assert [one.number for one in world.pulls()] == [pull.number]


def test_a_revert_that_is_not_needed_any_more_is_closed(world):
    pull = world.bump()
    world.watch(unfit(world))
    (result,) = world.watch(after=11)
    number = result["revert"]["number"]
    assert world.watch(after=1)[0]["changed"] is False
    world.watch(Seen(), after=5)  # a node has come
    assert world.host.get(number).state == "closed"
    assert set(world.host.get(pull.number).labels) == {"limits"}
    world.watch(after=16)
    assert "verdict-fixed" in world.host.get(pull.number).labels
    assert mark_in_body(world.host.get(pull.number).body).until is None


def test_a_revert_in_conflict_is_made_anew(world):
    world.bump()
    world.watch(unfit(world))
    (result,) = world.watch(after=11)
    number = result["revert"]["number"]
    world.commit({"apps/cart.yaml": world.text().replace("cpu: 500m", "cpu: 700m")})
    assert [one["state"] for one in world.merge()] == ["conflict"]
    world.watch(after=1)
    assert [(one["number"], one["state"]) for one in world.merge()] == [(number, "merged")]
    assert world.text() == manifest_with(cpu="700m")


def test_a_revert_is_not_taken_for_a_bump(world):
    world.bump()
    world.watch(unfit(world))
    world.watch(after=11)
    world.merge()
    world.watch(after=60)
    assert {case.name for case in world.cases} == {"cart"}
    assert len(world.pulls()) == 2
    world.answer({**world.alert(), "workload": {**world.alert()["workload"], "name": "other"}})  # history can be read


def test_one_that_was_overtaken_before_its_verdict_says_so(world):
    first = world.bump(cooldown="0")
    second = world.bump(cooldown="0")
    results = world.watch(Seen())
    assert states(results) == [(first.number, "superseded", "next_merged"), (second.number, "watching", "")]
    assert "verdict-superseded" in world.host.get(first.number).labels


def test_an_alert_that_goes_on_is_not_fixed(world):
    world.bump()
    world.watch(Seen(alerts=(Alert("ContainerMemoryNearLimit", "new", "server", "memory"),)))
    (result,) = world.watch(after=6)
    assert (result["state"], result["reason"]) == ("not_fixed", "alert_firing")
    (remediation,) = result["further"]
    assert remediation["workload"] == {"namespace": "shop", "kind": "Deployment", "name": "cart", "container": "server"}
    assert remediation["id"].startswith("verdict:")


def test_one_that_cannot_be_looked_at_is_told_and_looked_at_again(world):
    pull = world.bump()
    (result,) = world.watch(UnavailableError("no answer"))
    assert (result["number"], result["state"], result["reason"]) == (pull.number, "failed", "unavailable")
    assert world.watch(Seen())[0]["state"] == "watching"


def test_only_what_was_merged_lately_and_for_this_cluster_is_looked_at(world):
    world.bump()
    assert world.watch(after=8 * 24 * 60) == []


def test_a_run_killed_before_the_mark_is_completed_by_the_next(world, monkeypatch):
    pull = world.bump()
    world.watch(unfit(world))
    real = type(world.host).update

    def dies(self, number, **given):
        if "body" in given:
            raise KeyboardInterrupt
        return real(self, number, **given)

    with monkeypatch.context() as patched:
        patched.setattr(type(world.host), "update", dies)
        with pytest.raises(KeyboardInterrupt):
            world.watch(after=11)
    (result,) = world.watch(after=1)
    assert (result["state"], result["news"]) == ("not_fixed", True)
    assert len(comments(world, pull.number)) == 1
    assert len(world.pulls()) == 2
    assert mark_in_body(world.host.get(pull.number).body).revert == result["revert"]["number"]


BASE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: front}
spec:
  template:
    spec:
      containers:
        - name: server
          resources: {limits: {memory: 64Mi}}
"""
OVERLAY = "# what differs\nresources:\n  - ../base\nnamespace: NAMESPACE\n"


@pytest.mark.parametrize("changed_since", [False, True])
def test_a_patch_that_the_bump_had_made_goes_with_what_names_it_or_stays_with_it(world, changed_since):
    files = {"web/base/kustomization.yaml": "resources: [front.yaml]\n", "web/base/front.yaml": BASE}
    files |= {f"web/{name}/kustomization.yaml": OVERLAY.replace("NAMESPACE", name) for name in ("prod", "staging")}
    world.commit(files)
    before = world.git("ls-tree", "-r", "main")
    workload = {"namespace": "prod", "kind": "Deployment", "name": "front", "container": "server"}
    world.bump({**world.alert(), "workload": workload})
    (patch,) = set(world.git("ls-tree", "-r", "--name-only", "main").split()) - set(files) - {"apps/cart.yaml"}
    if changed_since:
        world.commit({patch: world.git("show", f"main:{patch}") + "# kept for the sale\n"})
    world.watch(unfit(world))
    (result,) = world.watch(after=11)
    if changed_since:
        assert result["revert"] is None
        assert "was made by it and has been changed since" in result["message"]
    else:
        world.merge()
        assert world.git("ls-tree", "-r", "main") == before
