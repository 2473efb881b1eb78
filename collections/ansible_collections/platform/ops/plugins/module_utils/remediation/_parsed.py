# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one payload gave: remediations, and refusals in place of the alerts that gave none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Union

from ansible_collections.platform.ops.plugins.module_utils.remediation import _grammar as grammar
from ansible_collections.platform.ops.plugins.module_utils.remediation._assemble import assemble
from ansible_collections.platform.ops.plugins.module_utils.remediation._refusals import Code, Refusal, RefusedError
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import Remediation

# The fields of one remediation, or why this part of an alert gives none.
Candidate = Union[dict[str, object], RefusedError]  # noqa: UP007 (ansible-test's pylint takes `|` for an error)


@dataclass(slots=True)
class Parsed:
    remediations: list[Remediation] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def alerts(self) -> int:
        return len(self.remediations) + len(self.refusals)


def _shown(value: object, check: Callable[[object, str], str]) -> str | None:
    try:
        return check(value, "shown")
    except RefusedError:
        return None


def refuse(error: RefusedError, source: str, fields: Mapping[str, object] | None = None) -> Refusal:
    known = fields or {}
    return Refusal(
        code=error.code,
        field=error.field,
        source=source,
        id=_shown(known.get("id"), grammar.identity),
        alertname=_shown(known.get("alertname"), grammar.alertname),
    )


def collect(
    alerts: Iterable[object], read: Callable[[Mapping[str, object]], Sequence[Candidate]], source: str
) -> Parsed:
    """Reads each alert on its own: one that is refused never takes another with it."""
    parsed = Parsed()
    for alert in alerts:
        try:
            if not isinstance(alert, Mapping):
                raise RefusedError(Code.MALFORMED, "alert")
            candidates = read(alert)
        except RefusedError as error:
            parsed.refusals.append(refuse(error, source))
            continue
        for fields in candidates:
            if isinstance(fields, RefusedError):
                parsed.refusals.append(refuse(fields, source))
                continue
            try:
                parsed.remediations.append(assemble({**fields, "source": source}))
            except RefusedError as error:
                parsed.refusals.append(refuse(error, source, fields))
    return parsed
