# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The restart that a merge brings about: PodDisruptionBudgets, and hours in which nothing may restart. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ansible_collections.platform.ops.plugins.module_utils.cluster._pdb import Budget
from ansible_collections.platform.ops.plugins.module_utils.forge._schedule import Schedule
from ansible_collections.platform.ops.plugins.module_utils.gate._rollout import Rollout
from ansible_collections.platform.ops.plugins.module_utils.gate._types import (
    Json,
    Reason,
    Refused,
    Verdict,
    judged,
    passed,
)


def check_budgets(rollout: Rollout, namespace: str, pods: Iterable[Json], budgets: Iterable[Budget]) -> Verdict:
    """Whether the restart itself would take a budget below what must stay.

    A rolling update does not ask budgets, so nothing else would notice. Pods of ours that are down now do not count
    against it, for the restart is their cure; pods of others do.
    """
    ours = list(pods)
    ready = sum(_is_ready(pod) for pod in ours)
    names: list[str] = []
    refusals: list[Refused] = []
    for budget in budgets:
        covered = [pod for pod in ours if budget.covers(namespace, pod["metadata"].get("labels") or {})]
        if not covered or not budget.current:
            continue
        names.append(budget.name)
        down = rollout.unavailable
        others_down = max(0, (budget.expected - len(covered)) - max(0, budget.healthy - ready))
        if down and budget.expected - down < budget.desired:
            refusals.append(
                Refused(
                    Reason.PDB,
                    f"The restart takes {down} of {budget.expected} pods down at once ({rollout.how}), and "
                    f"PodDisruptionBudget {budget} wants {budget.desired} to stay ({budget.rule}). Use a rolling "
                    "update with maxUnavailable 0, add a replica, or loosen the budget.",
                )
            )
        elif down and budget.expected - others_down - down < budget.desired:
            refusals.append(
                Refused(
                    Reason.PDB_NOW,
                    f"PodDisruptionBudget {budget} has no pod to spare now ({budget.arithmetic}); the restart takes "
                    f"{down} down ({rollout.how}). It is looked at again.",
                )
            )
    if refusals:
        return Verdict(tuple(refusals))
    told = ", ".join(sorted(names)) or "none covers these pods"
    return passed(f"PodDisruptionBudget: {told}; {rollout.how}")


def check_schedule(schedule: Schedule, now: datetime) -> Verdict:
    why = schedule.refusal(now)
    problems = [
        f"The restart would fall into hours in which this workload may not restart: {why}. It is looked at again."
    ]
    return judged(Reason.BLACKOUT, problems if why else [], "A restart is allowed at this hour")


def _is_ready(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
