# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's processes by name: to add a group of them, to kill one as a fault would, and to start it again."""

from __future__ import annotations

import signal
from collections.abc import Callable

from lab import control_plane, flagger, git_host, gitops, metrics_server, monitoring, prepare, process, simulated, state
from lab.place import Lab
from lab.shell import LabError, say
from lab.tools import tools

START: dict[str, Callable[[Lab], object]] = {
    "etcd": control_plane.start_etcd,
    "kube-apiserver": control_plane.start_api_server,
    "kube-controller-manager": control_plane.start_controller_manager,
    "kube-scheduler": control_plane.start_scheduler,
    "kube-proxy": control_plane.start_kube_proxy,
    "kwok": simulated.start,
    "metrics-server": metrics_server.start,
    "series": monitoring.start_series,
    "prometheus": monitoring.start_prometheus,
    "alertmanager": monitoring.start_alertmanager,
    "gitea": git_host.start,
    "publisher": gitops.start_publisher,
    "kustomize-controller": gitops.start_controller,
    "flagger": flagger.start_controller,
    "traffic": flagger.start_traffic,
}
GROUPS: dict[str, Callable[[Lab], object]] = {
    "monitoring": monitoring.start,
    "metrics-server": metrics_server.start,
    "git": git_host.start,
    "gitops": gitops.start,
    "flagger": flagger.start,
}
NEEDS = {"monitoring": prepare.MONITORING, "git": prepare.GIT, "gitops": prepare.GIT}


# what of it is built, so that a caller can have it done before time counts
BUILDS = {"metrics-server": ("metrics-server",), "git": ("gitea",), "gitops": ("kustomize-controller",)}


def build(*groups: str) -> None:
    if names := [name for group in groups for name in BUILDS.get(group, ())]:
        tools(*names)


def add(lab: Lab, group: str) -> None:
    if group not in GROUPS:
        raise LabError(f"there is no part {group!r}; there are {', '.join(GROUPS)}")
    if group in state.read(lab).parts:
        return
    prepare.prepare(NEEDS.get(group, {}))
    GROUPS[group](lab)
    with state.changing(lab) as current:
        current.parts.append(group)
    say(f"lab {lab.name}: {group} is ready")


def kill(lab: Lab, name: str) -> None:
    if not process.pid_of(lab, name):
        raise LabError(f"{name} of lab {lab.name} does not run")
    process.stop(lab, name, how=signal.SIGKILL)


def start(lab: Lab, name: str) -> None:
    if name not in START:
        raise LabError(f"{name!r} is no process of a lab that can be started alone; there are {', '.join(START)}")
    START[name](lab)
