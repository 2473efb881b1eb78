# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes can reach a pod's volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.cluster._selectors import (
    NodeTerm,
    Requirement,
    node_terms,
)

Reach = tuple[tuple[NodeTerm, ...], ...]


class Volumes:
    """Claims, volumes and classes of the cluster, reduced to their topology."""

    def __init__(
        self,
        claims: Iterable[Mapping[str, Any]] = (),
        volumes: Iterable[Mapping[str, Any]] = (),
        classes: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self._reach = {
            item["metadata"]["name"]: node_terms(((item["spec"].get("nodeAffinity")) or {}).get("required"))
            for item in volumes
        }
        self._classes = {item["metadata"]["name"]: item for item in classes}
        self._claims = {
            (item["metadata"]["namespace"], item["metadata"]["name"]): (
                item["spec"].get("volumeName", ""),
                item["spec"].get("storageClassName", ""),
            )
            for item in claims
        }

    def of(self, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> tuple[Reach, str]:
        """The terms of each volume that is not everywhere, and what is wrong when a claim cannot be served."""
        reach: list[tuple[NodeTerm, ...]] = []
        for volume in spec.get("volumes") or ():
            if "persistentVolumeClaim" in volume:
                name = volume["persistentVolumeClaim"]["claimName"]
                missing = f"claim {name} does not exist"
            elif "ephemeral" in volume:
                name = f"{metadata['name']}-{volume['name']}"
                missing = f"claim {name} was not made yet"
            else:
                continue
            claim = self._claims.get((metadata["namespace"], name))
            if claim is None:
                return (), missing
            terms, problem = self._claim(name, *claim)
            if problem:
                return (), problem
            if terms is not None:
                reach.append(terms)
        return tuple(reach), ""

    def _claim(self, name: str, volume: str, storage_class: str) -> tuple[tuple[NodeTerm, ...] | None, str]:
        if volume:
            if volume not in self._reach:
                return None, f"claim {name} is bound to volume {volume}, which does not exist"
            return self._reach[volume], ""
        found = self._classes.get(storage_class)
        if found is None:
            return None, f"claim {name} waits for a volume of class {storage_class or '(none)'}, which does not exist"
        if found.get("volumeBindingMode", "Immediate") != "WaitForFirstConsumer":
            return None, f"claim {name} waits for its volume, which class {storage_class} makes before any pod runs"
        if found.get("provisioner") == "kubernetes.io/no-provisioner":
            return None, f"claim {name} waits for a local volume of class {storage_class}, which a node must bring"
        return _allowed(found), ""


def _allowed(storage_class: Mapping[str, Any]) -> tuple[NodeTerm, ...] | None:
    topologies = storage_class.get("allowedTopologies")
    if not topologies:
        return None
    return tuple(
        NodeTerm(
            tuple(
                Requirement(item["key"], "In", tuple(item["values"]))
                for item in topology.get("matchLabelExpressions") or ()
            ),
            (),
        )
        for topology in topologies
    )
