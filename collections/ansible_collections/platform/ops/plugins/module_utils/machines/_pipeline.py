# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pipeline does one job of a provider, and what its end means. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.machines._answer import (
    OTHER,
    QUOTA,
    STOCK_OUT,
    Answer,
    error_class,
    pending,
)

KEY = "PLATFORM_OPS_JOB"
RESULT = "platform-ops.json"
MOST_BYTES = 65536
# https://docs.gitlab.com/api/pipelines/#list-project-pipelines: those in which nothing happens any more
ENDED = frozenset({"success", "failed", "canceled", "skipped"})


@dataclass(frozen=True, slots=True)
class Work:
    """One job: operation, action and attempt are the key, so that it is never done by two pipelines."""

    operation: str
    action: str
    attempt: int
    node: str
    address: str
    pool: str
    provider_id: str = ""
    joins: bool = False  # the pipeline also joins it, so that the Node's provider id is not ours to set

    @property
    def key(self) -> str:
        return f"{self.operation}-{self.action}-{self.attempt}"

    def belongs(self, key: str) -> bool:
        """Whether a key is of this operation."""
        return key.startswith(f"{self.operation}-")

    def variables(self, more: Mapping[str, Any]) -> list[dict[str, str]]:
        own = {
            KEY: self.key,
            "PLATFORM_OPS_OPERATION": self.operation,
            "PLATFORM_OPS_ACTION": self.action,
            "PLATFORM_OPS_POOL": self.pool,
            "PLATFORM_OPS_NODE": self.node,
            "PLATFORM_OPS_ADDRESS": self.address,
            "PLATFORM_OPS_PROVIDER_ID": self.provider_id,
        }
        values = {
            **{name: value if isinstance(value, str) else json.dumps(value) for name, value in more.items()},
            **own,
        }
        return [{"key": name, "value": value} for name, value in values.items()]


@dataclass(frozen=True, slots=True)
class Pipeline:
    id: int
    status: str
    key: str
    url: str

    @property
    def ended(self) -> bool:
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Choice:
    """The pipeline that does the job, if there is one, and those that have to be stopped first."""

    mine: Pipeline | None
    stop: tuple[Pipeline, ...]


def choose(work: Work, found: Sequence[Pipeline]) -> Choice:
    """The oldest with the key. A later one with it, or one that still does another job of the operation, is stopped."""
    same = sorted((item for item in found if item.key == work.key), key=lambda item: item.id)
    mine = same[0] if same else None
    stop = [item for item in found if work.belongs(item.key) and item is not mine and not item.ended]
    return Choice(mine, tuple(sorted(stop, key=lambda item: item.id)))


def result(text: bytes | None) -> tuple[dict[str, Any], str]:
    """What the pipeline wrote into its artifact, and what is wrong with it."""
    if text is None:
        return {}, ""
    if len(text) > MOST_BYTES:
        return {}, f"{RESULT} has more than {MOST_BYTES} bytes"
    try:
        told = json.loads(text)
    except ValueError:
        return {}, f"{RESULT} is no JSON"
    if not isinstance(told, dict):
        return {}, f"{RESULT} holds no object"
    wrong = [name for name in ("provider_id", "name", "address", "error_class", "message") if _no_text(told.get(name))]
    return ({}, f"{RESULT} has {', '.join(wrong)} not as text") if wrong else (told, "")


def _no_text(value: Any) -> bool:
    return value is not None and not isinstance(value, str)


def judge(work: Work, pipeline: Pipeline, told: Mapping[str, Any], wrong: str) -> Answer:
    where = f"pipeline {pipeline.url}"
    if not pipeline.ended:
        return pending(f"{where} is {pipeline.status}")
    if pipeline.status != "success":
        said = str(told.get("message") or wrong)[:500]
        kind = told.get("error_class")
        message = f"{where} ended as {pipeline.status}" + (f": {said}" if said else "; its log says why")
        return Answer("failed", message, error_class=kind if kind in (QUOTA, STOCK_OUT, OTHER) else error_class(said))
    if wrong:
        return Answer("failed", f"{where} succeeded, but {wrong}")
    if work.action == "remove" and told.get("gone") is not True:
        return Answer("failed", f'{where} succeeded, but did not write {{"gone": true}} into {RESULT} after a look')
    return Answer(
        "done",
        provider_id=told.get("provider_id") or work.provider_id or ("" if work.joins else f"pipeline:///{work.node}"),
        name=told.get("name") or "",
        address=told.get("address") or "",
    )
