# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container images without a registry: the one static program of tools/workload in a one-layer archive."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from lab.place import CACHE
from lab.tools import tool

PAUSE = "lab.local/pause:1"
WORKLOAD = "lab.local/workload:1"


def archive() -> Path:
    """An archive for `ctr images import` with both names; made once per build of the program."""
    program = tool("workload")
    target = CACHE / "images" / f"{program.parent.name}.tar"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".new")
        partial.write_bytes(images(program.read_bytes(), [PAUSE, WORKLOAD]))
        partial.replace(target)
    return target


def images(program: bytes, names: list[str]) -> bytes:
    """One image per name. The label keeps them apart: the runtime shows one name per image."""
    layer = _tar({"workload": (program, 0o755)})
    diff = hashlib.sha256(layer).hexdigest()
    files = {f"{diff}/layer.tar": (layer, 0o644)}
    manifest = []
    for name in names:
        configuration = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Entrypoint": ["/workload"], "Labels": {"name": name}},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}"]},
            }
        ).encode()
        path = hashlib.sha256(configuration).hexdigest() + ".json"
        files[path] = (configuration, 0o644)
        manifest.append({"Config": path, "RepoTags": [name], "Layers": [f"{diff}/layer.tar"]})
    files["manifest.json"] = (json.dumps(manifest).encode(), 0o644)
    return _tar(files)


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, (content, mode) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
