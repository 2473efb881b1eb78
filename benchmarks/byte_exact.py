# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who changes one number and nothing else? bump_limits, yq, kyaml (Kustomize) and ruamel over one corpus.

    python benchmarks/byte_exact.py

A tool is right about a file if every byte but the number is what it was. Where no right edit exists (duplicate keys, a
shared anchor, an encrypted file, ...) it is right if it leaves the file alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

import ruamel.yaml
from ansible_collections.platform.ops.plugins.module_utils.manifests._bump import bump, open_tree

from benchmarks.report import machine, publish, table, tool, version
from tests.corpus.awkward import Case, cases

Tool = Callable[[Path, Case], None]


def ours(file: Path, case: Case) -> None:
    item = {"name": "web", "kind": case.kind, "container": "app", "memory": {"factor": 1.5}}
    bump(open_tree(str(file.parent)), [item], now=datetime.now(UTC))


def yq(binary: str) -> Tool:
    def run(file: Path, case: Case) -> None:
        path = "".join(f"[{json.dumps(step)}]" for step in case.path)
        kind = f"select(di == {case.document})"
        expression = f"({kind} | .{path}) = {_typed(case)}"
        subprocess.run([binary, "-i", expression, str(file)], capture_output=True, check=False)

    return run


def _typed(case: Case) -> str:
    new = case.new.decode()
    return new if new.replace(".", "").isdigit() else json.dumps(new)


def kyaml(binary: str) -> Tool:
    def run(file: Path, case: Case) -> None:
        path = [step if isinstance(step, str) else "[name=app]" for step in case.path if step != "items"]
        if case.path[0] == "items":
            path = path[1:]  # kyaml takes a List apart
        subprocess.run([binary, str(file), "web", case.new.decode(), *path], capture_output=True, check=False)

    return run


def ruamel_round_trip(file: Path, case: Case) -> None:
    yaml = ruamel.yaml.YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)  # as most files of the corpus have it
    try:
        documents = list(yaml.load_all(file.read_bytes().decode()))
        node = documents[case.document]
        for step in case.path[:-1]:
            node = node[step]
        old = node[case.path[-1]]
        node[case.path[-1]] = type(old)(case.new.decode())
        with file.open("w", encoding="utf-8", newline="") as out:
            yaml.dump_all(documents, out)
    except (ruamel.yaml.error.YAMLError, UnicodeDecodeError, ValueError, TypeError, KeyError, IndexError):
        return


def judged(run: Tool, case: Case) -> bool:
    with tempfile.TemporaryDirectory(prefix="platform-ops-bench-") as folder:
        file = Path(folder, f"web{case.suffix}")
        file.write_bytes(case.before)
        run(file, case)
        return file.read_bytes() == case.after


def _share(verdicts: dict[str, bool], names: list[str]) -> str:
    return f"{sum(verdicts[name] for name in names)} of {len(names)}"


def main() -> None:
    yq_binary = tool("yq")
    tools: dict[str, Tool] = {
        "bump_limits": ours,
        "yq -i": yq(yq_binary),
        "kyaml (Kustomize)": kyaml(tool("kyaml-set")),
        "ruamel.yaml round trip": ruamel_round_trip,
    }
    verdicts = {name: {case.name: judged(run, case) for case in cases()} for name, run in tools.items()}
    total = len(cases())
    edits = [case.name for case in cases() if not case.reason]
    others = [case.name for case in cases() if case.reason]
    score = [
        (name, sum(one.values()), f"{100 * sum(one.values()) / total:.0f} %", _share(one, edits), _share(one, others))
        for name, one in verdicts.items()
    ]
    rows = [
        (
            case.name,
            "leave" if case.reason else "edit",
            *("yes" if one[case.name] else "no" for one in verdicts.values()),
        )
        for case in cases()
    ]
    data = {
        "machine": machine(),
        "versions": {"yq": version(yq_binary, "--version"), "ruamel.yaml": ruamel.yaml.__version__},
        "files": total,
        "right": {name: sum(one.values()) for name, one in verdicts.items()},
        "verdicts": verdicts,
    }
    head = ("Tool", f"Right of {total}", "Score", "Edited right", "Left alone where no edit is right")
    text = f"{table(head, score)}\n\n{table(('File', 'To do', *tools), rows)}"
    publish("byte_exact", data, text)
    if not all(verdicts["bump_limits"].values()):
        sys.exit("bump_limits is not exact")


if __name__ == "__main__":
    main()
