# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What forbids moving a pod or removing a node: wishes of others, budgets, and data that would be lost. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.capacity._parse import (
    DO_NOT_DISRUPT,
    PREFER_NO_EVICTION,
    SAFE_LOCAL_VOLUMES,
    SAFE_TO_EVICT,
    SCALE_DOWN_DISABLED,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import Node, Pod
from ansible_collections.platform.ops.plugins.module_utils.capacity._rules import InRules, duration
from ansible_collections.platform.ops.plugins.module_utils.cluster._pdb import Budget, hindrance


@dataclass(frozen=True, slots=True)
class Blocker:
    """`permanent`: waiting alone will not help, somebody has to change something."""

    reason: str
    message: str
    permanent: bool
    pod: str = ""

    def __str__(self) -> str:
        return f"pod {self.pod}: {self.message}" if self.pod else self.message


def do_not_disrupt(annotations: Mapping[str, str], since: float, now: float) -> tuple[str, bool] | None:
    """The Karpenter veto: "true" for ever, a duration from `since` on. Gives what to say, and whether for ever."""
    value = annotations.get(DO_NOT_DISRUPT)
    if value is None or value == "false":
        return None
    if value == "true":
        return f"annotation {DO_NOT_DISRUPT} forbids it", True
    try:
        ends = since + duration(value)
    except InputError as error:
        return f"annotation {DO_NOT_DISRUPT}: {error.message}", True
    if now >= ends:
        return None
    return f"annotation {DO_NOT_DISRUPT} forbids it for another {ends - now:.0f} s", False


def node_blockers(node: Node, now: float, *, asked: bool) -> list[Blocker]:
    found = []
    if node.control_plane:
        found.append(Blocker("control_plane", "it is part of the control plane, which is not scaled here", True))
    if node.annotations.get(SCALE_DOWN_DISABLED) == "true":
        found.append(Blocker("scale_down_disabled", f"annotation {SCALE_DOWN_DISABLED} forbids it", True))
    if veto := do_not_disrupt(node.annotations, node.created, now):
        found.append(Blocker("do_not_disrupt", *veto))
    if node.unschedulable and not node.cordoned_by and not asked:
        found.append(Blocker("cordoned", "somebody else cordoned it; uncordon it or remove it by name", True))
    return found


def moves(pods: Iterable[Pod]) -> list[Pod]:
    """The pods of a node that have to go elsewhere before it can leave."""
    return [pod for pod in pods if not pod.stays_with_node and not pod.finished and not pod.deleting]


def pod_blockers(pod: Pod, budgets: Iterable[Budget], rules: InRules, now: float) -> list[Blocker]:
    found = []
    if pod.annotations.get(SAFE_TO_EVICT) == "false":
        found.append(Blocker("safe_to_evict", f"annotation {SAFE_TO_EVICT} forbids it", True, pod.key))
    if veto := do_not_disrupt(pod.annotations, pod.created, now):
        found.append(Blocker("do_not_disrupt", *veto, pod.key))
    if pod.annotations.get(SAFE_TO_EVICT) != "true":
        found += _losses(pod, rules)
    if pod.phase == "Running" and (hindered := hindrance(pod.namespace, pod.labels, pod.ready, budgets)):
        found.append(Blocker(hindered.reason, hindered.message, hindered.permanent, pod.key))
    return found


def _losses(pod: Pod, rules: InRules) -> list[Blocker]:
    found = []
    if pod.controller is None and not rules.bare_pods:
        message = "nothing would bring it back (no controller); set scaleIn.barePods to consent"
        found.append(Blocker("bare_pod", message, True, pod.key))
    safe = set(pod.annotations.get(SAFE_LOCAL_VOLUMES, "").split(","))
    lost = [name for name in pod.local_storage if name not in safe]
    if lost and not rules.local_storage:
        message = f"it keeps data on the node (volume {', '.join(lost)}); set scaleIn.localStorage to consent"
        found.append(Blocker("local_storage", message, True, pod.key))
    return found


def reluctant(pod: Pod) -> bool:
    return PREFER_NO_EVICTION in pod.annotations
