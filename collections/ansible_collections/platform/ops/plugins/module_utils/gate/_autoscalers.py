# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose number it is: a VerticalPodAutoscaler that writes owns it, a HorizontalPodAutoscaler owns the request. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ansible_collections.platform.ops.plugins.module_utils.gate._types import Json, Reason, Verdict, judged

# https://kubernetes.io/docs/concepts/workloads/autoscaling/vertical-pod-autoscale: absent is Recreate, once Auto
WRITING = ("Auto", "Recreate", "Initial", "InPlaceOrRecreate", "InPlace")
Target = tuple[str, str]  # kind, name


@dataclass(frozen=True, slots=True)
class Owned:
    """What an autoscaler does with one resource of one container. `request_only`: the limit is free to move."""

    by: str
    request_only: bool
    why: str


def vpa_of(vpas: Iterable[Json], targets: Collection[Target], container: str, resource: str) -> Owned | None:
    """The VPA that writes this number; a `pod` container stands for all of them."""
    for vpa in vpas:
        spec, metadata = vpa.get("spec") or {}, vpa["metadata"]
        mode = (spec.get("updatePolicy") or {}).get("updateMode") or "Recreate"
        if _target(spec.get("targetRef")) not in targets or mode not in WRITING:
            continue
        policy = _policy(spec, container)
        if policy.get("mode") == "Off" or resource not in (policy.get("controlledResources") or ("cpu", "memory")):
            continue
        by = f"VerticalPodAutoscaler {metadata['namespace']}/{metadata['name']}"
        if policy.get("controlledValues") == "RequestsOnly":
            return Owned(by, True, f"it sets the {resource} request of {container} (mode {mode})")
        return Owned(by, False, f"it sets the {resource} numbers of {container} (mode {mode})")
    return None


def _policy(spec: Json, container: str) -> Json:
    policies = (spec.get("resourcePolicy") or {}).get("containerPolicies") or ()
    exact = next((one for one in policies if one.get("containerName") == container), None)
    return exact or next((one for one in policies if fnmatchcase("*", one.get("containerName") or "*")), {})


def hpa_of(hpas: Iterable[Json], targets: Collection[Target], container: str, resource: str) -> Owned | None:
    """The HPA that scales by a share of this request. One that scales by an amount does not look at requests."""
    for hpa in hpas:
        spec, metadata = hpa.get("spec") or {}, hpa["metadata"]
        if _target(spec.get("scaleTargetRef")) not in targets:
            continue
        for metric in spec.get("metrics") or ():
            measured = metric.get("resource") or metric.get("containerResource") or {}
            if (measured.get("target") or {}).get("type") != "Utilization":
                continue
            if measured.get("name") == resource and measured.get("container", container) == container:
                by = f"HorizontalPodAutoscaler {metadata['namespace']}/{metadata['name']}"
                return Owned(by, True, f"it scales by {resource}, as a share of the request")
    return None


def _target(reference: Json | None) -> Target:
    given = reference or {}
    return given.get("kind", ""), given.get("name", "")


def vpa_owns(owned: Owned | None) -> Verdict:
    problems = []
    if owned is not None and not owned.request_only:
        problems = [f"{owned.by} owns it: {owned.why}, so a limit from git would be overwritten. Change it there."]
    return judged(Reason.VPA, problems, "No VerticalPodAutoscaler in a writing mode owns these limits")


def request_stays(owned: Iterable[tuple[Owned, str]], moved: Collection[str]) -> Verdict:
    """
    Args:
        owned: who owns a request, and which: `container resource`.
        moved: requests that the bump would move.
    """
    known = list(owned)
    problems = [
        f"{one.by} stands on the request of {what}: {one.why}. The request would have to move (the pod is Guaranteed, "
        "or no request is written, so that it follows the limit). Write a request below the limit first."
        for one, what in known
        if what in moved
    ]
    names = ", ".join(sorted({one.by for one, _what in known}))
    otherwise = f"{names}: the request stays, only the limit moves" if names else "No autoscaler stands on the requests"
    return judged(Reason.HPA_REQUEST, problems, otherwise)
