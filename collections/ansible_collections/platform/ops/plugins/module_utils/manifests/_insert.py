# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""New keys written the way the file around them is written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ansible_collections.platform.ops.plugins.module_utils.manifests._document import (
    Document,
    Node,
    is_mapping,
    is_null,
    is_scalar,
    is_sequence,
    span,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Reason, RefusedError, refuse
from ansible_collections.platform.ops.plugins.module_utils.manifests._text import Splice

# What to write below a node: keys to numbers, or to more of the same.
New = dict[str, "str | New"]

_ALIAS = re.compile(r"\s*:\s*\*[^\s,\]}]+")
_COLON = re.compile(r"\s*:")


def insertion(document: Document, above: list[Node], node: Node, new: New) -> list[Splice]:
    """Splices that write `new` into `node`, a mapping or a null; `above` are its parents, outermost first.

    Raises:
        RefusedError: the node has a form into which nothing can be written safely.
    """
    parent = above[-1] if above else None
    if is_mapping(node) and not all(is_scalar(key) for key, _value in node.value):
        raise _cannot(document, node)
    if is_mapping(node) and node.value:
        if node.flow_style:
            return [_into_flow(document, node, new)]
        return [_into_block(document, node, new)]
    key = _key_of(parent, node)
    if parent is None or key is None:
        raise _cannot(document, node)
    body = document.text.body
    start, end = span(node)
    if re.sub(r"\s", "", body[start:end]) not in ("", "{}", "~", "null", "Null", "NULL"):
        raise _cannot(document, node)
    colon = _COLON.match(body, span(key)[1])
    if colon is None:
        raise _cannot(document, node)
    if parent.flow_style:
        style = _flow_style(document, parent)
        return [Splice(start, end, ("" if start > colon.end() else " ") + style.mapping(new))]
    column = key.start_mark.column + _indent_step(document)
    at = _line_end(body, end)
    quote = _quote(parent)
    lines = _block_lines(new, column, quote, _indent_step(document))
    newline = document.text.newline_at(at)
    written = Splice(at, at, "".join(newline + line for line in lines))
    return [written] if start == end else [Splice(colon.end(), end, ""), written]


def _cannot(document: Document, node: Node) -> RefusedError:
    line = document.text.line_of(node.start_mark.index)
    return refuse(
        Reason.UNSUPPORTED,
        f"{document.file}, line {line}: keys cannot be added here without changing how the rest is written.",
        document.file,
    )


def _key_of(parent: Node | None, node: Node) -> Node | None:
    if parent is None or not is_mapping(parent):
        return None
    return next((key for key, value in parent.value if value is node), None)


# --- block style


def _into_block(document: Document, node: Node, new: New) -> Splice:
    body = document.text.body
    column = node.value[0][0].start_mark.column
    lines = _block_lines(new, column, _quote(node), _indent_step(document))
    leaf = _last_leaf(node)
    newline = document.text.newline_at(span(node)[0])
    if leaf is not None and leaf.style in ("|", ">") and "+" in body[leaf.start_mark.index :].split("\n", 1)[0]:
        # blank lines after it belong to the scalar
        at = span(leaf)[1]
        return Splice(at, at, "".join(line + newline for line in lines))
    at = _line_end(body, _content_end(document, node))
    return Splice(at, at, "".join(newline + line for line in lines))


def _block_lines(new: New, column: int, quote: str, step: int) -> Iterator[str]:
    for key, value in new.items():
        if isinstance(value, dict):
            yield f"{' ' * column}{key}:"
            yield from _block_lines(value, column + step, quote, step)
        else:
            yield f"{' ' * column}{key}: {quote}{value}{quote}"


def _line_end(body: str, index: int) -> int:
    end = body.find("\n", index)
    if end < 0:
        return len(body)
    return end - 1 if end > 0 and body[end - 1] == "\r" else end


def _content_end(document: Document, node: Node) -> int:
    """Where the last thing written in a node ends; comments and blank lines after it are not part of it."""
    body = document.text.body
    start, end = span(node)
    if is_mapping(node) and not node.flow_style and node.value:
        key, value = node.value[-1]
        alias = _ALIAS.match(body, span(key)[1])
        if alias:
            return alias.end()
        return span(key)[1] if span(value)[0] < span(key)[1] else _content_end(document, value)
    if is_sequence(node) and not node.flow_style and node.value:
        last = node.value[-1]
        if start <= span(last)[0] <= end:
            return _content_end(document, last)
    return start + len(body[start:end].rstrip())


def _last_leaf(node: Node) -> Node | None:
    while not is_scalar(node):
        if not node.value or node.flow_style:
            return None
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node


def _indent_step(document: Document) -> int:
    """How far mappings are indented below the key that holds them, most often, in this document."""
    seen: Counter[int] = Counter()
    waiting = [document.root]
    met: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in met or is_scalar(node):
            continue
        met.add(id(node))
        if is_sequence(node):
            waiting += node.value
            continue
        for key, value in node.value:
            waiting.append(value)
            if is_mapping(value) and not value.flow_style and value.value and not node.flow_style:
                seen[value.start_mark.column - key.start_mark.column] += 1
    steps = [step for step, _count in seen.most_common() if step > 0]
    return steps[0] if steps else 2


def _quote(node: Node) -> str:
    """The quotes that numbers near here are written in."""
    waiting = [node]
    met: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in met:
            continue
        met.add(id(node))
        if is_sequence(node):
            continue
        if is_scalar(node):
            return node.style if node.style in ('"', "'") else ""
        named = {key.value: value for key, value in node.value if is_scalar(key)}
        near = [named[key] for key in ("memory", "cpu", "limits", "requests", "resources") if key in named]
        waiting += [value for value in reversed(near) if not is_null(value)]
    return ""


# --- flow style


@dataclass(frozen=True)
class _FlowStyle:
    key_quote: str
    value_quote: str
    colon: str
    lines: bool  # a key per line
    newline: str
    margin: str  # what stands before a key
    unit: str  # one more level of it
    padding: str  # inside the braces

    def pair(self, key: str, value: str | New) -> str:
        shown = self.mapping(value) if isinstance(value, dict) else f"{self.value_quote}{value}{self.value_quote}"
        return f"{self.key_quote}{key}{self.key_quote}{self.colon}{shown}"

    def mapping(self, new: New) -> str:
        deeper = replace(self, margin=self.margin + self.unit)
        pairs = [deeper.pair(key, value) for key, value in new.items()]
        if not self.lines:
            separator = ", " if self.colon.endswith(" ") else ","
            return f"{{{self.padding}{separator.join(pairs)}{self.padding}}}"
        inside = f",{self.newline}".join(deeper.margin + pair for pair in pairs)
        return f"{{{self.newline}{inside}{self.newline}{self.margin}}}"


def _into_flow(document: Document, node: Node, new: New) -> Splice:
    body = document.text.body
    style = _flow_style(document, node)
    key, value = node.value[-1]
    alias = _ALIAS.match(body, span(key)[1])
    at = alias.end() if alias else _content_end(document, value)
    between = f",{style.newline}{style.margin}" if style.lines else ", " if style.colon.endswith(" ") else ","
    return Splice(at, at, "".join(between + style.pair(one, below) for one, below in new.items()))


def _flow_style(document: Document, node: Node) -> _FlowStyle:
    body = document.text.body
    key, value = node.value[-1]
    between = body[span(key)[1] : span(value)[0]]
    quote = key.style if key.style in ('"', "'") else ""
    margin = _margin(body, span(key)[0])
    closing = _margin(body, span(node)[1] - 1)
    lines = margin is not None
    opening = body[span(node)[0] : span(node.value[0][0])[0]]
    return _FlowStyle(
        key_quote=quote,
        value_quote=quote or _quote(node),
        colon=between if re.fullmatch(r" *: *", between) else ": ",
        lines=lines,
        newline=document.text.newline_at(span(node)[0]),
        margin=margin or "",
        unit=margin[len(closing) :] if margin and closing is not None and margin.startswith(closing) else "  ",
        padding=" " if not lines and opening == "{ " else "",
    )


def _margin(body: str, index: int) -> str | None:
    """The white space before a position, if nothing else stands before it on its line."""
    before = body[body.rfind("\n", 0, index) + 1 : index]
    return before if not before.strip() else None
