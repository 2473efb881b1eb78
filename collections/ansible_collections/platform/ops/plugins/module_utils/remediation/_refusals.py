# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why an alert did not become a remediation. Codes are stable; no text of the alert is ever part of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError


class Code(StrEnum):
    NOT_OURS = "not_ours"
    FOR_PEOPLE = "for_people"
    MALFORMED = "malformed"
    NO_ID = "no_id"
    NO_NAMESPACE = "no_namespace"
    NO_RESOURCE = "no_resource"
    NO_TARGET = "no_target"
    SEVERAL_TARGETS = "several_targets"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_RESOURCE = "unknown_resource"
    UNKNOWN_STATUS = "unknown_status"
    UNKNOWN_WORKLOAD_KIND = "unknown_workload_kind"
    INVALID_ID = "invalid_id"
    INVALID_NAME = "invalid_name"
    INVALID_NUMBER = "invalid_number"
    INVALID_TIMESTAMP = "invalid_timestamp"


MEANING = {
    Code.NOT_OURS: "nothing in the alert or in remediation_alerts asks for a remediation",
    Code.FOR_PEOPLE: "its rule leaves it to people (remediation: none)",
    Code.MALFORMED: "it does not have the form that this sender's alerts have",
    Code.NO_ID: "it carries nothing to recognise a repetition by",
    Code.NO_NAMESPACE: "it does not say in which namespace the workload is",
    Code.NO_RESOURCE: "it does not say which resource is short",
    Code.NO_TARGET: "it names no workload, pod, application, node or pool to act on",
    Code.SEVERAL_TARGETS: "it names more than one of workload, pod and app",
    Code.UNKNOWN_FIELD: "it has a field that a remediation does not have",
    Code.UNKNOWN_KIND: "it asks for a remediation that does not exist",
    Code.UNKNOWN_RESOURCE: "the resource is none of memory, cpu, ephemeral-storage",
    Code.UNKNOWN_STATUS: "its state is neither firing nor resolved",
    Code.UNKNOWN_WORKLOAD_KIND: "the workload is of a kind that has no limits to raise",
    Code.INVALID_ID: "its identity holds characters that no identity has",
    Code.INVALID_NAME: "a name in it does not match the grammar of its kind",
    Code.INVALID_NUMBER: "a number in it is not a finite, positive quantity",
    Code.INVALID_TIMESTAMP: "a time in it is not RFC 3339",
}


class RefusedError(InputError):
    """Raised while one alert is read; caught once per alert by the parsers."""

    def __init__(self, code: Code, field: str) -> None:
        super().__init__(f"The alert is refused: {MEANING[code]} (field {field}).", reason=code.value)
        self.code = code
        self.field = field


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an operator gets to see of a refused alert. `id` and `alertname` only when they match their grammar."""

    code: Code
    field: str
    source: str
    id: str | None = None
    alertname: str | None = None

    @property
    def message(self) -> str:
        return f"{MEANING[self.code]} (field {self.field})"
