# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask Prometheus what pods on a pool's nodes requested at this time of the week, in the last weeks."""

from __future__ import annotations

import json

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Pool
from ansible_collections.platform.ops.plugins.module_utils.capacity._trend import (
    RESOURCES,
    STEP,
    WEEK,
    Prediction,
    Trend,
    predict,
    unanswered,
)
from ansible_collections.platform.ops.plugins.module_utils.cluster._prometheus import Prometheus

NO_SERVER = "no Prometheus is given; set node_scale_prometheus"


def nodes_pattern(pool: Pool, asked: Trend) -> str:
    """A regular expression (RE2) of the names that nodes of the pool have, or had weeks ago."""
    slots = pool.spec.slots
    if asked.nodes:
        return asked.nodes
    if slots.hosts:
        return "|".join(map(_literal, (name for name, _address in slots.hosts)))
    return f"{_literal(slots.prefix)}[0-9]+"


def _literal(name: str) -> str:
    """Of what a node's name may hold, only the dot means something in a regular expression."""
    return name.replace(".", "[.]")


def expression(server: Prometheus, pool: Pool, asked: Trend, resource: str) -> str:
    """In PromQL; kube-state-metrics may run twice, hence the inner max."""
    selector = server.select("kube_pod_container_resource_requests", resource=resource).removesuffix("}")
    return f"sum(max by (namespace, pod, container) ({selector},node=~{json.dumps(nodes_pattern(pool, asked))}}}))"


def ask(server: Prometheus | None, pool: Pool, asked: Trend, now: float) -> Prediction:
    """Never raises for what Prometheus does: nodes are not held up by it."""
    known = pool.state.predicted
    if server is None:
        return unanswered(known, NO_SERVER, now)
    try:
        history = {resource: _weeks(server, pool, asked, resource, now) for resource in RESOURCES}
    except OpsError as error:
        return unanswered(known, error.message, now)
    return predict(asked, history, dict(pool.spec.allocatable), now)


def _weeks(server: Prometheus, pool: Pool, asked: Trend, resource: str, now: float) -> list[list[float]]:
    query = expression(server, pool, asked, resource)
    found = []
    for week in range(1, asked.weeks + 1):
        start = now - week * WEEK
        series = server.range(query, start, start + asked.ahead, STEP)
        found.append([value for one in series[:1] for _at, value in one.points])
    return found
