# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What our roles would install, written by the playbooks themselves (platform_state=rendered); no cluster is needed."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils.stack._objects import Guards, apply_objects
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server, open_server
from ansible_collections.platform.ops.plugins.module_utils.stack._wait import wait_ready
from ansible_collections.platform.ops.plugins.module_utils.stack._yaml import read_objects

from lab import lifecycle, prepare, simulated
from lab.place import place
from lab.tools import tool
from tests.support.inside import inside

ROOT = Path(__file__).parent.parent.parent
INPUTS = Path(__file__).parent / "inputs"
WITH_KINDS = ("gateway-api", "prometheus-operator-crds", "cert-manager", "istio-base", "flagger", "eck-operator")
KIBANA = {"namespace": "logging", "service": "efk-kb-http", "port": 5601, "tls": True}
Components = dict[str, dict[str, Any]]
Objects = list[dict[str, Any]]
Recap = dict[str, dict[str, int]]


def said_by(playbook: str, *words: str, **environment: str) -> str:
    """What ansible-playbook prints where it succeeds; nothing of ours is left in its temporary directory."""
    command = [str(ROOT / ".venv/bin/ansible-playbook"), playbook, *words]
    # Not below pytest's folders: Ansible makes a socket there, whose path may have no more than 107 characters.
    with tempfile.TemporaryDirectory(prefix="site-") as temporary:
        shown = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "TMPDIR": temporary}
        env = {**os.environ, **shown, **environment}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=900)
        left = list(Path(temporary).glob("platform-*"))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert left == []
    return done.stdout


def render(place: Path, inputs: Path) -> Components:
    folder = place / "rendered"
    given = {"platform_state": "rendered", "platform_render_dir": str(folder)}
    said_by("site.yml", "-e", f"@{inputs}", "-e", json.dumps(given))
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def played(place: Path, role: str, tasks_from: str = "main", **given: Any) -> subprocess.CompletedProcess[str]:
    """A play that includes this role with these inputs."""
    task = {"ansible.builtin.include_role": {"name": role, "tasks_from": tasks_from}, "vars": given}
    play = {"hosts": "localhost", "gather_facts": False, "roles": ["platform"], "tasks": [task]}
    playbook = place / "played.yml"
    playbook.write_text(yaml.safe_dump([play]))
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    command = [str(ROOT / ".venv/bin/ansible-playbook"), str(playbook)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=280)


def variants(place: Path, role: str, *givens: dict[str, Any]) -> list[dict[str, Any]]:
    """What one component consists of with each of these inputs, in a single run."""
    tasks: list[dict[str, Any]] = [
        {
            "ansible.builtin.include_role": {"name": role},
            "vars": {**given, "platform_state": "rendered", "platform_render_dir": str(place / str(number))},
        }
        for number, given in enumerate(givens)
    ]
    playbook = place / "variants.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    said_by(str(playbook))
    written = [next((place / str(number)).glob("*.json")) for number in range(len(givens))]
    return [json.loads(path.read_text()) for path in written]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first renders for all the others; that takes its time on a busy machine."""
    for item in items:
        if "components" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(1000))


@pytest.fixture(scope="session", params=sorted(path.stem for path in INPUTS.glob("*.yml")))
def inputs(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def components(inputs: str, tmp_path_factory: pytest.TempPathFactory) -> Components:
    """Rendered once for all files and workers of a run: it takes a minute of processor time."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    made = shared / f"components-{inputs}.json"
    with (shared / f"components-{inputs}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            components = render(tmp_path_factory.mktemp(inputs), INPUTS / f"{inputs}.yml")
            made.write_text(json.dumps(components))
    return cast(Components, json.loads(made.read_text()))


@pytest.fixture(scope="session")
def chart_data() -> Path:
    folder = Path(os.environ.get("PLATFORM_CHARTS_DATA") or ROOT.parent / "shared" / "charts")
    if not folder.is_dir():
        pytest.skip(f"needs chart data: set PLATFORM_CHARTS_DATA to a folder of charts ({folder} is none)")
    return folder


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[str]:
    """Of a cluster named by PLATFORM_TEST_KUBECONFIG, else of a lab of our own, in whose network the module runs."""
    if given := os.environ.get("PLATFORM_TEST_KUBECONFIG"):
        yield given
        return
    if why := prepare.obstacle():
        pytest.skip(why)
    lab = place(f"test-{os.getpid()}-frame")
    try:
        lifecycle.up(lab)
        simulated.add(lab, ["sim-1", "sim-2", "sim-3", "sim-4"])
        with inside(lab):
            yield str(lab.folder / "super-admin.conf")
    finally:
        lifecycle.down(lab)


@pytest.fixture
def server(kubeconfig: str) -> Server:
    return open_server(kubeconfig, None)


@pytest.fixture(scope="module")
def with_crds(kubeconfig: str, chart_data: Path) -> None:
    """The kinds of the real charts."""
    server = open_server(kubeconfig, None)
    for chart in WITH_KINDS:
        things = read_objects((chart_data / chart / "crds.json").read_text(), chart)
        applied = apply_objects(server, things, Guards(take_ownership=True), dry_run=False).applied
        wait_ready(server, applied, timeout=60)


def make_namespaces(server: Server, things: Objects) -> None:
    names = {thing["metadata"].get("namespace") for thing in things} - {None}
    made = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(names)]
    apply_objects(server, made, Guards(), dry_run=False)


@pytest.fixture(scope="module")
def by_gateway_api(tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """What Istio and the service would be given where the ingress is one of the Gateway API."""
    given = {
        "platform_components": ["istio", "eda"],
        "eda_image": "registry.example.org/remediation:1",
        "eda_host": "remediation.example.org",
        "istio_ingress_api": "gateway_api",
        "istio_ingress_tls_issuer": "letsencrypt",
        "istio_ingress_hosts": [
            {"host": "flask.example.org"},
            {"host": "grafana.example.org", "namespace": "monitoring", "service": "monitoring-grafana"},
            {"host": "remediation.example.org"},
            {"host": "kibana.example.org", **KIBANA},
        ],
    }
    place = tmp_path_factory.mktemp("gateway-api")
    (place / "inputs.yml").write_text(yaml.safe_dump(given))
    components = render(place, place / "inputs.yml")
    return [thing for name in ("istio", "eda") for thing in components[name]["objects"]]


def recap(output: str) -> Recap:
    """Per component the counts that the run ended with."""
    lines = output.partition("PLAY RECAP")[2].splitlines()
    counts = {line.split()[0]: dict(re.findall(r"(\w+)=(\d+)", line)) for line in lines if "ok=" in line}
    return {name: {key: int(value) for key, value in found.items()} for name, found in counts.items()}


def finished(said: str) -> list[str]:
    """The components in the order in which they were done."""
    parts = said.split("TASK [")
    done = "platform : Tell the others that it is done]"
    return [name for part in parts if part.startswith(done) for name in re.findall(r"(?:ok|changed): \[(\w+)\]", part)]


def in_reverse_order(ended: list[str], removed: set[str]) -> bool:
    """Whether all went, each before what it builds on."""
    graph = yaml.safe_load((ROOT / "roles/platform/vars/main/graph.yml").read_text())["platform_graph"]
    pairs = [(name, need) for name in removed for need in graph[name].get("needs", ())]
    assert len(pairs) > 10
    return set(ended) == removed and all(ended.index(name) < ended.index(need) for name, need in pairs)


def changed(counts: Recap) -> set[str]:
    return {name for name, found in counts.items() if found["changed"]}


@pytest.fixture(scope="module")
def operated(kubeconfig: str) -> Iterator[None]:
    """Somebody writes what operators would write."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}/collections:{ROOT}"}
    command = [sys.executable, "-m", "tests.site.operators", kubeconfig]
    simulator = subprocess.Popen(command, cwd=ROOT, env=environment)
    yield
    simulator.terminate()
    simulator.wait()


class Play:
    """Runs site.yml as a person would; the recap of a run that succeeded, its words in `said`."""

    def __init__(self, kubeconfig: str, data: Path) -> None:
        self.said = ""
        self._always = {
            "platform_kubeconfig": kubeconfig,
            "platform_helm_binary": str(tool("helm")),
            "gateway_api_files": [str(data / "gateway-api" / "crds.json")],
            "istio_gateway_service_type": "NodePort",
        }

    def __call__(self, *words: str, **given: Any) -> Recap:
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        command = [str(ROOT / ".venv/bin/ansible-playbook"), "site.yml", *words]
        command += ["-e", json.dumps({**self._always, **given})]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=1500
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-1000:]
        self.said = done.stdout
        return recap(done.stdout)


@pytest.fixture(scope="module")
def play(kubeconfig: str, operated: None, chart_data: Path) -> Play:
    return Play(kubeconfig, chart_data)
