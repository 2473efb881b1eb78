# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OpenTofu modules that come with the project: formatted, valid, and planned and applied with mocks.

Stand-in `provider-stub`: a plugin that knows the schemas of tests/providers/schemas and nothing else.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils.machines._tofu_root import Root

from lab.shell import LabError
from lab.tools import tool

FOLDER = Path(__file__).parent.parent.parent / "tofu/modules"
MODULES = sorted(path for path in FOLDER.iterdir() if path.is_dir())
WORKERS = [path for path in MODULES if path.name.endswith("_worker")]
SCHEMAS = Path(__file__).parent / "schemas"
# Owner and the version that the stub goes by: each within what the modules ask for.
PLUGINS = {"aws": ("hashicorp", "5.99.0"), "libvirt": ("dmacvicar", "0.8.3")}
NEEDED = {"aws_worker": ("image_id", "subnet_id"), "libvirt_worker": ("base_image", "authorized_key")}
PRIVATE = "keeps_logs_private_encrypted_and_for_seven_days"
JOINING = ("join_endpoint", "join_token", "join_ca_cert_hash")
pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]
RENDER = """
output "user_data" {
  value = templatefile("FOLDER/aws_worker/join.yaml.tftpl", {
    name = "workers-7", endpoint = "10.0.0.1:6443", token = "abcdef.0123456789abcdef", ca_cert_hash = "sha256:00"
  })
}
"""


@dataclass(frozen=True)
class Tofu:
    binary: str
    environment: dict[str, str]

    def run(self, folder: Path, *words: str, fails: bool = False) -> str:
        done = subprocess.run(
            [self.binary, *words, "-no-color"],
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        said = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, said
        return said


@pytest.fixture(scope="module")
def tofu(tmp_path_factory: pytest.TempPathFactory) -> Tofu:
    """OpenTofu that finds plugins in a mirror of its own, which holds the stub, and nowhere else."""
    try:
        binary, stub = tool("tofu"), tool("provider-stub")
    except LabError as error:
        pytest.skip(str(error))
    home = tmp_path_factory.mktemp("plugins")
    config = home / "tofurc"
    config.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{home}/mirror"\n  }}\n}}\n')
    own = {"TF_CLI_CONFIG_FILE": str(config), "PROVIDER_STUB_SCHEMAS": str(home)}
    made = Tofu(str(binary), {**os.environ, **own})
    platform = re.search(r"on (\w+)", made.run(home, "version"))
    assert platform is not None
    for name, (owner, version) in PLUGINS.items():
        (home / f"{name}.json").write_text(json.dumps(yaml.safe_load((SCHEMAS / f"{name}.yml").read_text())))
        plugin = home / f"mirror/registry.opentofu.org/{owner}/{name}/{version}/{platform[1]}"
        plugin.mkdir(parents=True)
        shutil.copy(stub, plugin / f"terraform-provider-{name}_v{version}")
    return made


def copied(module: Path, to: Path) -> Path:
    """OpenTofu writes beside what it reads."""
    return Path(shutil.copytree(module, to / module.name))


def around(module: Path, to: Path, **changed: Any) -> Path:
    """The root module that role machine_opentofu writes around it."""
    joins = dict.fromkeys(JOINING, "x") if module.name == "aws_worker" else {}
    variables = dict.fromkeys(NEEDED[module.name], "x") | changed
    to.mkdir()
    root = Root(str(module), "workers-7", "", "workers", "3f9c", "local", {}, variables, joins)
    (to / "main.tf.json").write_text(json.dumps(root.document(to)))
    return to


@pytest.mark.stand_in("provider-stub")
@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_modules_are_formatted_valid_and_do_what_their_tests_say(tofu: Tofu, module: Path, tmp_path: Path) -> None:
    tofu.run(module, "fmt", "-check", "-recursive", "-diff")
    here = copied(module, tmp_path)
    for folder in (here, *here.glob("lookup")):
        tofu.run(folder, "init")
        assert "The configuration is valid." in tofu.run(folder, "validate")
    said = tofu.run(here, "test")
    runs = sum(text.read_text().count('\nrun "') for text in here.glob("tests/*.tftest.hcl"))
    assert f"Success! {runs} passed, 0 failed." in said


@pytest.mark.stand_in("provider-stub")
@pytest.mark.parametrize(
    ("module", "file", "right", "wrong", "seen"),
    [
        ("aws_loki", "nodes.tf", '"NO_SCHEDULE"', '"PREFER_NO_SCHEDULE"', "gives_loki_nodes_of_its_own"),
        ("aws_loki", "bucket.tf", "block_public_policy     = true", "block_public_policy     = false", PRIVATE),
        ("aws_loki", "variables.tf", "default     = 7", "default     = 8", PRIVATE),
        ("aws_loki", "identity.tf", ":${var.service_account}", ":*", "is_lokis_identity_alone"),
        (
            "aws_worker",
            "main.tf",
            "encrypted             = true",
            "encrypted             = false",
            "is_private_encrypted_and_tagged",
        ),
        ("aws_worker", "variables.tf", "sensitive   = true", "sensitive   = false", "joins_by_cloud_init"),
        (
            "aws_worker",
            "main.tf",
            "ignore_changes = [ami, ",
            "ignore_changes = [",
            "is_never_replaced_by_a_newer_image_token_or_operation",
        ),
        (
            "libvirt_worker",
            "main.tf",
            "var.disk_gib * 1024",
            "var.disk_gib * 1000",
            "has_the_size_and_the_address_that_were_asked_for",
        ),
    ],
)
def test_their_tests_see_what_is_wrong(
    tofu: Tofu, module: str, file: str, right: str, wrong: str, seen: str, tmp_path: Path
) -> None:
    here = copied(FOLDER / module, tmp_path)
    text = (here / file).read_text()
    assert text.count(right) == 1
    (here / file).write_text(text.replace(right, wrong))
    tofu.run(here, "init")
    assert f'run "{seen}"... fail' in tofu.run(here, "test", fails=True)


@pytest.mark.stand_in("provider-stub")
@pytest.mark.parametrize("module", WORKERS, ids=lambda path: path.name)
def test_workers_take_what_the_role_gives_and_give_what_it_takes(tofu: Tofu, module: Path, tmp_path: Path) -> None:
    here = copied(module, tmp_path)
    assert 'output "provider_id"' in (here / "outputs.tf").read_text()
    root = around(here, tmp_path / "root")
    tofu.run(root, "init")
    tofu.run(root, "validate")
    unknown = around(here, tmp_path / "unknown", colour="red")
    tofu.run(unknown, "init")
    assert 'named "colour"' in tofu.run(unknown, "validate", fails=True)


def test_cloud_init_joins_with_the_startup_taint_and_leaves_no_token_behind(tofu: Tofu, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(RENDER.replace("FOLDER", str(FOLDER)))
    tofu.run(tmp_path, "init")
    tofu.run(tmp_path, "apply", "-auto-approve")
    text = tofu.run(tmp_path, "output", "-json")
    [file] = yaml.safe_load(json.loads(text[text.index("{") :])["user_data"]["value"])["write_files"]
    script = file["content"]
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    joining = yaml.safe_load(script.split("<<END\n")[1].split("\nEND\n")[0])
    assert joining["nodeRegistration"]["taints"] == [{"key": "platform.ops/starting", "effect": "NoSchedule"}]
    assert joining["discovery"]["bootstrapToken"]["caCertHashes"] == ["sha256:00"]
    assert script.rstrip().endswith("rm -f /run/platform-ops-join.yaml /etc/platform-ops/join.sh")
