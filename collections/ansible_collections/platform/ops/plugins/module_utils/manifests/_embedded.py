# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML inside a scalar of another YAML file: where each inner character stands in the outer file."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.platform.ops.plugins.module_utils.manifests._document import Node, span
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Reason, refuse
from ansible_collections.platform.ops.plugins.module_utils.manifests._text import Splice, Text

_ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    " ": " ",
    '"': '"',
    "/": "/",
    "\\": "\\",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
_HEX = {"x": 2, "u": 4, "U": 8}
_FOLD = re.compile(r"[ \t]*\r?\n((?:[ \t]*\r?\n)*)[ \t]*")
_LINE_JOIN = re.compile(r"\\\r?\n[ \t]*")


@dataclass(frozen=True)
class Embedding:
    """`offsets[i]` is where inner character i begins in the outer text; one more entry marks the end."""

    value: str
    offsets: list[int]
    encode: Callable[[str], str]

    def outward(self, inner: list[Splice]) -> list[Splice]:
        return [Splice(self.offsets[one.start], self.offsets[one.end], self.encode(one.new)) for one in inner]


def embedding(text: Text, node: Node, file: str) -> Embedding:
    """
    Raises:
        RefusedError: the scalar is written in a way that gives its characters no place of their own.
    """
    made = {"|": _literal, '"': _double, "'": _single}.get(node.style, _nothing)(text, node)
    if made is None or made.value != node.value:
        raise refuse(
            Reason.UNSUPPORTED,
            f"{file}, line {text.line_of(node.start_mark.index)}: the YAML inside this scalar is folded or written in "
            "a way that cannot be edited byte by byte. Write it as a block scalar (|).",
            file,
        )
    return made


def _nothing(_text: Text, _node: Node) -> Embedding | None:
    return None


def _literal(text: Text, node: Node) -> Embedding | None:
    start, end = span(node)
    raw = text.body[start:end]
    header = raw.find("\n") + 1
    if header == 0:
        return None
    at = start + header
    offsets: list[int] = []
    indent: int | None = None
    lines = node.value.split("\n")
    raw_lines = raw[header:].split("\n")
    for number, line in enumerate(lines):
        shown = raw_lines[number] if number < len(raw_lines) else ""
        plain = shown.removesuffix("\r")
        if line.strip():
            margin = len(plain) - len(line)
            if not plain.endswith(line) or plain[:margin].strip(" ") or (indent is not None and margin != indent):
                return None
            indent = margin
            base = at + margin
        else:
            base = at + len(plain) - len(line) if plain.endswith(line) else at + len(plain)
        offsets += range(base, base + len(line))
        if number < len(lines) - 1 or line or number >= len(raw_lines):
            offsets.append(at + len(plain))
        else:
            offsets.append(at)
        at += len(shown) + 1
    offsets = [min(offset, end) for offset in offsets]
    newline = text.newline_at(start) + " " * (indent or 0)
    return Embedding(node.value, offsets, lambda new: new.replace("\n", newline))


def _double(text: Text, node: Node) -> Embedding | None:
    start, end = span(node)
    raw = text.body[start:end]
    at = raw.index('"') + 1
    value: list[str] = []
    offsets: list[int] = []

    def put(chars: str) -> None:
        value.extend(chars)
        offsets.extend([start + at] * len(chars))

    while at < len(raw) - 1:
        char = raw[at]
        if char == "\\":
            join = _LINE_JOIN.match(raw, at)
            mark = raw[at + 1]
            if join:
                at = join.end()
            elif mark in _HEX:
                width = _HEX[mark]
                put(chr(int(raw[at + 2 : at + 2 + width], 16)))
                at += 2 + width
            elif mark in _ESCAPES:
                put(_ESCAPES[mark])
                at += 2
            else:
                return None
            continue
        fold = _FOLD.match(raw, at)
        if fold:
            put("\n" * fold.group(1).count("\n") or " ")
            at = fold.end()
        else:
            put(char)
            at += 1
    offsets.append(start + at)
    return Embedding("".join(value), offsets, _escape)


def _escape(new: str) -> str:
    return new.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")


def _single(text: Text, node: Node) -> Embedding | None:
    start, end = span(node)
    raw = text.body[start:end]
    at = raw.index("'") + 1
    value: list[str] = []
    offsets: list[int] = []
    while at < len(raw) - 1:
        fold = _FOLD.match(raw, at)
        chars, width = (
            ("\n" * fold.group(1).count("\n") or " ", fold.end() - at)
            if fold
            else ("'", 2)
            if raw.startswith("''", at)
            else (raw[at], 1)
        )
        value.extend(chars)
        offsets.extend([start + at] * len(chars))
        at += width
    offsets.append(start + at)
    # a line break in a single-quoted scalar is an empty line
    return Embedding("".join(value), offsets, lambda new: new.replace("'", "''").replace("\n", "\n\n"))
