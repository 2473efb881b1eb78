# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part that the modules on groups of machines share: options, and from the end of a drive to an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError, UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.machines._answer import Answer, failed, pending
from ansible_collections.platform.ops.plugins.module_utils.machines._group import (
    Coming,
    Done,
    Gone,
    Group,
    Present,
    Write,
    drive,
    next_add,
    next_remove,
)

MACHINE_OPTIONS: dict[str, Any] = {
    "pool": {"type": "str", "required": True},
    "operation": {"type": "str", "default": ""},
    "provider_id": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": ["present", "absent", "listed"], "default": "present"},
}
REQUIRED_IF = [("state", "present", ["operation"]), ("state", "absent", ["operation"])]


class Adapter(Protocol):
    def read(self) -> Group: ...
    def write(self, step: Write) -> None: ...
    def present(self, end: Present) -> Answer: ...
    def coming(self, end: Coming, operation: str) -> Answer: ...
    def gone(self, identity: str) -> Answer: ...
    def machines(self) -> list[dict[str, str]]: ...


def serve(group: Adapter, params: dict[str, Any], find: Callable[[], str], *, dry: bool) -> dict[str, Any]:
    """Do what can be done now. What may work later is pending, so that a busy provider ends no operation.

    Args:
        find: the group's name of the machine that is to go; empty for the one that was made for the operation.
    """
    if params["state"] == "listed":
        return {"changed": False, "machines": group.machines(), "outcome": "done"}
    operation = params["operation"]
    try:
        identity = find() if params["state"] == "absent" else ""
        if params["state"] == "present":
            done = drive(group.read, group.write, lambda seen: next_add(seen, operation, params["pool"]), dry=dry)
        else:
            done = drive(group.read, group.write, lambda seen: next_remove(seen, operation, identity), dry=dry)
        answer = _answer(group, done, operation, identity, adding=params["state"] == "present")
    except UnavailableError as error:
        return pending(error.message).result(changed=False, steps=[])
    except OpsError as error:
        return failed(error.message, error.reason if error.reason in ("quota", "stock_out") else "").result(
            changed=False
        )
    return answer.result(changed=bool(done.writes), steps=[str(step) for step in done.writes])


def _answer(group: Adapter, done: Done, operation: str, identity: str, *, adding: bool) -> Answer:
    match done.end:
        case Present():
            return group.present(done.end)
        case Coming() if adding:
            return group.coming(done.end, operation)
        case Gone():
            return group.gone(identity)
        case _:
            return pending(done.end.why)
