# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image is made without a container builder, holds what the Containerfile holds, and starts as it will in a pod."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from lab.layers import Layer, pack
from tests.support.rulebook import ROOT, free_port

CONTAINERFILE = (ROOT / "image/Containerfile").read_text()
pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]


def environment(image: ModuleType) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in image.config()["Env"])


def test_the_same_files_make_the_same_layer(tmp_path: Path) -> None:
    def make(name: str) -> Layer:
        folder = tmp_path / name
        (folder / "b").mkdir(parents=True)
        (folder / "b/one").write_text("1")
        (folder / "a").write_text("2")
        (folder / "link").symlink_to("a")
        (folder / "again").hardlink_to(folder / "a")
        return pack(folder, tmp_path / f"{name}.tar")

    one, other = make("one"), make("other")
    assert one.digest == other.digest
    with tarfile.open(one.path) as tar:
        assert [(m.name, m.type == tarfile.LNKTYPE, m.uid) for m in tar] == [
            (name, False, 0) for name in ("a", "again", "b", "b/one", "link")
        ]


def test_both_ways_of_building_describe_the_same_image(image: ModuleType) -> None:
    config = image.config()
    assert f"ENTRYPOINT {json.dumps(config['Entrypoint'])}" in CONTAINERFILE
    assert f"USER {config['User']}\n" in CONTAINERFILE
    assert f"WORKDIR {config['WorkingDir']}\n" in CONTAINERFILE
    given = dict(re.findall(r"(?:ENV|\s)([A-Z_]+)=(\S+)", CONTAINERFILE.split("\nENV ")[1].split("\nWORKDIR")[0]))
    ours = {name: value for name, value in environment(image).items() if name != "PATH"}
    assert {name: given.get(name) for name in ours} == ours
    packages = set((ROOT / "image/packages.txt").read_text().split())
    named = re.search(r"--no-install-recommends (.*?) \\", CONTAINERFILE)
    assert named
    assert set(named[1].split()) == {word for word in packages if not word.startswith(("lib", "zlib"))}


def test_base_images_are_arguments_and_none_floats() -> None:
    bases = re.findall(r"^FROM (\S+)", CONTAINERFILE, re.M)
    assert set(bases) <= {"${PYTHON_IMAGE}", "${GO_IMAGE}"}
    for value in re.findall(r"^ARG \w+_IMAGE=(\S+)", CONTAINERFILE, re.M):
        assert re.search(r":\d|@sha256:", value), value


def test_the_lock_of_the_image_is_a_part_of_the_one_lock() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9._-]+==[^ ]+", (ROOT / "requirements" / name).read_text(), re.M))

    assert pins("service.txt") <= pins("lock.txt")
    assert {line.split("==")[0] for line in pins("lock.txt") - pins("service.txt")} >= {"pytest", "ansible-lint"}


def test_it_starts_on_a_read_only_root_as_nobody_and_is_ready(image: ModuleType) -> None:
    port = free_port()
    settings = {
        "remediation_listen_host": "127.0.0.1",
        "remediation_listen_port": port,
        "remediation_state_dir": "/tmp/state",
        "limit_bump_mode": "observe",
    }
    hosts = {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}}
    line = f"""
      set -e
      id -u; ! touch /opt/x 2>/dev/null; ! touch /etc/x 2>/dev/null
      mkdir -p /tmp/inventory/group_vars/all
      cat >/tmp/inventory/hosts.yml <<'END'
{json.dumps(hosts)}
END
      cat >/tmp/inventory/group_vars/all/remediation.yml <<'END'
{yaml.safe_dump(settings)}
END
      PLATFORM_OPS_INVENTORY=/tmp/inventory /usr/bin/tini -s -- /opt/platform-ops/bin/serve --verbose >/tmp/log 2>&1 &
      python3 - <<'END' || {{ cat /tmp/log >&2; exit 1; }}
import time, urllib.request
until = time.monotonic() + 25
while True:
    try:
        print(urllib.request.urlopen("http://127.0.0.1:{port}/readyz", timeout=5).status)
        break
    except OSError:
        assert time.monotonic() < until
        time.sleep(0.2)
END
      ansible-playbook -i /tmp/inventory platform.ops.observe_report -e observe_report_file=/tmp/report.md
      kill %1 2>/dev/null || kill $!; wait $! || true
      helm version --short; git --version
      python3 -c 'import azure.monitor.opentelemetry.exporter, psycopg'
    """
    said = image.inside(line, image.tree(), user=image.USER, environment=environment(image), timeout=400)
    assert said.split()[:2] == [str(image.USER), "200"]
    assert "failed=0" in said
