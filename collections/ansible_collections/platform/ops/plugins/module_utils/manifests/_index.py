# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which file may say which name and kind, known without parsing.

The answer may hold too many files, never too few: a value that a byte search cannot read (an anchor, an alias, a tag,
an escape, a block scalar, UTF-16) puts its file on every list.
"""

from __future__ import annotations

import re
from collections import defaultdict

# `name: x`, `"name": "x"`, `name:\n  x`, `{name: x}`, `- name: x`
_PAIR = re.compile(rb"""\b(name|kind)["']?\s*:\s+["']?([^\s"',}\]]+)|"(name|kind)"\s*:\s*"([^"]*)""")
_UNREADABLE = (b"&", b"*", b"!", b"|", b">", b"#")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Index:
    def __init__(self) -> None:
        self._names: dict[bytes, list[str]] = defaultdict(list)
        self._kinds: dict[bytes, list[str]] = defaultdict(list)
        self._hidden: list[str] = []
        self._by_kinds: dict[tuple[str, ...], frozenset[str]] = {}

    def add(self, path: str, data: bytes) -> None:
        if data[:2] in _UTF16 or b"\0" in data[:64]:
            self._hidden.append(path)
            return
        hidden = False
        for key, value, json_key, json_value in set(_PAIR.findall(data)):
            text = value or json_value
            if text[:1] in _UNREADABLE or b"\\" in text:
                hidden = True
            elif (key or json_key) == b"name":
                self._names[text].append(path)
            else:
                self._kinds[text].append(path)
        if hidden:
            self._hidden.append(path)

    def naming(self, name: str) -> list[str]:
        return sorted({*self._names.get(name.encode(), ()), *self._hidden})

    def of_kind(self, *kinds: str) -> list[str]:
        return sorted(self._of_kind(kinds))

    def naming_of_kind(self, name: str, kinds: tuple[str, ...]) -> list[str]:
        """Files that may hold both; those that hide something are on the list."""
        found = self._of_kind(kinds)
        return sorted({*self._hidden, *(path for path in self._names.get(name.encode(), ()) if path in found)})

    def _of_kind(self, kinds: tuple[str, ...]) -> frozenset[str]:
        if kinds not in self._by_kinds:
            found = set(self._hidden)
            for kind in kinds:
                found.update(self._kinds.get(kind.encode(), ()))
            self._by_kinds[kinds] = frozenset(found)
        return self._by_kinds[kinds]
