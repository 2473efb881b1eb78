# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bump taken back out of a file that others have changed since, byte by byte. Pure.

What the bump did is the difference between the file before and after its merge: spans of characters. Each is looked up
in the file as it is now and set back to what it was. A span that others have touched since is theirs and stays.
Works on text alone, so that it holds for every layout; `verified` then reads the result as YAML.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.manifests._document import keys_of, parse
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Path, RefusedError

_WORD = re.compile(rb"[A-Za-z0-9.+_-]")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of the file after the bump, and what stood there before it."""

    start: int
    end: int
    before: bytes


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The file as it shall be, and the lines (of the file after the bump) that were left to others."""

    data: bytes
    left: tuple[int, ...]


def take_back(before: bytes, after: bytes, now: bytes) -> TakenBack:
    """Undo what led from `before` to `after` in `now`."""
    spans = edits(before, after)
    if now == after:
        return TakenBack(before, ())
    places = _Places(after, now)
    data, left = now, []
    for span in reversed(spans):
        found = places.of(span)
        if found is None:
            left.append(after.count(b"\n", 0, span.start) + 1)
        else:
            data = data[: found[0]] + span.before + data[found[1] :]
    return TakenBack(data, tuple(reversed(left)))


def edits(before: bytes, after: bytes) -> list[Span]:
    """Return the spans of `after` that differ from `before`: the least of each line, and inserted lines whole."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = _starts(new)
    found = []
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if old_to - old_from == new_to - new_from:
            pairs = zip(old[old_from:old_to], new[new_from:new_to], starts[new_from:new_to], strict=True)
            found += [_narrowed(*pair) for pair in pairs if pair[0] != pair[1]]
        else:
            found.append(Span(starts[new_from], starts[new_to], b"".join(old[old_from:old_to])))
    return found


def _narrowed(old: bytes, new: bytes, start: int) -> Span:
    """The words that differ, whole: in `1645Mi` nobody shall find the 1 that made `64Mi` to `164Mi`."""
    head, tail = _alike(old, new)
    while head and _WORD.match(new, head - 1):
        head -= 1
    while tail and _WORD.match(new, len(new) - tail):
        tail -= 1
    return Span(start + head, start + len(new) - tail, old[head : len(old) - tail])


def _alike(left: bytes, right: bytes) -> tuple[int, int]:
    """Return how many bytes are the same at the beginning and, of the rest, at the end."""
    shorter = min(len(left), len(right))
    head = next((n for n in range(shorter) if left[n] != right[n]), shorter)
    rest = shorter - head
    tail = next((n for n in range(rest) if left[-1 - n] != right[-1 - n]), rest)
    return head, tail


def _starts(lines: Sequence[bytes]) -> list[int]:
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    return starts


class _Places:
    """Where bytes of one text stand in a later one."""

    def __init__(self, old: bytes, new: bytes) -> None:
        self._old, self._new = old.splitlines(keepends=True), new.splitlines(keepends=True)
        self._old_starts, self._new_starts = _starts(self._old), _starts(self._new)
        self._codes = SequenceMatcher(None, self._old, self._new, autojunk=False).get_opcodes()

    def of(self, span: Span) -> tuple[int, int] | None:
        """Return the same bytes in the later text; None if they, or the word they are part of, were changed."""
        for tag, old_from, old_to, new_from, new_to in self._codes:
            if not (self._old_starts[old_from] <= span.start and span.end <= self._old_starts[old_to]):
                continue
            if tag == "equal":
                # An insertion between two lines belongs to the lines around it: an empty span here would be ambiguous.
                shift = self._new_starts[new_from] - self._old_starts[old_from]
                return span.start + shift, span.end + shift
            if tag == "replace" and old_to - old_from == new_to - new_from:
                return self._in_line(span, old_from, new_from, old_to - old_from)
        return None

    def _in_line(self, span: Span, old_from: int, new_from: int, count: int) -> tuple[int, int] | None:
        """In a line that others changed elsewhere, such as the remark at its end."""
        for number in range(count):
            old, new = self._old[old_from + number], self._new[new_from + number]
            start = self._old_starts[old_from + number]
            first, last = span.start - start, span.end - start
            if not 0 <= first <= last <= len(old):
                continue
            head, tail = _alike(old, new)
            shift = 0 if last <= head else len(new) - len(old)
            if last > head and first < len(old) - tail:
                return None
            if _WORD.match(new, last + shift) or (first + shift and _WORD.match(new, first + shift - 1)):
                return None
            at = self._new_starts[new_from + number] + shift
            return at + first, at + last
        return None


def only_numbers(before: bytes, after: bytes, file: str, paths: Sequence[str]) -> bool:
    """Tell whether a merge changed nothing in a file but the numbers at these paths, and what they needed around them.

    Others may have put more into the same pull request, which is not ours to take back.
    """
    try:
        was, bumped = _leaves(before, file), _leaves(after, file)
    except RefusedError:
        return False
    touched = {
        path for thing, path in was.keys() | bumped.keys() if was.get((thing, path)) != bumped.get((thing, path))
    }
    return all(any(path == one or one.startswith((f"{path}.", f"{path}[")) for one in paths) for path in touched)


def verified(before: bytes, after: bytes, now: bytes, data: bytes, file: str) -> bool:
    """Tell whether the way from `now` to `data` changes nothing but what the bump changed, and back to what it was."""
    try:
        was, bumped, there, made = (_leaves(each, file) for each in (before, after, now, data))
    except RefusedError:
        return False
    touched = {where for where in was.keys() | bumped.keys() if was.get(where) != bumped.get(where)}
    changed = {where for where in there.keys() | made.keys() if there.get(where) != made.get(where)}
    return changed <= touched and all(made.get(where) == was.get(where) for where in changed)


def _leaves(data: bytes, file: str) -> dict[tuple[str, str], Any]:
    """Values by object and path; YAML inside of texts is looked into as well."""
    found: dict[tuple[str, str], Any] = {}
    for document in parse(data, file):
        _walk(found, _named(document.data, document.index), (), document.data)
    return found


def _named(data: Any, index: int) -> str:
    """The object a document is: its place in the file says nothing once others have added one."""
    meta = data.get("metadata") if isinstance(data, dict) else None
    if not isinstance(meta, dict):
        return str(index)
    return "/".join(str(part) for part in (data.get("kind"), meta.get("namespace"), meta.get("name")))


def _walk(found: dict[tuple[str, str], Any], thing: str, path: Path, value: Any) -> None:
    entries = _below(value)
    if isinstance(value, str) and "\n" in value:
        try:
            inside = [each.data for each in parse(value.encode(), thing)]
        except RefusedError:
            inside = []
        if inside and all(isinstance(each, dict) for each in inside):
            # As the block writes paths: those of the only document inside go on from the text's own.
            entries = list(inside[0].items()) if len(inside) == 1 else list(enumerate(inside))
    for step, each in entries:
        _walk(found, thing, (*path, step), each)
    if not entries:
        found[thing, keys_of(path)] = value


def _below(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []
