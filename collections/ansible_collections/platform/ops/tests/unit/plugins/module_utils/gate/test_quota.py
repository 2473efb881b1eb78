# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ResourceQuotas and how a restart goes about. The real quota controller is asked in tests/e2e/test_admission.py."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.gate._quota import check
from ansible_collections.platform.ops.plugins.module_utils.gate._rollout import Rollout, rollout_of
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Reason

MI = 1 << 20


def pod(limit: str = "64Mi", request: str | None = None, **more: Any) -> dict[str, Any]:
    resources = {"limits": {"memory": limit}, "requests": {"memory": request or limit}}
    return {"containers": [{"name": "server", "resources": resources}], **more}


def quota(hard: dict[str, str], used: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "team", "namespace": "shop"},
        "spec": {"hard": hard, **spec},
        "status": {"hard": hard, "used": used},
    }


IN = {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}
ROLLING = Rollout(2, 1, 0, "rolling update")
RECREATE = Rollout(2, 0, 2, "Recreate")


@pytest.mark.parametrize(
    ("hard", "used", "rollout", "expected"),
    [
        # two pods go from 64Mi to 100Mi: 200Mi in the end, 264Mi while one old one is still there
        ("264Mi", "128Mi", ROLLING, None),
        ("263Mi", "128Mi", ROLLING, Reason.QUOTA_SURGE),
        ("200Mi", "128Mi", RECREATE, None),
        ("199Mi", "128Mi", RECREATE, Reason.QUOTA),
        # others in the namespace use 50Mi
        ("249Mi", "178Mi", RECREATE, Reason.QUOTA),
        ("250Mi", "178Mi", RECREATE, None),
    ],
)
@pytest.mark.parametrize("name", ["limits.memory", "requests.memory", "memory"])
def test_new_pods_have_to_fit_with_those_that_are_still_there(
    name: str, hard: str, used: str, rollout: Rollout, expected: Reason | None
) -> None:
    verdict = check(pod("100Mi"), [pod(), pod()], rollout, [quota({name: hard}, {name: used})])
    assert verdict.reason == expected
    assert expected is None or name in verdict.message


def test_the_number_of_pods_counts_during_the_restart() -> None:
    pods = quota({"pods": "2"}, {"pods": "2"})
    assert check(pod("100Mi"), [pod(), pod()], ROLLING, [pods]).reason == Reason.QUOTA_SURGE
    assert check(pod("100Mi"), [pod(), pod()], RECREATE, [pods]).reason is None


def test_a_quota_that_is_overdrawn_by_others_is_not_held_against_a_number_that_stays() -> None:
    overdrawn = quota({"requests.memory": "10Mi"}, {"requests.memory": "500Mi"})
    assert check(pod("100Mi", "64Mi"), [pod(), pod()], RECREATE, [overdrawn]).reason is None


@pytest.mark.parametrize(
    ("spec", "counts"),
    [
        ({"scopes": ["NotBestEffort"]}, True),
        ({"scopes": ["BestEffort"]}, False),
        ({"scopes": ["Terminating"]}, False),
        ({"scopes": ["NotTerminating"]}, True),
        ({"scopes": ["CrossNamespacePodAffinity"]}, False),
        (
            {"scopeSelector": {"matchExpressions": [IN]}},
            True,
        ),
        ({"scopeSelector": {"matchExpressions": [{**IN, "operator": "NotIn"}]}}, False),
        ({"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]}}, True),
        ({"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "DoesNotExist"}]}}, False),
    ],
)
def test_a_quota_with_a_scope_counts_the_pods_in_it_alone(spec: Any, counts: bool) -> None:
    new = pod("100Mi", priorityClassName="high")
    small = quota({"limits.memory": "1Mi"}, {"limits.memory": "0"}, **spec)
    assert (check(new, [], RECREATE, [small]).reason is not None) == counts


def deployment(**spec: Any) -> dict[str, Any]:
    return {"spec": {"replicas": 4, **spec}}


@pytest.mark.parametrize(
    ("kind", "workload", "running", "expected"),
    [
        ("Deployment", deployment(), 4, (4, 1, 1)),
        ("Deployment", deployment(replicas=1), 1, (1, 1, 0)),
        ("Deployment", deployment(), 9, (9, 3, 2)),  # an autoscaler made more than the spec says
        ("Deployment", deployment(strategy={"type": "Recreate"}), 4, (4, 0, 4)),
        ("Deployment", deployment(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "10%"}}), 4, (4, 0, 1)),
        ("Deployment", deployment(strategy={"rollingUpdate": {"maxSurge": 2, "maxUnavailable": 0}}), 4, (4, 2, 0)),
        ("StatefulSet", deployment(), 4, (4, 0, 1)),
        ("StatefulSet", deployment(updateStrategy={"type": "OnDelete"}), 4, (4, 0, 0)),
        ("DaemonSet", {"spec": {}}, 7, (7, 0, 1)),
        (
            "DaemonSet",
            {"spec": {"updateStrategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}},
            7,
            (7, 1, 0),
        ),
        ("Rollout", deployment(strategy={"blueGreen": {}}), 4, (4, 4, 0)),
        ("Rollout", deployment(strategy={"canary": {"maxSurge": "50%"}}), 4, (4, 2, 1)),
        ("CronJob", {"spec": {"jobTemplate": {"spec": {"parallelism": 3}}}}, 1, (3, 0, 0)),
        ("Pod", {"spec": {}}, 1, (1, 0, 1)),
    ],
)
def test_a_restart_takes_pods_away_and_adds_some_as_the_controller_does(
    kind: str, workload: Any, running: int, expected: tuple[int, int, int]
) -> None:
    rollout = rollout_of(kind, workload, running)
    assert (rollout.replicas, rollout.surge, rollout.unavailable) == expected


def test_a_canary_runs_the_new_pods_beside_all_of_the_old_ones() -> None:
    rollout = rollout_of("Deployment", deployment(), 4, canary=True)
    assert (rollout.replicas, rollout.surge) == (4, 5)
