# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OpenTofu modules that come with the project, as far as they can be tried without the providers' plugins."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from lab.shell import LabError
from lab.tools import tool

FOLDER = Path(__file__).parent.parent.parent / "tofu/modules"
MODULES = sorted(path for path in FOLDER.iterdir() if path.is_dir())
pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]
GIVEN = {"name", "address", "pool", "operation"}
RENDER = """
output "user_data" {
  value = templatefile("FOLDER/aws_worker/join.yaml.tftpl", {
    name = "workers-7", endpoint = "10.0.0.1:6443", token = "abcdef.0123456789abcdef", ca_cert_hash = "sha256:00"
  })
}
"""


@pytest.fixture(scope="module")
def tofu() -> str:
    try:
        return str(tool("tofu"))
    except LabError as error:
        pytest.skip(str(error))


def run(folder: Path, *words: str) -> str:
    done = subprocess.run([*words, "-no-color"], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_modules_are_read_and_formatted_by_opentofu(tofu: str, module: Path) -> None:
    run(module, tofu, "fmt", "-check", "-recursive", "-diff")
    said = run(module, tofu, "providers")
    assert "registry.opentofu.org" in said


@pytest.mark.parametrize(
    "module", [path for path in MODULES if path.name.endswith("_worker")], ids=lambda path: path.name
)
def test_workers_take_what_the_role_gives_and_give_what_it_takes(module: Path) -> None:
    declared = (module / "variables.tf").read_text()
    assert all(f'variable "{name}"' in declared for name in GIVEN)
    assert 'output "provider_id"' in (module / "outputs.tf").read_text()


def test_cloud_init_joins_with_the_startup_taint_and_leaves_no_token_behind(tofu: str, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(RENDER.replace("FOLDER", str(FOLDER)))
    run(tmp_path, tofu, "init")
    run(tmp_path, tofu, "apply", "-auto-approve")
    text = run(tmp_path, tofu, "output", "-json")
    [file] = yaml.safe_load(json.loads(text[text.index("{") :])["user_data"]["value"])["write_files"]
    script = file["content"]
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    joining = yaml.safe_load(script.split("<<END\n")[1].split("\nEND\n")[0])
    assert joining["nodeRegistration"]["taints"] == [{"key": "platform.ops/starting", "effect": "NoSchedule"}]
    assert joining["discovery"]["bootstrapToken"]["caCertHashes"] == ["sha256:00"]
    assert script.rstrip().endswith("rm -f /run/platform-ops-join.yaml /etc/platform-ops/join.sh")
