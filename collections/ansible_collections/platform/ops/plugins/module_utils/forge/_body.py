# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Title, commit message and body of a pull request that raises limits. Pure: the same inputs give the same bytes.

Whatever came from an alert is shown as code, in which no host renders markup, links or mentions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.cluster._usage import Usage, amount_of
from ansible_collections.platform.ops.plugins.module_utils.forge._block import fenced
from ansible_collections.platform.ops.plugins.module_utils.forge._chart import chart, summary

LONGEST = 60000  # GitHub takes 65536 characters, and hosts count differently
ALERTS = 20
EARLIER = 10
NUMBER = ("container", "field", "resource")
RULES = {"memory": "memory", "cpu": "cpu", "ephemeral-storage": "ephemeral_storage"}


@dataclass(frozen=True, slots=True)
class Part:
    """One container: the bump item, what `bump_limits` returned for it, what asked for it, and what it used."""

    bump: Mapping[str, Any]
    result: Mapping[str, Any]
    remediations: Sequence[Mapping[str, Any]] = ()
    usage: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Description:
    title: str
    commit_message: str
    body: str
    changes: tuple[Mapping[str, Any], ...]


def describe(
    workload: Mapping[str, Any],
    parts: Sequence[Part],
    *,
    history: Sequence[Mapping[str, Any]] = (),
    declined_for: str = "14d",
    previous: Mapping[str, Any] | None = None,
) -> Description:
    """Describe all changes of one workload.

    Args:
        workload: cluster, namespace, kind and name.
        history: earlier bumps of it, as `checkout` gives them.
        previous: the machine-readable block of the open pull request; what it has besides is kept.
    """
    block = _block(workload, parts, previous)
    where = "/".join(str(workload[name]) for name in ("namespace", "name") if workload.get(name))
    raised = _listed(sorted({change["resource"] for change in block["changes"]}))
    title = f"Raise {raised} of {where}{_to(block['changes'])}"
    new = [dict(change) for part in parts for change in part.result.get("changes") or ()]
    lines = [f"{_name(change)}: {change.get('before') or 'none'} -> {change['after']}" for change in new]
    return Description(
        title=title,
        commit_message="\n".join([title, "", *lines]),
        body=_body(workload, block, history, declined_for, [note for part in parts for note in _checked(part.result)]),
        changes=tuple(new),
    )


def _block(workload: Mapping[str, Any], parts: Sequence[Part], previous: Mapping[str, Any] | None) -> dict[str, Any]:
    changes = {_key(change): dict(change) for change in (previous or {}).get("changes", ())}
    sums = {(one["container"], one["resource"]): dict(one) for one in (previous or {}).get("arithmetic", ())}
    used = {(one["container"], one["resource"]): dict(one) for one in (previous or {}).get("usage", ())}
    alerts = {str(one["id"]): dict(one) for one in (previous or {}).get("alerts", ())}
    for part in parts:
        made = {_key(change): dict(change) for change in part.result.get("changes") or ()}
        changes |= made
        for one in part.result.get("arithmetic") or ():
            key = (one["container"], one["resource"])
            limit = made.get((one["container"], "limits", one["resource"]))
            # A number that the branch had raised further before is explained by the arithmetic of that time.
            if limit and (key not in sums or limit["after"] == one["rounded"]):
                sums[key] = {**one, "given": _rule(part.bump, one["resource"])}
                used = {kept: one for kept, one in used.items() if kept != key} | _of(part.usage, key)
        alerts |= {str(one["id"]): dict(one) for one in part.remediations}
    replicas = [part.result["replicas"] for part in parts if part.result.get("replicas") is not None]
    return {
        "target": {name: workload.get(name) for name in ("cluster", "namespace", "kind", "name")},
        "replicas": max(replicas, default=(previous or {}).get("replicas", 1)),
        "changes": [changes[key] for key in sorted(changes)],
        "arithmetic": [sums[key] for key in sorted(sums)],
        "alerts": [alerts[key] for key in sorted(alerts)][-ALERTS:],
        **({"usage": [used[key] for key in sorted(used)]} if used else {}),
    }


def _of(usage: Iterable[Mapping[str, Any]], key: tuple[str, str]) -> dict[tuple[str, str], dict[str, Any]]:
    found = {(one["container"], one["resource"]): dict(one) for one in usage}
    return {key: found[key]} if key in found else {}


def _rule(bump: Mapping[str, Any], resource: str) -> dict[str, Any]:
    given = bump.get(RULES.get(resource, resource)) or {}
    return {name: str(value) for name, value in given.items() if value is not None}


def _key(change: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(change.get(name) or "") for name in NUMBER)


def _body(
    workload: Mapping[str, Any],
    block: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    declined_for: str,
    checked: Sequence[str],
) -> str:
    fixed = [_numbers(workload, block), _no(declined_for)]
    optional = [
        _why(block["alerts"]),
        _usage(block.get("usage") or (), block["arithmetic"]),
        _arithmetic(block["arithmetic"]),
        _section("What was checked", dict.fromkeys(checked)),
        _earlier(history),
    ]
    alerts = block["alerts"]
    while True:
        # Earliest of alerts go first, then sections; the numbers and what they came from always stay.
        machine = f"<details><summary>As data</summary>\n\n{fenced({**block, 'alerts': alerts})}\n\n</details>"
        sections = [fixed[0], *optional, fixed[1], machine]
        body = "\n\n".join(filter(None, sections)) + "\n"
        if len(body) <= LONGEST or not (alerts or optional):
            return body
        if alerts:
            alerts = alerts[(len(alerts) + 1) // 2 :]
        else:
            optional.pop()


def _numbers(workload: Mapping[str, Any], block: Mapping[str, Any]) -> str:
    shown = "/".join(str(workload[name]) for name in ("namespace", "kind", "name") if workload.get(name))
    where = f" in cluster {code(workload['cluster'])}" if workload.get("cluster") else ""
    rows = [
        f"| {cell(change.get('container') or 'pod')} | {cell(change['field'] + '.' + change['resource'])} "
        f"| {cell(change.get('before') or 'none')} | {cell(change['after'])} "
        f"| {cell(_place(change))} |"
        for change in block["changes"]
    ]
    table = ["| container | number | from | to | where |", "|---|---|---|---|---|", *rows]
    return f"{code(shown)}{where} gets new limits.\n\n" + "\n".join(table)


def _place(change: Mapping[str, Any]) -> str:
    line = f":{change['line']}" if change.get("line") else ""
    return f"{change.get('file') or ''}{line}"


def _why(alerts: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for alert in alerts:
        evidence = alert.get("evidence") or {}
        name = evidence.get("alertname") or alert["id"]
        line = f"{code(name)} from {code(alert.get('source') or 'unknown')}"
        if alert.get("resource"):
            line += f": {code(alert['resource'])}"
        if evidence.get("value"):
            line += f" at {code(evidence['value'])}"
        if evidence.get("limit"):
            line += f", limit {code(evidence['limit'])}"
        if evidence.get("startsAt"):
            line += f", since {code(evidence['startsAt'])}"
        lines.append(line)
    return _section("Why", lines)


def _usage(measured: Sequence[Mapping[str, Any]], sums: Sequence[Mapping[str, Any]]) -> str:
    """A picture and a line for each container and resource. As code: names are matched, yet no host may read markup."""
    parts = []
    known = {(one["container"], one["resource"]): one for one in sums}
    for one in measured:
        try:
            usage = Usage.from_dict(one)
        except (KeyError, TypeError, ValueError):
            continue  # of a body that somebody edited
        limit = known.get((usage.container, usage.resource), {})
        before, after = (amount_of(usage.resource, limit.get(name)) for name in ("limit", "rounded"))
        lines = [line.replace("`", "'") for line in chart(usage, before, after)]
        parts.append("\n".join(["```text", *lines, "```", "", summary(usage)]))
    return "\n\n".join(["### Usage", *parts]) if parts else ""


def _arithmetic(sums: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for one in sums:
        request = f", request {code(one['request'])}" if one.get("request") else ""
        usage = f", observed {code(one['usage'])}" if one.get("usage") else ""
        cap = f", cap {code(one['cap'])}" if one.get("cap") else ""
        lines.append(
            f"{code(one['container'])} {code(one['resource'])}: limit {code(one.get('limit') or 'none')}{request}"
            f"{usage}, so the base is {code(one['base'])}; {code(one['rule'])} = {code(one['raw'])}, "
            f"rounded to {code(one['rounded'])}{cap}"
        )
    return _section("How the numbers came about", lines)


def _checked(result: Mapping[str, Any]) -> list[str]:
    lines = ["The edited files were parsed again: nothing but these numbers differs."]
    lines += [code(line, longest=500) for line in result.get("checked") or ()]
    lines += [code(note, longest=500) for note in result.get("notes") or ()]
    if affects := result.get("affects"):
        lines.append(f"Shared with: {', '.join(map(code, affects))}")
    return lines


def _earlier(history: Iterable[Mapping[str, Any]]) -> str:
    done = [bump for bump in history if bump["state"] != "open"]
    rows = sorted(done, key=lambda bump: (bump["at"], bump["container"], bump["resource"], bump["field"]), reverse=True)
    lines = [
        f"{code(bump['at'])}: {code(bump['container'])} {code(bump['field'] + '.' + bump['resource'])} "
        f"{code(bump.get('before') or 'none')} -> {code(bump['after'])}, "
        f"{'merged' if bump['state'] == 'merged' else 'declined'}"
        + (f" (#{int(bump['number'])})" if bump.get("number") else "")
        for bump in rows[:EARLIER]
    ]
    return _section("Earlier bumps", lines)


def _no(declined_for: str) -> str:
    return _section(
        "How to say no",
        [
            f"Close this pull request without merging it. That is taken as a no for {code(declined_for)}.",
            "Or push a commit of your own to its branch; from then on the branch is left to you.",
        ],
    )


def _section(title: str, lines: Iterable[str]) -> str:
    listed = "\n".join(f"- {line}" for line in lines)
    return f"### {title}\n{listed}" if listed else ""


def _name(change: Mapping[str, Any]) -> str:
    return f"{change.get('container') or 'pod'} {change['field']}.{change['resource']}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]])) or "limits"


def _to(changes: Sequence[Mapping[str, Any]]) -> str:
    limits = [change for change in changes if change["field"] == "limits"]
    return f" to {limits[0]['after']}" if len(limits) == 1 else ""


def code(text: object, *, longest: int = 200) -> str:
    """Return text as inline code: one line, bounded, and unable to end the code."""
    plain = (
        " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
        .replace("`", "'")
        .replace("<!--", "<! --")
    )
    if len(plain) > longest:
        plain = plain[: longest - 1] + "…"
    return f"`{plain}`" if plain else "`-`"


def cell(text: object) -> str:
    """Return text as inline code inside a table."""
    return code(text).replace("|", "\\|")
