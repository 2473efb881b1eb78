# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run `helm template` on a copy of a chart: no network, no cluster, no hooks, bounded in time and output."""

from __future__ import annotations

import os
import posixpath
import resource
import shutil
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_chart import Chart
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Place,
    UnreadableError,
    parse,
)

SECONDS = 30.0
MAX_OUTPUT = 16 * 1024 * 1024
MAX_MEMORY = 2 * 1024 * 1024 * 1024


class HelmError(Exception):
    """Helm could not render; the message is what it said, shortened."""


def binary() -> str | None:
    """`PLATFORM_OPS_HELM`, else helm from PATH."""
    named = os.environ.get("PLATFORM_OPS_HELM")
    if named:
        return named if os.access(named, os.X_OK) else None
    return shutil.which("helm")


class Kitchen:
    """Copies of charts and an empty Helm home, removed with it.

    Helm follows links inside a chart wherever they lead; the copy holds only what the tree read.
    """

    def __init__(self, helm: str) -> None:
        self.helm = helm
        self._folder = tempfile.TemporaryDirectory(prefix="platform-ops-helm-")
        self._charts: dict[str, str] = {}
        self._lock = threading.Lock()

    def _chart(self, chart: Chart) -> str:
        with self._lock:
            if chart.folder not in self._charts:
                to = Path(self._folder.name) / f"chart{len(self._charts)}"
                _copy(chart, to)
                self._charts[chart.folder] = str(to)
            return self._charts[chart.folder]

    def render(self, chart: Chart, release: str, namespace: str, values: str) -> list[Any]:
        """The rendered documents.

        Raises:
            HelmError: Helm refused, took too long or said too much.
        """
        try:
            folder = self._chart(chart)
        except (OSError, OpsError) as error:
            raise HelmError(str(error)) from error
        home = self._folder.name
        command = [
            self.helm, "template", release, folder, "--namespace", namespace, "--values", "-",
            "--no-hooks", "--skip-tests", "--skip-schema-validation",
        ]  # fmt: skip
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": home,
            "KUBECONFIG": os.devnull,
            "HELM_CACHE_HOME": home,
            "HELM_CONFIG_HOME": home,
            "HELM_DATA_HOME": home,
            "HELM_PLUGINS": posixpath.join(home, "no-plugins"),
            # one short run each: collecting garbage costs a third of the time; the limit keeps a hostile chart small
            "GOGC": "off",
            "GOMEMLIMIT": "512MiB",
        }
        text = _run(command, environment, values)
        try:
            return parse(text, Place("", "rendered"))
        except UnreadableError as error:
            raise HelmError(f"the rendered text is not YAML: {error.message}") from error


def _copy(chart: Chart, to: Path) -> None:
    for file in chart.files:
        path = to / posixpath.relpath(file, chart.folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chart.tree.read(file))
    for sub in chart.linked:
        _copy(sub, to / "charts" / sub.name)


def _run(command: list[str], environment: dict[str, str], text: str) -> str:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
        given.write(text.encode())
        given.seek(0)
        try:
            # run_command bounds neither output, memory nor time, and there is no AnsibleModule here.
            # pylint: disable-next=ansible-bad-function
            process = subprocess.Popen(command, stdin=given, stdout=subprocess.PIPE, stderr=errors, env=environment)
        except OSError as error:
            raise HelmError(f"{command[0]} cannot be run: {error.strerror}") from error
        _bound(process.pid)
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(SECONDS, stop)
        timer.start()
        try:
            output = process.stdout.read(MAX_OUTPUT + 1) if process.stdout else b""
            if len(output) > MAX_OUTPUT:
                process.kill()
            status = process.wait()
        finally:
            timer.cancel()
            if process.stdout:
                process.stdout.close()
        if late.is_set():
            raise HelmError(f"it took longer than {SECONDS:.0f} s")
        if len(output) > MAX_OUTPUT:
            raise HelmError(f"it rendered more than {MAX_OUTPUT // 1024 // 1024} MiB")
        if status != 0:
            errors.seek(0)
            raise HelmError(" ".join(errors.read(2000).decode(errors="replace").split())[:500])
        return output.decode(errors="replace")


def _bound(pid: int) -> None:
    """Keeps a chart that asks for all the memory there is from getting it; only Linux can bound a running process."""
    if hasattr(resource, "prlimit"):
        with suppress(ProcessLookupError, PermissionError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))


def mappings(documents: list[Any]) -> list[Node]:
    return [one for one in documents if isinstance(one, Node)]
