# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the README.md of each role from the role's argument spec; with --check only say which do not agree with it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ROLES = (ROOT / "roles", ROOT / "collections/ansible_collections/platform/ops/roles", ROOT / "lab/roles")
MARKUP = re.compile(r"\b[CVOMEP]\(([^)]*)\)")


def plain(text: str | list[str]) -> str:
    joined = " ".join(text) if isinstance(text, list) else text
    return MARKUP.sub(r"`\1`", joined).replace("|", "\\|")


def shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`".replace("|", "\\|") if text else ""


def rows(options: dict[str, Any], prefix: str = "") -> list[str]:
    lines = []
    for name, option in options.items():
        kind = f"{option['type']} of {option['elements']}" if "elements" in option else option["type"]
        choices = f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}." if "choices" in option else ""
        default = "required" if option.get("required") else shown(option.get("default", ""))
        lines.append(f"| `{prefix}{name}` | {kind} | {default} | {plain(option['description'])}{choices} |")
        lines += rows(option.get("options", {}), f"{prefix}{name}.")
    return lines


def readme(role: Path) -> str:
    points = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    lines = [f"# {role.name}", ""]
    for name, spec in points.items():
        if name != "main":
            lines += [f"## tasks_from: {name}", ""]
        about = spec["description"] if isinstance(spec["description"], list) else [spec["description"]]
        lines += [f"{spec['short_description']}.", ""]
        lines += [line for text in about for line in (plain(text), "")]
        if spec.get("options"):
            lines += ["## Inputs" if name == "main" else "### Inputs", ""]
            lines += ["| name | type | default | what it does |", "|---|---|---|---|", *rows(spec["options"]), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def main(arguments: list[str]) -> int:
    stale = []
    specs = [spec for folder in ROLES for spec in sorted(folder.glob("*/meta/argument_specs.yml"))]
    for role in (spec.parent.parent for spec in specs):
        text, file = readme(role), role / "README.md"
        if file.is_file() and file.read_text() == text:
            continue
        stale.append(role.name)
        if arguments != ["--check"]:
            file.write_text(text)
    if stale and arguments == ["--check"]:
        print(f"README.md of {', '.join(stale)} does not agree with the argument spec; run scripts/role_docs.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
