# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read and change the pool's record. A change is a pure function, applied by compare-and-swap on resourceVersion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import decode
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Pool, State, pool, state_json
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api
from ansible_collections.platform.ops.plugins.module_utils.cluster._lease import Held

TRIES = 5


def read(api: Api, name: str) -> Pool:
    try:
        return pool(api.get(_paths.node_pool(name)))
    except NotFoundError as error:
        raise NotFoundError(
            f"NodePool {name} is not there: create it (docs/node-pools.md), or install its definition first "
            f"(role platform.ops.node_scale, node_scale_state=installed). {error.message}"
        ) from error


def every(api: Api) -> list[Pool]:
    """All pools of the cluster, in the order in which they are asked for a node; none when there is no such kind."""
    try:
        found = [pool(raw) for raw in api.items(_paths.NODE_POOLS)]
    except NotFoundError:
        return []
    return sorted(found, key=lambda item: (-item.spec.priority, item.name))


def records(api: Api, besides: str) -> list[State]:
    """What the pools have on record, without this one; what people wrote into a spec does not matter."""
    found = api.items(_paths.NODE_POOLS)
    return [decode(State, raw.get("status")) for raw in found if raw["metadata"]["name"] != besides]


def change(api: Api, name: str, held: Held, how: Callable[[Pool], State]) -> Pool:
    """Apply `how` to the newest record and write it; does it again when somebody wrote in between.

    Raises:
        ConflictError: (fenced) somebody took the Lease over and wrote since; nothing more may be done under ours.
    """
    for _try in range(TRIES):
        current = read(api, name)
        # The same term twice is a Lease that somebody deleted before its holder wrote: the first one to write has it.
        other = current.state.term == held.term and current.state.holder not in ("", held.holder)
        if other or current.state.term > held.term:
            raise ConflictError(
                f"Failed to write NodePool {name}: {current.state.holder} took over (term {current.state.term}, "
                f"ours is {held.term}); it goes on from the record, nothing is lost.",
                reason="fenced",
            )
        wanted = how(current)
        if wanted == current.state:
            return current
        wanted = replace(wanted, term=held.term, holder=held.holder)
        body = {**current.raw, "status": state_json(wanted)}
        try:
            written = api.replace(f"{_paths.node_pool(name)}/status", body)
        except ConflictError:
            continue
        return pool(written)
    raise ConflictError(f"Failed to write NodePool {name}: it changed {TRIES} times in a row meanwhile; try again.")
