# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in queries: the metrics that PromQL reads, and a strict check of the LogQL that we write.

PromQL is parsed by promtool; after that the names can be taken out by their tokens. For LogQL no parser is to be had
that we may use (Loki's is under the AGPL), so `logql_fault` knows the part of the language that our panels are written
in and refuses all else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`')
# A grouping's labels are no metrics: by (a, b), on(a), group_left (a).
GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
WORD = re.compile(r"(?<![\w:.])([a-zA-Z_:][\w:]*)(?!\w)\s*(\()?")
KEYWORDS = {
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "atan2",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
}
KEYWORDS |= {"inf", "nan", "start", "end"}
DURATION = re.compile(r"\[[^\]]*\]|\boffset\s+\S+")


def metrics_of(promql: str) -> set[str]:
    """Every metric that a query, which promtool has parsed, reads."""
    text = STRING.sub('""', promql)
    text = re.sub(r"\{[^}]*\}", " ", text)
    text = DURATION.sub(" ", GROUPING.sub(" ", text))
    return {name for name, call in WORD.findall(text) if not call and name.lower() not in KEYWORDS}


SELECTOR = re.compile(r"\{\s*[a-z_]\w*\s*(?:=~|!~|!=|=)\s*S\s*(?:,\s*[a-z_]\w*\s*(?:=~|!~|!=|=)\s*S\s*)*\}")
STAGE = re.compile(
    r"(?:\|=|!=|\|~|!~)\s*S|\|\s*(?:json|logfmt)\b|\|\s*[a-z_]\w*\s*(?:=~|!~|!=|=|>=|<=|>|<)\s*(?:S|[\d.]+)"
)
RANGE = r"(?:rate|count_over_time|bytes_rate|bytes_over_time)\(L\[\d+[smhd]\]\)"
AGGREGATE = re.compile(rf"(?:sum|count|avg|max|min)(?: by \([a-z_]\w*(?:, [a-z_]\w*)*\))? ?\({RANGE}\)|{RANGE}|L")


def logql_fault(query: str) -> str:
    """Why this is not LogQL of the kind we write, or nothing."""
    for found in _strings(query):
        if found[0] == "`":
            try:
                re.compile(found[1:-1])
            except re.error as error:
                return f"{found} is no regular expression: {error}"
    text = STRING.sub("S", query)
    text, selectors = SELECTOR.subn("L", text)
    if selectors != 1:
        return f"{selectors} stream selectors where one is needed: {query}"
    text = re.sub(r"\s+", " ", STAGE.sub("", text)).strip().replace("L [", "L[")
    return "" if AGGREGATE.fullmatch(text) else f"not understood: {text}"


def _strings(query: str) -> Iterator[str]:
    return (match.group() for match in STRING.finditer(query))
