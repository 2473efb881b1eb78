# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bytes of a file as text that can be turned back into exactly those bytes."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Reason, refuse

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, order=True)
class Splice:
    """Put `new` in the place of the characters from `start` to `end`."""

    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Text:
    """What stands in a file after its byte order mark, if it has one; newlines are as they are."""

    body: str
    bom: bool = False

    def encode(self) -> bytes:
        return (_BOM if self.bom else b"") + self.body.encode("utf-8")

    def line_of(self, index: int) -> int:
        """Counted from 1."""
        return self.body.count("\n", 0, index) + 1

    def newline_at(self, index: int) -> str:
        """The line ending in use around a position."""
        at = self.body.find("\n", index)
        if at < 0:
            at = self.body.rfind("\n", 0, index)
        return "\r\n" if at > 0 and self.body[at - 1] == "\r" else "\n"

    def splice(self, splices: list[Splice]) -> Text:
        """Replace from last to first, so that earlier positions stay true."""
        body = self.body
        limit = len(body)
        for part in sorted(splices, reverse=True):
            if not 0 <= part.start <= part.end <= limit:
                raise ValueError(f"splices overlap at {part.start}..{part.end}")
            body = body[: part.start] + part.new + body[part.end :]
            limit = part.start
        return Text(body, self.bom)


def decode(data: bytes, file: str) -> Text:
    """
    Raises:
        RefusedError: not UTF-8.
    """
    bom = data.startswith(_BOM)
    try:
        return Text(data[3:].decode("utf-8") if bom else data.decode("utf-8"), bom)
    except UnicodeDecodeError as error:
        raise refuse(
            Reason.NOT_UTF8,
            f"{file} is not UTF-8 ({error.reason} at byte {error.start}), the only encoding that Kubernetes reads.",
            file,
        ) from error
