# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the helm binary: arguments in, data out, every failure an OpsError that says what to do next."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, NotFoundError, UnavailableError


@dataclass(frozen=True, slots=True)
class Chart:
    """Where a chart comes from: an OCI reference, a name in a repository, an archive or a folder."""

    ref: str
    version: str = ""
    repository: str = ""

    @property
    def name(self) -> str:
        return self.ref.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Release:
    name: str
    namespace: str


class Helm:
    def __init__(self, binary: str = "helm", kubeconfig: str | None = None, context: str | None = None) -> None:
        self._binary = binary
        self._cluster = [*(["--kubeconfig", kubeconfig] if kubeconfig else [])]
        self._cluster += ["--kube-context", context] if context else []

    def fetch(self, chart: Chart, cache: Path, charts_dir: Path | None, folder: str) -> Path:
        """A local copy: from charts_dir where it holds the chart, else pulled once per version into the cache."""
        if charts_dir and (charts_dir / folder / "Chart.yaml").is_file():
            return charts_dir / folder
        if Path(chart.ref).exists():
            return Path(chart.ref)
        kept = cache / f"{chart.name}-{chart.version}.tgz"
        if kept.is_file():
            return kept
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            arguments = ["pull", chart.ref, "--version", chart.version, "--destination", scratch]
            arguments += ["--repo", chart.repository] if chart.repository else []
            try:
                self._run(arguments)
            except UnavailableError as error:
                where = f" from {chart.repository}" if chart.repository else ""
                raise UnavailableError(
                    f"Failed to get chart {chart.ref} {chart.version}{where}: {error.message}. "
                    "Check the network and the version, point platform_chart_mirror at a mirror, "
                    "or put the chart's folder into platform_charts_dir.",
                    reason="chart_unreachable",
                ) from error
            archives = list(Path(scratch).glob("*.tgz"))
            if len(archives) != 1:
                raise NotFoundError(f"Failed to get chart {chart.ref} {chart.version}: helm pull left no archive.")
            archives[0].replace(kept)
        return kept

    def status(self, release: Release) -> dict[str, Any] | None:
        """The newest revision in any state, or None."""
        listed = self._json(["list", "--all", "--namespace", release.namespace, "--filter", f"^{release.name}$"])
        return dict(listed[0]) if listed else None

    def values(self, release: Release) -> dict[str, Any]:
        return self._json(["get", "values", release.name, "--namespace", release.namespace]) or {}

    def manifest(self, release: Release) -> str:
        return self._run([*self._cluster, "get", "manifest", release.name, "--namespace", release.namespace])

    def chart_data(self, chart: Path) -> str:
        return self._run(["show", "chart", str(chart)])

    def render(self, release: Release, chart: Path, values: dict[str, Any], *, crds: bool = False) -> tuple[str, str]:
        """The manifest as the API server would get it, and its hooks; `lookup` in templates sees the cluster."""
        with values_file(values) as file:
            arguments = ["upgrade", "--install", release.name, str(chart), "--namespace", release.namespace]
            arguments += ["--values", file, "--dry-run=server", *([] if crds else ["--skip-crds"])]
            answer = self._json(arguments)
        hooks = "\n---\n".join(hook.get("manifest", "") for hook in answer.get("hooks") or ())
        return str(answer.get("manifest") or ""), hooks

    def template(self, release: Release, chart: Path, values: dict[str, Any], *, crds: bool = False) -> str:
        """Rendered without asking the cluster what it serves."""
        with values_file(values) as file:
            arguments = ["template", release.name, str(chart), "--namespace", release.namespace, "--values", file]
            return self._run([*arguments, "--include-crds" if crds else "--skip-crds"])

    def upgrade(self, release: Release, chart: Path, values: dict[str, Any], *, timeout: int) -> None:
        """Install or upgrade; waits for hooks only, readiness is ours to judge."""
        with values_file(values) as file:
            arguments = [*self._cluster, "upgrade", "--install", release.name, str(chart), "--skip-crds"]
            arguments += ["--namespace", release.namespace, "--create-namespace", "--reset-values", "--values", file]
            self._run([*arguments, "--timeout", f"{timeout}s", "--history-max", "5"], timeout=timeout + 60)

    def uninstall(self, release: Release, *, timeout: int) -> None:
        arguments = [*self._cluster, "uninstall", release.name, "--namespace", release.namespace]
        self._run([*arguments, "--timeout", f"{timeout}s", "--wait"], timeout=timeout + 60)

    def _json(self, arguments: Sequence[str]) -> Any:
        return json.loads(self._run([*self._cluster, *arguments, "--output", "json"]) or "null")

    def _run(self, arguments: Sequence[str], *, timeout: float = 300.0) -> str:
        command = [self._binary, *arguments]
        try:
            # Also runs in the controller process (action plugins), where there is no AnsibleModule to run_command.
            # pylint: disable-next=ansible-bad-function
            done = subprocess.run(
                command,
                check=False,
                capture_output=True,
                text=True,
                timeout=timeout,
                env={**os.environ, "HELM_DEBUG": "0"},
            )
        except FileNotFoundError as error:
            raise InputError(
                f"Failed to run {self._binary}: there is no such program. "
                "Install Helm 3.16 or newer, or set platform_helm_binary."
            ) from error
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"helm {arguments[0]} gave no answer in {timeout:.0f} s.") from error
        if done.returncode:
            raise UnavailableError(done.stderr.strip().removeprefix("Error: ")[-2000:] or f"helm {arguments[0]} failed")
        return done.stdout


class values_file:  # noqa: N801 (used like a function)
    """The values in a file that only we can read, removed afterwards."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __enter__(self) -> str:
        descriptor, self._path = tempfile.mkstemp(suffix=".json", prefix="values-")
        with os.fdopen(descriptor, "w") as file:
            json.dump(self._values, file)
        return self._path

    def __exit__(self, *_: object) -> None:
        Path(self._path).unlink(missing_ok=True)
