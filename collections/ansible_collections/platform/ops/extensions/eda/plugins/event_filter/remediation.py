# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event filter platform.ops.remediation: validated remediations from the events of other sources."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[7]))  # ansible-rulebook does not make collections importable

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.remediation._intake import parse
from ansible_collections.platform.ops.plugins.module_utils.remediation._settings import Settings

logger = logging.getLogger("platform.ops.remediation")

DOCUMENTATION = r"""
---
short_description: Turns alerts of any source into validated remediations and drops everything else.
description:
  - For sources such as P(eda.builtin.webhook#event_source) or Kafka. The event becomes C({remediations}); an event
    without any is dropped. Nothing else of it passes, its C(meta) with headers and host limits neither.
  - Events that come this way are not stored. P(platform.ops.receiver#event_source) loses nothing over a restart.
options:
  sender:
    description: Form of the alerts, V(alertmanager), V(newrelic) or a name from O(generic).
    type: str
    default: alertmanager
  cluster:
    description: As of P(platform.ops.receiver#event_source).
    type: str
  alerts:
    description: As of P(platform.ops.receiver#event_source).
    type: dict
  newrelic:
    description: As of P(platform.ops.receiver#event_source).
    type: dict
  generic:
    description: As of P(platform.ops.receiver#event_source).
    type: dict
"""

EXAMPLES = r"""
- eda.builtin.webhook:
    port: 5001
    token: "{{ webhook_token }}"
  filters:
    - platform.ops.remediation:
        sender: alertmanager
"""


def _payload(event: dict[str, Any]) -> object:
    """Where sources put what they received: webhooks, ansible.eda.alertmanager per alert, Kafka and queues."""
    if isinstance(event.get("alert"), dict):
        return [event["alert"]]
    for key in ("payload", "body"):
        if key in event:
            return event[key]
    return event


def main(
    event: dict[str, Any],
    *,
    sender: str = "alertmanager",
    cluster: str | None = None,
    alerts: dict[str, Any] | None = None,
    newrelic: dict[str, Any] | None = None,
    generic: dict[str, Any] | None = None,
) -> dict[str, Any] | list[Any]:
    settings = Settings.parse(cluster=cluster, alerts=alerts, newrelic=newrelic, generic=generic)
    if sender not in ("alertmanager", "newrelic", *settings.generic):
        raise InputError(f"platform.ops.remediation: sender {sender!r} is not known. Describe it in generic.")
    parsed = parse(sender, _payload(event), settings)
    for refusal in parsed.refusals:
        logger.warning("Refused an alert of %s (%s): %s", refusal.source, refusal.code.value, refusal.message)
    return {"remediations": [item.to_dict() for item in parsed.remediations]} if parsed.remediations else []
