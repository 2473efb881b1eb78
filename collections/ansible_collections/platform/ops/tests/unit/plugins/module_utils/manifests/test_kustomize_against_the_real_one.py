# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Overlays made at random, built by us and by kustomize: names, containers in their order and all numbers agree."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_merge import containers
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_select import identity
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_survey import survey
from ansible_collections.platform.ops.tests.unit.plugins.module_utils.manifests.layouts_support import tool, write_tree

NAMES = ("server", "proxy", "worker")
LAYERS = ("base", "mid", "top")


def resources(dice: random.Random) -> dict[str, Any]:
    kinds = [(field, name) for field in ("limits", "requests") for name in ("memory", "cpu")]
    made: dict[str, Any] = {}
    for field, name in dice.sample(kinds, dice.randint(0, 3)):
        made.setdefault(field, {})[name] = f"{dice.randint(1, 999)}{'Mi' if name == 'memory' else 'm'}"
    return made


def workload(dice: random.Random, name: str, count: int) -> dict[str, Any]:
    items = [{"name": one, "image": f"{one}:1", "resources": resources(dice)} for one in NAMES[:count]]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": "web", "tier": dice.choice(["a", "b"])}},
        "spec": {"template": {"spec": {"containers": items}}},
    }


def merge_patch(dice: random.Random, name: str) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    for one in dice.sample(NAMES, dice.randint(1, 3)):
        item: dict[str, Any] = {"name": one, "image": f"{one}:2", "resources": resources(dice)}
        if dice.random() < 0.15:
            item = {"name": one, "$patch": "delete"}
        elif dice.random() < 0.2:
            item["resources"] = {"$patch": "replace", **resources(dice)}
        elif dice.random() < 0.2:
            item["resources"] = {"limits": {"cpu": None}}
        items.append(item)
    body = workload(dice, name, 0)
    body["metadata"] = {"name": name}
    body["spec"]["template"]["spec"]["containers"] = items
    return body


def operations(dice: random.Random) -> list[dict[str, Any]]:
    at = "/spec/template/spec/containers"
    return [
        {"op": "add", "path": f"{at}/{dice.choice(['0', '-'])}", "value": {"name": f"extra{dice.randint(0, 10**6)}"}},
        {"op": "add", "path": f"{at}/0/resources", "value": resources(dice) or {"limits": {"memory": "1Mi"}}},
        {"op": "replace", "path": f"{at}/0/resources", "value": {"limits": {"memory": f"{dice.randint(1, 99)}Mi"}}},
        {"op": "add", "path": "/metadata/annotations", "value": {"a/b": "c"}},
    ][: dice.randint(2, 4)]


def target(dice: random.Random, name: str) -> dict[str, str]:
    return dice.choice(
        [
            {"kind": "Deployment", "name": name},
            {"kind": "Deployment"},
            {"name": f"{name[:-1]}.*"},
            {"labelSelector": "app=web"},
            {"labelSelector": "tier in (a)"},
            {"kind": "StatefulSet"},
            {"group": "apps", "version": "v1"},
        ]
    )


def layer(dice: random.Random, number: int) -> dict[str, Any]:
    made: dict[str, Any] = {"resources": ["web.yaml" if number == 0 else f"../{LAYERS[number - 1]}"]}
    if dice.random() < 0.5:
        made["namePrefix"] = f"{LAYERS[number][0]}-"
    if dice.random() < 0.3:
        made["nameSuffix"] = f"-{number}"
    if dice.random() < 0.5:
        made["namespace"] = f"n{number}"
    for _time in range(dice.randint(0, 2)):
        kind = dice.random()
        if kind < 0.4:
            made.setdefault("patches", []).append({"patch": yaml.safe_dump(merge_patch(dice, "web"))})
        elif kind < 0.6:
            patch = {"patch": yaml.safe_dump(merge_patch(dice, "other")), "target": target(dice, "web")}
            made.setdefault("patches", []).append(patch)
        elif kind < 0.8:
            patch = {"patch": yaml.safe_dump(operations(dice)), "target": target(dice, "web")}
            made.setdefault("patches", []).append(patch)
        elif kind < 0.9:
            made.setdefault("patchesStrategicMerge", []).append(yaml.safe_dump(merge_patch(dice, "web")))
        else:
            wanted = {"group": "apps", "version": "v1", "kind": "Deployment", "name": "web"}
            patch = {"patch": yaml.safe_dump(operations(dice)), "target": wanted}
            made.setdefault("patchesJson6902", []).append(patch)
    return made


@pytest.mark.parametrize("seed", range(40))
def test_a_random_build_agrees(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    files = {"base/web.yaml": yaml.safe_dump(workload(dice, "web", dice.randint(1, 3)))}
    for number, name in enumerate(LAYERS):
        files[f"{name}/kustomization.yaml"] = yaml.safe_dump(layer(dice, number))
    tree = write_tree(tmp_path, files)
    done = subprocess.run(
        [tool("kustomize"), "build", tmp_path / "top"], capture_output=True, text=True, check=False, timeout=60
    )
    tops, refusals = survey(tree).tops("base/web.yaml")
    if done.returncode != 0:
        # Kustomize refuses it (an index that is not there, say): nothing to agree on, and we say so or build less
        assert refusals or tops
        return
    expected = yaml.load(done.stdout, Loader=yaml.BaseLoader)
    (top,) = tops
    now = identity(top.built.body)
    assert (now.name, now.namespace or None) == (expected["metadata"]["name"], expected["metadata"].get("namespace"))
    ours = [(one["name"], numbers(one)) for _group, _index, one in containers(top.built.body)]
    theirs = [(one["name"], numbers(one)) for one in expected["spec"]["template"]["spec"].get("containers") or []]
    assert ours == theirs


def numbers(container: Any) -> dict[str, dict[str, str]]:
    found = container.get("resources") or {}
    return {field: dict(values) for field, values in found.items() if values}
