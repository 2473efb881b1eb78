# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ResourceQuotas: whether the new pods fit, those that a rolling update makes beside the old ones included. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.cluster._requests import Amounts, amount
from ansible_collections.platform.ops.plugins.module_utils.gate._limit_range import shown
from ansible_collections.platform.ops.plugins.module_utils.gate._pod import limit_sum, qos, request_sum
from ansible_collections.platform.ops.plugins.module_utils.gate._rollout import Rollout
from ansible_collections.platform.ops.plugins.module_utils.gate._types import (
    Json,
    Reason,
    Refused,
    Verdict,
    passed,
)

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def check(new: Json, old: Sequence[Json], rollout: Rollout, quotas: Iterable[Json]) -> Verdict:
    """
    Args:
        new: spec of a new pod.
        old: specs of the workload's pods as they are now; those count in `used` already.
    """
    names: list[str] = []
    refusals: list[Refused] = []
    for quota in quotas:
        if covers(quota, new):
            names.append(quota["metadata"]["name"])
            refusals += _one(quota, new, [pod for pod in old if covers(quota, pod)], rollout)
    if refusals:
        return Verdict(tuple(refusals))
    told = ", ".join(sorted(names)) or "none that counts these pods"
    return passed(f"ResourceQuota: {told}; {rollout.replicas} pods and {rollout.surge} more during the restart")


def _one(quota: Json, new: Json, old: Sequence[Json], rollout: Rollout) -> Iterator[Refused]:
    metadata, status = quota["metadata"], quota.get("status") or {}
    hard = {**((quota.get("spec") or {}).get("hard") or {}), **(status.get("hard") or {})}
    each, there = counted(new), [counted(pod) for pod in old]
    for name, text in sorted(hard.items()):
        if name not in each:
            continue
        resource = name.removeprefix("requests.").removeprefix("limits.")
        allowed, used = _amount(resource, text), _amount(resource, (status.get("used") or {}).get(name, "0"))
        ours = sum(pod.get(name, 0) for pod in there)
        after = used - ours + rollout.replicas * each[name]
        # Never more new pods than replicas; the old ones leave as these come up, so both ends of the restart count.
        extra = min(rollout.surge, rollout.replicas)
        largest_old = max((pod.get(name, 0) for pod in there), default=0)
        peak = max(used + extra * each[name], after + extra * largest_old)
        what = f"ResourceQuota {metadata['namespace']}/{metadata['name']} allows {text} of {name}"
        if after > allowed and after > used:
            yield Refused(
                Reason.QUOTA,
                f"{what}; with the new numbers it would be {_shown(resource, after)} "
                f"({rollout.replicas} pods of {_shown(resource, each[name])}). Raise the quota first.",
            )
        elif peak > allowed and extra:
            yield Refused(
                Reason.QUOTA_SURGE,
                f"{what}; during the restart {extra} more pods of {_shown(resource, each[name])} would make it "
                f"{_shown(resource, peak)}. Raise the quota, or set maxSurge to 0.",
            )


def counted(pod: Json) -> Amounts:
    """What one pod counts for, under all the names that a quota may use."""
    requests, limits = request_sum(pod), limit_sum(pod)
    found: Amounts = {"pods": 1, "count/pods": 1}
    for resource in _COMPUTE:
        found[resource] = found[f"requests.{resource}"] = requests.get(resource, 0)
        found[f"limits.{resource}"] = limits.get(resource, 0)
    return found


def covers(quota: Json, pod: Json) -> bool:
    spec = quota.get("spec") or {}
    if not all(_scope(scope, "Exists", (), pod) for scope in spec.get("scopes") or ()):
        return False
    expressions = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    return all(_scope(one["scopeName"], one["operator"], one.get("values") or (), pod) for one in expressions)


def _scope(name: str, operator: str, values: Sequence[str], pod: Json) -> bool:
    if name == "PriorityClass":
        has = pod.get("priorityClassName") or ""
        tests: Mapping[str, bool] = {
            "In": has in values,
            "NotIn": has not in values,
            "Exists": bool(has),
            "DoesNotExist": not has,
        }
        return tests.get(operator, False)
    scopes: Mapping[str, bool] = {
        "BestEffort": qos(pod) == "BestEffort",
        "NotBestEffort": qos(pod) != "BestEffort",
        "Terminating": pod.get("activeDeadlineSeconds") is not None,
        "NotTerminating": pod.get("activeDeadlineSeconds") is None,
        "CrossNamespacePodAffinity": _crosses(pod),
    }
    return scopes.get(name, True)  # a scope that came later: rather count it than overlook it


def _crosses(pod: Json) -> bool:
    affinity = pod.get("affinity") or {}
    terms = [
        term
        for kind in ("podAffinity", "podAntiAffinity")
        for required in ((affinity.get(kind) or {}).get(_REQUIRED) or (),)
        for term in required
    ]
    return any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in terms)


def _amount(resource: str, text: object) -> int:
    try:
        return amount(resource, str(text))
    except InputError:
        return 0


def _shown(resource: str, value: int) -> str:
    if resource not in _COMPUTE:
        return str(value)
    return shown(resource, Fraction(value, 1000 if resource == "cpu" else 1))
