# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Image archives from folders, byte for byte the same for the same files, for `ctr images import` and the like."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

BLOCK = 1 << 20
# The same for every file, whenever it was made. Not 0: some tools take the year 1970 for a mistake.
TIME = 1_600_000_000


@dataclass(frozen=True, slots=True)
class Layer:
    """A tar file and the hash of its bytes, which is the layer's name."""

    path: Path
    digest: str


def pack(root: Path, target: Path) -> Layer:
    """A layer of all that is under `root`, owned by root, in a fixed order and with a fixed time."""
    partial = target.with_suffix(".new")
    with partial.open("wb") as out, tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(root.rglob("*")):
            _add(tar, path, str(path.relative_to(root)))
    partial.replace(target)
    return Layer(target, digest_of(target))


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    info = tar.gettarinfo(str(path), name)
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = TIME
    info.pax_headers = {}
    if info.islnk():  # hard links are an accident of where the files came from
        info.type, info.linkname, info.size = tarfile.REGTYPE, "", path.stat().st_size
    if info.isreg():
        with path.open("rb") as content:
            tar.addfile(info, content)
    elif info.isdir() or info.issym():
        tar.addfile(info)


def digest_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while block := content.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def configuration(layers: Sequence[Layer], config: Mapping[str, Any]) -> bytes:
    return json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "2020-09-13T12:26:40Z",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in layers]},
        },
        sort_keys=True,
    ).encode()


def write_archive(target: Path, name: str, layers: Sequence[Layer], config: Mapping[str, Any]) -> None:
    content = configuration(layers, config)
    path = hashlib.sha256(content).hexdigest() + ".json"
    manifest = [{"Config": path, "RepoTags": [name], "Layers": [f"{layer.digest}/layer.tar" for layer in layers]}]
    partial = target.with_suffix(".new")
    with partial.open("wb") as out, tarfile.open(fileobj=out, mode="w") as tar:
        _write(tar, path, io.BytesIO(content), len(content))
        for layer in layers:
            with layer.path.open("rb") as data:
                _write(tar, f"{layer.digest}/layer.tar", data, layer.path.stat().st_size)
        text = json.dumps(manifest).encode()
        _write(tar, "manifest.json", io.BytesIO(text), len(text))
    partial.replace(target)


def _write(tar: tarfile.TarFile, name: str, data: IO[bytes], size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, TIME, 0o644
    tar.addfile(info, data)
