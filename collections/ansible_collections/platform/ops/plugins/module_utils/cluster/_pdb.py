# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arithmetic of PodDisruptionBudgets: which pods may go now, which later, which never."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.cluster._selectors import Labels, Selector, label_selector


@dataclass(frozen=True, slots=True)
class Budget:
    namespace: str
    name: str
    selector: Selector
    rule: str  # as written: "minAvailable 1", "maxUnavailable 25%"
    expected: int
    healthy: int
    desired: int
    allowed: int
    unhealthy_may_go: bool  # unhealthyPodEvictionPolicy AlwaysAllow
    current: bool  # the controller has seen the newest spec

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def covers(self, namespace: str, labels: Labels) -> bool:
        return namespace == self.namespace and self.selector.matches(labels)

    @property
    def never(self) -> bool:
        """Whether not even a fully healthy workload may lose a pod: 1 replica and minAvailable 1, maxUnavailable 0."""
        return self.current and self.expected > 0 and self.desired >= self.expected

    @property
    def arithmetic(self) -> str:
        return (
            f"{self.rule}: {self.healthy} healthy of {self.expected}, {self.desired} must stay, {self.allowed} may go"
        )


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why the budgets do not let one pod go. `permanent`: waiting alone will not help."""

    reason: str  # budget_never | budget_now | several_budgets | budget_unknown
    message: str
    permanent: bool
    budget: str = ""


def budget(raw: Mapping[str, Any]) -> Budget:
    metadata, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    if "minAvailable" in spec:
        rule = f"minAvailable {spec['minAvailable']}"
    else:
        rule = f"maxUnavailable {spec.get('maxUnavailable', 1)}"
    return Budget(
        namespace=metadata["namespace"],
        name=metadata["name"],
        # policy/v1: an empty selector selects all pods of the namespace, an absent one none
        selector=label_selector(spec.get("selector")),
        rule=rule,
        expected=status.get("expectedPods", 0),
        healthy=status.get("currentHealthy", 0),
        desired=status.get("desiredHealthy", 0),
        allowed=status.get("disruptionsAllowed", 0),
        unhealthy_may_go=spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow",
        current=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
    )


def hindrance(namespace: str, labels: Labels, ready: bool, budgets: Iterable[Budget]) -> Hindrance | None:
    """What stands between one pod and its eviction, by the budgets as they are now."""
    mine = [item for item in budgets if item.covers(namespace, labels)]
    if not mine:
        return None
    if len(mine) > 1:
        names = " and ".join(map(str, mine))
        return Hindrance(
            "several_budgets",
            f"{names} both cover it and the API server refuses to evict such pods; make their selectors disjoint",
            True,
            names,
        )
    [one] = mine
    if not one.current:
        return Hindrance(
            "budget_unknown", f"PodDisruptionBudget {one} was changed and not yet counted anew", False, str(one)
        )
    if one.allowed > 0 or (not ready and (one.unhealthy_may_go or one.healthy >= one.desired > 0)):
        return None
    if one.never:
        return Hindrance(
            "budget_never",
            f"PodDisruptionBudget {one} never lets a pod go ({one.arithmetic}); add a replica or loosen the budget",
            True,
            str(one),
        )
    return Hindrance("budget_now", f"PodDisruptionBudget {one} lets no pod go now ({one.arithmetic})", False, str(one))
