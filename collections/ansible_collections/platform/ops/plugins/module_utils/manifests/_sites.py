# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words that finders, planner and editor share: what is looked for, where it stands, why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Union

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError

if TYPE_CHECKING:
    from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree

Step = Union["str", "int"]
Path = tuple[Step, ...]
# ("limits" | "requests", "memory" | "cpu" | "ephemeral-storage" | …)
Number = tuple[str, str]

WORKLOAD_KINDS: tuple[str, ...] = (
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
    "Pod",
    "Rollout",
)


class Reason(StrEnum):
    """Why a result is what it is. Programs depend on these strings: add, never rename."""

    BUMPED = "bumped"
    SUFFICIENT = "sufficient"
    CAPPED = "capped"
    COOLDOWN = "cooldown"
    BUDGET = "budget"
    HANDED_OVER = "handed_over"
    NOT_FOUND = "not_found"
    AMBIGUOUS = "ambiguous"
    SHARED_ANCHOR = "shared_anchor"
    QOS_CHANGE = "qos_change"
    NO_RESOURCES = "no_resources"
    TEMPLATED = "templated"
    ENCRYPTED = "encrypted"
    GENERATED = "generated"
    INVALID_YAML = "invalid_yaml"
    NOT_UTF8 = "not_utf8"
    DUPLICATE_KEY = "duplicate_key"
    OUTSIDE_PATH = "outside_path"
    INVALID_QUANTITY = "invalid_quantity"
    SUSPICIOUS_QUANTITY = "suspicious_quantity"
    CANARY = "canary"
    REQUEST_ABOVE_LIMIT = "request_above_limit"
    UNVERIFIED = "unverified"
    DIVERGED = "diverged"
    UNSUPPORTED = "unsupported"
    HELM_MISSING = "helm_missing"
    HELM_FAILED = "helm_failed"
    CHART_UNAVAILABLE = "chart_unavailable"
    VALUES_EXTERNAL = "values_external"
    INVALID_INPUT = "invalid_input"


@dataclass(frozen=True, slots=True)
class Target:
    """The container whose numbers shall change.

    `source` narrows the search to what is built or applied from one folder or file (an overlay, a chart, an
    Application), relative to the root: what a Flux Kustomization or an Argo CD Application gives as its path.
    """

    name: str
    kind: str | None = None
    namespace: str | None = None
    container: str | None = None
    source: str | None = None

    def __str__(self) -> str:
        where = f" in namespace {self.namespace}" if self.namespace else ""
        what = f", container {self.container}" if self.container else ""
        built = f", built from {self.source}" if self.source else ""
        return f"{self.kind or 'workload'} {self.name}{where}{what}{built}"


# Gives the present bytes of a file of the tree, None where there is none.
Reader = Callable[[str], "bytes | None"]


@dataclass(frozen=True, slots=True)
class Site:
    """One place where the numbers of one container stand, or may be written.

    Keys of paths are always text (the key as written, unquoted); list positions are ints. `resources` need not
    exist yet. `leaf` is for layouts in which a number stands alone instead of in a `resources` mapping.
    `effective` holds numbers in force that stand in another file than this one.
    """

    file: str
    document: int
    resources: Path
    layout: str
    kind: str
    name: str
    container: str
    namespace: str | None = None
    container_type: str = "container"  # container | init | sidecar | pod
    outer: Path = ()
    inner_document: int = 0
    leaf: Mapping[Number, Path] = field(default_factory=dict)
    effective: Mapping[Number, str] = field(default_factory=dict)
    source: str = ""  # the folder or file that is built or applied; two sources are two workloads
    affects: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    # Set where the place to write does not exist yet (a new overlay patch): from what the files hold now it gives the
    # files to write first, `file` among them, ready for `resources` to be inserted. It changes no number by itself.
    scaffold: Callable[[Reader], Mapping[str, bytes]] | None = None

    @property
    def workload(self) -> tuple[str, str | None, str, str]:
        return (self.kind, self.namespace, self.name, self.source)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a place that has to do with the target cannot be edited.

    A refusal counts when no site is left. A `decisive` one wins over sites: it says that the number is decided in a
    place that cannot be edited, so that an edit anywhere else would be without effect.
    """

    reason: Reason
    message: str
    file: str | None = None
    decisive: bool = False


class RefusedError(OpsError):
    """A refusal on its way up."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message, reason=refusal.reason.value)
        self.refusal = refusal


def refuse(reason: Reason, message: str, file: str | None = None) -> RefusedError:
    return RefusedError(Refusal(reason, message, file))


@dataclass(frozen=True, slots=True)
class FoundSites:
    """What a finder found.

    Several sites of the same workload and container are alternatives, strongest first: the first that holds a number
    is the one that decides it. `claimed` names documents (file, index) that are only an input of this layout, such as
    the base of an overlay: they are no workloads of their own.
    """

    sites: tuple[Site, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    claimed: frozenset[tuple[str, int]] = frozenset()


Finder = Callable[["Tree", Target], FoundSites]
