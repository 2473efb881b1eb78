# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What OpenTofu (or Terraform) is given, and what it says. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LOCKED = re.compile(r"\bID:\s+(\S+).*?\bCreated:\s+(\S+ \S+)", re.DOTALL)
RESERVED = frozenset({"name", "address", "pool", "operation"})


@dataclass(frozen=True, slots=True)
class Root:
    """A root module around the user's: its state holds one machine, so nothing that fails touches another."""

    source: str
    name: str
    address: str
    pool: str
    operation: str
    backend: str
    backend_config: Mapping[str, Any]
    variables: Mapping[str, Any]
    secrets: Mapping[str, str]

    @property
    def workspace(self) -> str:
        return f"{self.pool}--{self.name}"

    def check(self) -> None:
        given = [*self.variables, *self.secrets]
        wrong = sorted({name for name in given if not _IDENTIFIER.fullmatch(name) or name in RESERVED})
        twice = sorted(set(self.variables) & set(self.secrets))
        if wrong or twice:
            raise InputError(
                f"Variables {', '.join(wrong + twice)} cannot be given to {self.source}: they are no identifiers, are "
                f"given by the role itself ({', '.join(sorted(RESERVED))}), or stand in both variables and secrets."
            )

    def document(self, folder: Path) -> dict[str, Any]:
        """main.tf.json. It holds names alone: values come in a file beside it, secrets in the environment."""
        names = [*sorted(RESERVED), *self.variables]
        declared: dict[str, Any] = {name: {} for name in names}
        declared |= {name: {"sensitive": True} for name in self.secrets}
        return {
            "terraform": {"backend": {self.backend: dict(self.backend_config)}},
            "variable": declared,
            "module": {
                "machine": {
                    "source": relative(self.source, folder),
                    **{name: f"${{var.{name}}}" for name in declared},
                }
            },
            "output": {"machine": {"value": "${module.machine}", "sensitive": True}},
        }

    def values(self) -> dict[str, Any]:
        own = {"name": self.name, "address": self.address, "pool": self.pool, "operation": self.operation}
        return {**self.variables, **own}

    def lookup(self, folder: Path) -> dict[str, Any]:
        """A root around the module's lookup/: says what exists of that name, whatever any state says."""
        given = ("name", "pool", "variables")
        return {
            "variable": {name: {} for name in given},
            "module": {
                "lookup": {
                    "source": relative(f"{self.source}/lookup", folder),
                    **{name: f"${{var.{name}}}" for name in given},
                }
            },
            "output": {"found": {"value": "${module.lookup.found}"}},
        }


def is_path(source: str) -> bool:
    return source.startswith(("/", "./", "../"))


def relative(source: str, folder: Path) -> str:
    """A local module is named relative to the root; an absolute path would be fetched as a copy."""
    if not is_path(source):
        return source
    away = Path(source).resolve().relative_to("/")
    return "/".join([".."] * (len(folder.resolve().parts) - 1)) + f"/{away}"


@dataclass(frozen=True, slots=True)
class Said:
    """What a run with -json wrote."""

    errors: tuple[str, ...]
    changes: tuple[str, ...]  # like "create module.machine.aws_instance.this"

    @property
    def message(self) -> str:
        return " | ".join(self.errors)


def said(lines: Iterable[str], *, planned: bool) -> Said:
    """Args: planned: tell what is planned; else what was done."""
    errors, changes = [], []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        kind = entry.get("type") if isinstance(entry, dict) else None
        if kind == "diagnostic" and entry["diagnostic"]["severity"] == "error":
            found = entry["diagnostic"]
            where = f" ({found['address']})" if found.get("address") else ""
            errors.append(" ".join(f"{found['summary']}{where}: {found.get('detail', '')}".split()))
        elif kind == "planned_change" and planned:
            changes.append(f"{entry['change']['action']} {entry['change']['resource']['addr']}")
        elif kind == "apply_complete" and not planned:
            changes.append(f"{entry['hook']['action']} {entry['hook']['resource']['addr']}")
    return Said(tuple(errors), tuple(changes))


@dataclass(frozen=True, slots=True)
class Lock:
    id: str
    created: datetime | None


def lock_of(message: str) -> Lock | None:
    """The lock that a run met, if that is why it failed."""
    if "state lock" not in message:
        return None
    match = _LOCKED.search(message)
    if match is None:
        return Lock("", None)
    try:
        created = datetime.fromisoformat(f"{match[2].split('.')[0]}+00:00")
    except ValueError:
        created = None
    return Lock(match[1], created)


def addresses(module: Mapping[str, Any]) -> list[str]:
    """Of the resources in a module of `show -json`, and in the modules within it."""
    own = [str(item["address"]) for item in module.get("resources") or () if item.get("mode") == "managed"]
    return own + [address for child in module.get("child_modules") or () for address in addresses(child)]


def missing(found: Mapping[str, str], there: Iterable[str]) -> dict[str, str]:
    """What exists and the state does not know: address -> id, to be imported."""
    known = set(there)
    return {
        f"module.machine.{address}": identity
        for address, identity in sorted(found.items())
        if f"module.machine.{address}" not in known
    }
