# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dataclasses as Kubernetes writes them: camelCase keys, RFC 3339 times, nothing written that is the default."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, NewType, Union

Time = NewType("Time", float)  # seconds since 1970; written with microseconds


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def seconds(text: str) -> Time:
    return Time(datetime.fromisoformat(text).timestamp())


_KNOWN: dict[Any, dict[str, Any]] = {}


def _hints(kind: Any) -> dict[str, Any]:
    if kind not in _KNOWN:
        _KNOWN[kind] = typing.get_type_hints(kind)
    return _KNOWN[kind]


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def encode(value: Any) -> dict[str, Any]:
    """A dataclass as JSON."""
    hints = _hints(type(value))
    return {
        camel(field.name): _encode(getattr(value, field.name), hints[field.name])
        for field in fields(value)
        if getattr(value, field.name) != _default(field)
    }


def _encode(value: Any, hint: Any) -> Any:
    hint = _present(hint)
    if hint is Time:
        return timestamp(value)
    if is_dataclass(hint):
        return encode(value)
    origin = typing.get_origin(hint)
    if origin is tuple:
        return [_encode(item, typing.get_args(hint)[0]) for item in value]
    if origin is not None and issubclass(origin, Mapping):
        return {key: _encode(item, typing.get_args(hint)[1]) for key, item in value.items()}
    return value


# pylint takes modules for Python 3.9 code; this collection needs 3.12 (tests/config.yml)
# pylint: disable-next=using-generic-type-syntax-in-unsupported-version
def decode[T](kind: type[T], raw: Mapping[str, Any] | None) -> T:
    """The dataclass of what encode() wrote. Unknown keys are left out: a newer version may have written them."""
    hints = _hints(kind)
    given = raw or {}
    return kind(
        **{
            field.name: _decode(given[camel(field.name)], hints[field.name])
            for field in fields(kind)  # type: ignore[arg-type]
            if given.get(camel(field.name)) is not None
        }
    )


def _decode(value: Any, hint: Any) -> Any:
    hint = _present(hint)
    if hint is Any:
        return value
    if hint is Time:
        return seconds(value)
    if is_dataclass(hint):
        return decode(typing.cast(type, hint), value)
    origin = typing.get_origin(hint)
    if origin is tuple:
        return tuple(_decode(item, typing.get_args(hint)[0]) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        return {key: _decode(item, typing.get_args(hint)[1]) for key, item in value.items()}
    return hint(value) if isinstance(hint, type) else value


def _present(hint: Any) -> Any:
    """X of X | None."""
    if typing.get_origin(hint) in (Union, types.UnionType):
        [hint] = [item for item in typing.get_args(hint) if item is not types.NoneType]
    return hint
