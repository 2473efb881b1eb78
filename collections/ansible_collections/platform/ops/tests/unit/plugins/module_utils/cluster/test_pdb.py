# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.cluster._pdb import budget, hindrance

LABELS = {"app": "web"}


def made(name: str = "web", allowed: int = 0, healthy: int = 2, desired: int = 1, expected: int = 2, **more: Any):  # type: ignore[no-untyped-def]
    return budget(
        {
            "metadata": {"namespace": "shop", "name": name, "generation": 2},
            "spec": {"selector": {"matchLabels": LABELS}, "minAvailable": 1, **more},
            "status": {
                "expectedPods": expected,
                "currentHealthy": healthy,
                "desiredHealthy": desired,
                "disruptionsAllowed": allowed,
                "observedGeneration": more.get("observed", 2),
            },
        }
    )


def reason(
    *budgets: Any, ready: bool = True, labels: dict[str, str] | None = None, namespace: str = "shop"
) -> str | None:
    found = hindrance(namespace, LABELS if labels is None else labels, ready, budgets)
    return found.reason if found else None


def test_a_budget_with_disruptions_left_lets_the_pod_go() -> None:
    assert reason(made(allowed=1)) is None


def test_budgets_of_other_pods_and_namespaces_do_not_count() -> None:
    assert reason(made(), labels={"app": "db"}) is None
    assert reason(made(), namespace="other") is None


def test_an_empty_selector_covers_the_whole_namespace() -> None:
    assert reason(made(selector={})) == "budget_now"


def test_an_exhausted_budget_blocks_for_now() -> None:
    found = hindrance("shop", LABELS, True, [made(healthy=1)])
    assert found is not None
    assert (found.reason, found.permanent, found.budget) == ("budget_now", False, "shop/web")


def test_one_replica_that_must_be_available_never_goes_and_the_arithmetic_is_told() -> None:
    found = hindrance("shop", LABELS, True, [made(healthy=1, desired=1, expected=1)])
    assert found is not None
    assert (found.reason, found.permanent) == ("budget_never", True)
    assert "minAvailable 1: 1 healthy of 1, 1 must stay, 0 may go" in found.message


def test_two_budgets_on_one_pod_block_even_when_both_have_room() -> None:
    assert reason(made("a", allowed=1), made("b", allowed=1)) == "several_budgets"


def test_a_budget_that_was_just_changed_is_not_believed() -> None:
    assert reason(made(allowed=1, observed=1)) == "budget_unknown"


@pytest.mark.parametrize(
    ("policy", "healthy", "expected"),
    [
        ("AlwaysAllow", 0, None),
        ("IfHealthyBudget", 1, None),
        ("IfHealthyBudget", 0, "budget_now"),
    ],
)
def test_an_unready_pod_goes_as_the_policy_for_unhealthy_ones_says(
    policy: str, healthy: int, expected: str | None
) -> None:
    assert reason(made(healthy=healthy, unhealthyPodEvictionPolicy=policy), ready=False) == expected
