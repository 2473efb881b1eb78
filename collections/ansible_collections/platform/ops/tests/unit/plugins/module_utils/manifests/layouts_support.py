# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small trees written in tests, edited at a site, and built by the real tools to see what changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils.manifests._edit import Edit, edit
from ansible_collections.platform.ops.plugins.module_utils.manifests._numbers import held
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import FoundSites, Number, Site
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree

ROOT = next(folder for folder in Path(__file__).parents if (folder / "scripts" / "setup").exists())


def write_tree(root: Path, files: Mapping[str, str]) -> Tree:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(textwrap.dedent(text).lstrip("\n"))
    return Tree(root)


def deployment(name: str = "web", memory: str = "256Mi", namespace: str = "", container: str = "server") -> str:
    where = f", namespace: {namespace}" if namespace else ""
    return textwrap.dedent(f"""\
        apiVersion: apps/v1
        kind: Deployment
        metadata: {{name: {name}{where}, labels: {{app: {name}}}}}
        spec:
          selector: {{matchLabels: {{app: {name}}}}}
          template:
            metadata: {{labels: {{app: {name}}}}}
            spec:
              containers:
                - name: {container}
                  image: registry.example/{name}:1
                  resources:
                    requests: {{cpu: 100m, memory: 128Mi}}
                    limits:
                      memory: {memory}
        """)


def chosen(tree: Tree, found: FoundSites, number: Number, container: str = "server") -> Site:
    """The site at which the number will be written."""
    sites = [site for site in found.sites if site.container == container]
    assert sites, found.refusals
    place = held(tree, sites, number)
    assert place is not None
    return place.site


def write_number(root: Path, site: Site, value: str, number: Number = ("limits", "memory")) -> None:
    def read(path: str) -> bytes | None:
        return (root / path).read_bytes() if (root / path).exists() else None

    for path, data in (site.scaffold(read) if site.scaffold else {}).items():
        (root / path).write_bytes(data)
    path = site.leaf.get(number) or (*site.resources, *number)
    one = Edit(path, value, site.document, site.outer, site.inner_document)
    (root / site.file).write_bytes(edit((root / site.file).read_bytes(), site.file, [one]).data)


def tool(name: str) -> str:
    """The path of a tool of the project, from PATH or built once by scripts/tool."""
    found = os.environ.get(f"PLATFORM_OPS_{name.upper()}") or shutil.which(name)
    if found:
        return found
    made = subprocess.run([ROOT / "scripts" / "tool", name], capture_output=True, text=True, check=False, timeout=280)
    if made.returncode != 0:
        pytest.skip(f"{name} is not here and could not be built: {made.stderr[-300:]}")
    return made.stdout.strip()


def kustomize_build(folder: Path) -> dict[tuple[Any, ...], Any]:
    done = subprocess.run(
        [tool("kustomize"), "build", "--load-restrictor", "LoadRestrictionsNone", folder],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return leaves_of(done.stdout)


def leaves_of(text: str) -> dict[tuple[Any, ...], Any]:
    """Every scalar of a rendered stream by object and path."""
    made: dict[tuple[Any, ...], Any] = {}
    for document in yaml.load_all(text, Loader=yaml.BaseLoader):
        if document:
            made.update(leaves_of_object(document))
    return made


def leaves_of_object(body: Mapping[str, Any], above: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    metadata = body.get("metadata", {})
    return _walk(body, (*above, body["kind"], metadata.get("namespace"), metadata["name"]))


def _walk(value: Any, path: tuple[Any, ...]) -> dict[tuple[Any, ...], Any]:
    if isinstance(value, dict):
        return {key: leaf for name, item in value.items() for key, leaf in _walk(item, (*path, name)).items()}
    if isinstance(value, list):
        return {key: leaf for number, item in enumerate(value) for key, leaf in _walk(item, (*path, number)).items()}
    return {path: value}


def changed(before: Mapping[tuple[Any, ...], Any], after: Mapping[tuple[Any, ...], Any]) -> dict[tuple[Any, ...], Any]:
    """What differs, as path -> new value (None where it is gone)."""
    return {key: after.get(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
