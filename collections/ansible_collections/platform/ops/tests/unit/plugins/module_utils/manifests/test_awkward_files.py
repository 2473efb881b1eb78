# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Byte-exactness over the corpus that benchmarks/byte_exact.py publishes, read again by a parser of another kind."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils.manifests import _document
from ansible_collections.platform.ops.plugins.module_utils.manifests._bump import bump, open_tree
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tests.corpus.awkward import Case, cases

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    names = [case.name for case in cases()]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_nothing_but_the_number_changes_or_the_file_is_left_alone_with_a_reason(case: Case, tmp_path: Path) -> None:
    file = tmp_path / f"web{case.suffix}"
    file.write_bytes(case.before)
    item = {"name": "web", "kind": case.kind, "container": "app", "memory": {"factor": 1.5}}
    (result,) = bump(open_tree(str(tmp_path)), [item], now=NOW).results
    assert result.reason == (case.reason or "bumped"), result.message
    assert file.read_bytes() == case.after
    assert result.changed == (not case.reason)
    if result.changed:
        (change,) = result.changes
        lines = case.after.split(b"\n")
        header = lines[change.line - 1].rstrip().endswith(b"|-")
        assert case.new in lines[change.line if header else change.line - 1]


class PurePython(yaml.SafeLoader):
    """What stands in where PyYAML was built without libyaml."""


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_without_libyaml_files_are_edited_alike_or_left_alone(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_document, "Loader", PurePython)
    file = tmp_path / f"web{case.suffix}"
    file.write_bytes(case.before)
    item = {"name": "web", "kind": case.kind, "container": "app", "memory": {"factor": 1.5}}
    (result,) = bump(open_tree(str(tmp_path)), [item], now=NOW).results
    assert file.read_bytes() == (case.after if result.changed else case.before)
    assert result.changed or case.reason or result.reason == "invalid_yaml"


def _scalars(data: bytes) -> list[object] | None:
    """All values as a YAML 1.2 parser sees them; None if it cannot read the file."""
    found: list[object] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            for key, below in value.items():
                found.append(key)
                walk(below)
        elif isinstance(value, list):
            for below in value:
                walk(below)
        else:
            found.append(value)

    try:
        for document in YAML(typ="safe", pure=True).load_all(data.decode()):
            walk(document)
    except YAMLError:
        return None
    return found


@pytest.mark.parametrize("case", [one for one in cases() if not one.reason], ids=lambda case: case.name)
def test_a_parser_of_another_kind_sees_one_number_differ(case: Case) -> None:
    before, after = _scalars(case.before), _scalars(case.after)
    if before is None:
        assert after is None
        return
    assert after is not None
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1
