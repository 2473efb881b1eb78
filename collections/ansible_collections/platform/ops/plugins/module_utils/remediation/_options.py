# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Arguments of event sources, checked with messages that name the source and the argument."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

STATE_DIR = "~/.local/state/platform.ops"


class Options:
    """Values that are None or "" count as not given: a rulebook passes a variable that nobody set as an empty one."""

    def __init__(self, owner: str, args: Mapping[str, Any]) -> None:
        self._owner = owner
        # ansible-rulebook adds arguments of its own with this prefix.
        self._args = {k: v for k, v in args.items() if v not in (None, "") and not k.startswith("eda_")}
        self._known = set(args) - set(self._args)

    def _error(self, name: str, what: str) -> InputError:
        return InputError(f"{self._owner}: {name} {what}.")

    def any(self, name: str, default: Any = None) -> Any:
        self._known.add(name)
        return self._args.get(name, default)

    def text(self, name: str, default: str | None = None) -> str:
        value = self.any(name, default)
        if value is None:
            raise self._error(name, "is required")
        if isinstance(value, (dict, list, bool)):
            raise self._error(name, f"must be a string, not {type(value).__name__}")
        if "{{" in str(value):
            raise self._error(name, "holds a template; the file given to --vars is read as plain YAML")
        return str(value)

    def optional(self, name: str) -> str | None:
        return self.text(name) if self.any(name) is not None else None

    def choice(self, name: str, default: str, *choices: str) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise self._error(name, f"must be one of {', '.join(choices)}, not {value!r}")
        return value

    def number(self, name: str, default: float, least: float = 0) -> float:
        value = self.any(name, default)
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise self._error(name, f"must be a number, not {value!r}") from None
        if isinstance(value, bool) or not least <= number < 1e12:
            raise self._error(name, f"must be a number from {least:g}, not {value!r}")
        return number

    def path(self, name: str) -> Path | None:
        value = self.optional(name)
        return Path(value).expanduser() if value is not None else None

    def state_dir(self) -> Path:
        return Path(self.text("state_dir", STATE_DIR)).expanduser()

    def finish(self) -> None:
        """Refuses what nobody asked for: a misspelt option must not be silently without effect."""
        if unknown := sorted(set(self._args) - self._known):
            raise self._error(", ".join(unknown), "is not an option of this source")
