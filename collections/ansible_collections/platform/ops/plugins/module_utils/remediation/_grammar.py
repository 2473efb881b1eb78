# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The grammars that strings of an alert must match, each by one function that returns the string or refuses.

Everything that passes here may end up in extra vars, which Ansible templates, in branch names, paths and Markdown.
No grammar admits braces, quotes, backticks, `%`, `$`, control characters, line breaks or anything outside ASCII.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity
from ansible_collections.platform.ops.plugins.module_utils.remediation._refusals import Code, RefusedError

WORKLOAD_KINDS = (
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
    "Rollout",
)
RESOURCES = ("memory", "cpu", "ephemeral-storage")

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_APP = re.compile(r"[A-Za-z0-9]+(?:(?:[ .]|-+|_+)[A-Za-z0-9]+)*", re.ASCII)
_ID = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._:/+-]*", re.ASCII)
_ALERTNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_CLUSTER = re.compile(r"[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*", re.ASCII)
_SOURCE = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,30}[a-z0-9])?", re.ASCII)
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_QUANTITY = re.compile(
    r"(?P<number>[0-9]{1,30}(?:\.[0-9]{1,30})?)(?P<suffix>[numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?", re.ASCII
)
_NANO = Decimal("0.000000001")


def _match(pattern: re.Pattern[str], longest: int, value: object, field: str, code: Code = Code.INVALID_NAME) -> str:
    if not isinstance(value, str) or len(value) > longest or not pattern.fullmatch(value):
        raise RefusedError(code, field)
    return value


def label(value: object, field: str) -> str:
    """RFC 1123 label: namespaces, containers, pools."""
    return _match(_LABEL, 63, value, field)


def subdomain(value: object, field: str) -> str:
    """RFC 1123 subdomain: workloads, pods, nodes."""
    if not isinstance(value, str) or len(value) > 253 or not all(map(_LABEL.fullmatch, value.split("."))):
        raise RefusedError(Code.INVALID_NAME, field)
    return value


def app(value: object, field: str) -> str:
    return _match(_APP, 128, value, field)


def cluster(value: object, field: str) -> str:
    return _match(_CLUSTER, 128, value, field)


def source(value: object, field: str) -> str:
    return _match(_SOURCE, 32, value, field)


def identity(value: object, field: str) -> str:
    return _match(_ID, 200, value, field, Code.INVALID_ID)


def alertname(value: object, field: str) -> str:
    return _match(_ALERTNAME, 128, value, field)


def workload_kind(value: object, field: str) -> str:
    """Monitors write kinds in lower case (`workload_type: deployment`); Kubernetes' own spelling is returned."""
    for kind in WORKLOAD_KINDS:
        if isinstance(value, str) and value.lower() == kind.lower():
            return kind
    raise RefusedError(Code.UNKNOWN_WORKLOAD_KIND, field)


def resource(value: object, field: str) -> str:
    text = value.replace("_", "-") if isinstance(value, str) else value
    if isinstance(text, str) and text in RESOURCES:
        return text
    raise RefusedError(Code.UNKNOWN_RESOURCE, field)


def timestamp(value: object, field: str) -> str:
    """In UTC with milliseconds: of one instant Alertmanager's webhook writes nanoseconds, its API milliseconds."""
    text = _match(_TIMESTAMP, 40, value, field, Code.INVALID_TIMESTAMP)
    try:
        at = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise RefusedError(Code.INVALID_TIMESTAMP, field) from None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def quantity(value: object, field: str) -> str:
    """A Kubernetes quantity in plain digits, `2.6843e+08` as Go prints floats included."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise RefusedError(Code.INVALID_NUMBER, field)
    try:
        text = value if isinstance(value, str) else str(value)
    except ValueError:  # an integer of thousands of digits
        raise RefusedError(Code.INVALID_NUMBER, field) from None
    found = _QUANTITY.fullmatch(text)
    if not found or len(text) > 64:
        raise RefusedError(Code.INVALID_NUMBER, field)
    number, suffix = found["number"], found["suffix"] or ""
    exponent = ""
    if suffix[:1] in "eE" and len(suffix) > 1:
        exponent, suffix = suffix, ""
    try:
        amount = Decimal(number + exponent)
        amount = amount if amount == amount.to_integral_value() else amount.quantize(_NANO)
        digits = f"{amount:f}"
        plain = (digits.rstrip("0").rstrip(".") if "." in digits else digits) + suffix
        Quantity.parse(plain)
    except (InvalidOperation, InputError):
        raise RefusedError(Code.INVALID_NUMBER, field) from None
    return plain
