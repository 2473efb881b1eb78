# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way from a payload into the inbox, for what is posted and for what is polled."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter, OrderedDict
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.remediation import _alertmanager, _generic, _newrelic
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import DecisionLog
from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import Inbox
from ansible_collections.platform.ops.plugins.module_utils.remediation._metrics import Counts
from ansible_collections.platform.ops.plugins.module_utils.remediation._parsed import Parsed, refuse
from ansible_collections.platform.ops.plugins.module_utils.remediation._refusals import Code, Refusal, RefusedError
from ansible_collections.platform.ops.plugins.module_utils.remediation._settings import Settings
from ansible_collections.platform.ops.plugins.module_utils.remediation._telemetry import Telemetry

logger = logging.getLogger("platform.ops.intake")

_LOGGED_PER_PAYLOAD = 20
_REMEMBERED = 10_000


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def parse(sender: str, payload: object, settings: Settings) -> Parsed:
    """`sender` is alertmanager, newrelic or the name of a configured generic sender."""
    if sender == _alertmanager.SOURCE:
        return _alertmanager.parse(payload, settings)
    if sender == _newrelic.SOURCE:
        return _newrelic.parse(payload, settings)
    return _generic.parse(payload, sender, settings.generic[sender], settings)


def decode(sender: str, body: bytes, settings: Settings) -> Parsed:
    """Whatever the bytes are, the answer is remediations and refusals, never another error."""
    try:
        payload = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Parsed(refusals=[refuse(RefusedError(Code.MALFORMED, "body"), sender)])
    return parse(sender, payload, settings)


class Intake:
    def __init__(
        self, inbox: Inbox, log: DecisionLog, settings: Settings, counts: Counts, telemetry: Telemetry
    ) -> None:
        self._inbox, self._log, self._settings = inbox, log, settings
        self._counts, self._telemetry = counts, telemetry
        self._logged: OrderedDict[Refusal, None] = OrderedDict()
        counts.declare("platform_ops_alerts_received_total", "counter", "Alerts received, by sender and way.")
        counts.declare("platform_ops_alerts_refused_total", "counter", "Alerts refused, by sender and reason.")
        counts.declare("platform_ops_alerts_stored_total", "counter", "What the inbox did with accepted alerts.")

    async def take(self, sender: str, body: bytes, via: str) -> dict[str, Any]:
        """Returns when everything is on the disk. Raises UnavailableError when it is not."""
        started = time.time()
        parsed = await asyncio.to_thread(decode, sender, body, self._settings)
        stored = await asyncio.to_thread(self._inbox.put, parsed.remediations, live=via == "poll")
        outcome = {name: getattr(stored, name) for name in stored.__slots__}
        self._counts.add("platform_ops_alerts_received_total", parsed.alerts, source=sender, via=via)
        for name, count in outcome.items():
            if count:
                self._counts.add("platform_ops_alerts_stored_total", count, outcome=name)
        refused = Counter(refusal.code.value for refusal in parsed.refusals)
        for reason, count in refused.items():
            self._counts.add("platform_ops_alerts_refused_total", count, source=sender, reason=reason)
        await asyncio.to_thread(self._log_refusals, sender, parsed.refusals)
        malformed = not parsed.remediations and {r.code for r in parsed.refusals} == {Code.MALFORMED}
        answer = {"received": parsed.alerts, "stored": outcome, "refused": dict(refused), "malformed": malformed}
        self._telemetry.delivery(sender, started, answer)
        return answer

    def _log_refusals(self, sender: str, refusals: list[Refusal]) -> None:
        """Each refusal once, a flood of them as sums: the log is for people, and the sender may be hostile."""
        fresh = [r for r in dict.fromkeys(refusals) if r.code != Code.NOT_OURS and r not in self._logged]
        for refusal in fresh:
            self._logged[refusal] = None
            if len(self._logged) > _REMEMBERED:
                self._logged.popitem(last=False)
        records: list[dict[str, Any]] = [
            {
                "id": refusal.id,
                "source": refusal.source,
                "decision": "refused",
                "reason": refusal.code.value,
                "message": f"{refusal.alertname or 'alert'}: {refusal.message}",
            }
            for refusal in fresh[:_LOGGED_PER_PAYLOAD]
        ]
        rest = Counter(refusal.code for refusal in fresh[_LOGGED_PER_PAYLOAD:])
        records += [
            {
                "source": sender,
                "decision": "refused",
                "reason": code.value,
                "message": f"{count} more alerts of the same delivery were refused for this reason",
                "count": count,
            }
            for code, count in rest.items()
        ]
        try:
            self._log.append(records)
        except UnavailableError as error:  # the refusal stands and is counted; the sender can do nothing about our disk
            logger.error("%s", error)
