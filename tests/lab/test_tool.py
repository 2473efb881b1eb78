# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""scripts/tool builds what is missing, once, and says clearly what it cannot do."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab.place import CACHE, ROOT

TOOL = ROOT / "scripts" / "tool"


def test_an_unknown_tool_is_refused_before_anything_is_built() -> None:
    done = subprocess.run([TOOL, "helm", "hlem"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "no set under" in done.stderr and "'hlem'" in done.stderr


def test_every_set_pins_its_modules() -> None:
    for folder in (ROOT / "tools").iterdir():
        assert (folder / "go.mod").is_file() and (folder / "set.toml").is_file(), folder
    names = subprocess.run([TOOL, "--list"], capture_output=True, text=True, check=True).stdout.split()
    assert {"helm", "kustomize", "yq", "gitea", "kubectl", "kubelet", "etcd", "kwok"} <= set(names)


def test_what_only_benchmarks_and_campaigns_need_is_not_built_for_make_test() -> None:
    names = subprocess.run([TOOL, "--list", "--test"], capture_output=True, text=True, check=True).stdout.split()
    assert "helm" in names
    assert not {"yq", "kyaml-set"} & set(names)


@pytest.mark.real
def test_concurrent_calls_build_once_and_all_get_the_same_binary(tmp_path: Path) -> None:
    if not shutil.which("go"):
        pytest.skip("no go on PATH to build with")
    (tmp_path / "go-build").symlink_to(CACHE / "go-build")
    env = {**os.environ, "PLATFORM_OPS_CACHE": str(tmp_path)}
    calls = [
        subprocess.Popen([TOOL, "workload"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    answers = [call.communicate(timeout=300) for call in calls]
    assert len({out for out, _ in answers}) == 1
    assert sum(err.count("tool: built workload") for _, err in answers) == 1
    assert os.access(answers[0][0].strip(), os.X_OK)


@pytest.mark.real
def test_a_failed_build_leaves_no_binary_and_shows_what_the_compiler_said(tmp_path: Path) -> None:
    if not shutil.which("go"):
        pytest.skip("no go on PATH to build with")
    (tmp_path / "scripts").mkdir()
    shutil.copy(TOOL, tmp_path / "scripts" / "tool")
    folder = tmp_path / "tools" / "broken"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module broken\n\ngo 1.26.0\n")
    (folder / "main.go").write_text("package main\n\nfunc main() { nothing() }\n")
    (folder / "set.toml").write_text('[binary.broken]\npackage = "."\nminutes = 1\n')
    env = {**os.environ, "PLATFORM_OPS_CACHE": str(tmp_path / "cache")}
    command = [str(tmp_path / "scripts" / "tool"), "broken"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "undefined: nothing" in done.stderr
    assert not [path for path in (tmp_path / "cache" / "tools").rglob("*") if path.is_file()]


@pytest.mark.parametrize(("gib", "kept"), [(14, False), (16, True)])
def test_the_compilers_caches_are_dropped_when_disk_is_short_and_the_binaries_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gib: int, kept: bool
) -> None:
    loader = importlib.machinery.SourceFileLoader("tool_script", str(TOOL))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    script = importlib.util.module_from_spec(importlib.util.spec_from_loader("tool_script", loader))
    loader.exec_module(script)
    for name in ("go-build/00", "go-mod/cache", "tools/helm-1"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(script, "CACHE", tmp_path)
    monkeypatch.setattr(script, "free", lambda: gib << 30)
    script.drop_caches_if_short()
    assert (tmp_path / "go-build").exists() == (tmp_path / "go-mod").exists() == kept
    assert (tmp_path / "tools/helm-1").is_dir()
