# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The alert rules of role monitoring, as a lab's Prometheus reads them: the same expressions, with shorter waits."""

from __future__ import annotations

import re
from typing import Any

import jinja2
import yaml

from lab.place import ROOT

ROLE = ROOT / "roles" / "monitoring"
# What production waits for minutes to be sure of, a demo shows at once. A leak needs its history: its rule stays.
SHORTER = {"[5m]": "[20s]", "[15m]": "[2m]"}
SHORTER_FOR = "3s"
AT_LEISURE = "platform-people"


def objects(**given: Any) -> list[dict[str, Any]]:
    """The role's PrometheusRules; `given` are inputs of the role by name."""
    plain = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    variables = {name: value for name, value in plain.items() if "{{" not in str(value)} | given
    environment = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined)
    found: list[dict[str, Any]] = []
    for path in sorted((ROLE / "templates").glob("monitoring_*_rules.yml.j2")):
        text = environment.from_string(path.read_text()).render(variables)
        found += [document for document in yaml.safe_load_all(text) if document]
    return found


def groups(**given: Any) -> list[dict[str, Any]]:
    return [group for document in objects(**given) for group in document["spec"]["groups"]]


def quick(**given: Any) -> dict[str, Any]:
    """A rule file for a lab: evaluated each second, firing after seconds."""
    found = groups(**given)
    for group in found:
        if group["name"] == AT_LEISURE:
            continue
        group["interval"] = "1s"
        for rule in group["rules"]:
            rule["expr"] = re.sub(r"\[\d+m\]", lambda match: SHORTER.get(match[0], match[0]), rule["expr"])
            if "for" in rule:
                rule["for"] = SHORTER_FOR
    return {"groups": found}
