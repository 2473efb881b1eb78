# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container images without a registry: built programs in one-layer archives for `ctr images import`.

What kubeadm runs has the names that `kubeadm config images list` prints, under `lab.local`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lab.place import CACHE
from lab.rootfs import rootfs
from lab.shell import run
from lab.tools import tool

REGISTRY = "lab.local"
PAUSE = f"{REGISTRY}/pause:1"
WORKLOAD = f"{REGISTRY}/workload:1"
# What a machine can run: the lab's own workload; besides, what kubeadm runs on a node; or on a control-plane node.
SETS: dict[str, tuple[str, ...]] = {
    "workload": (),
    "node": ("pause", "kube-proxy"),
    "control-plane": ("pause", "kube-proxy", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
}
# kube-proxy writes its rules with this program.
PROXY_NEEDS = "usr/sbin/nft"


@dataclass(frozen=True, slots=True)
class Image:
    name: str
    files: dict[str, Path | bytes]  # path in the image, and where the content is
    entrypoint: str


def archives(contents: str) -> list[Path]:
    return [archive(), *map(_part_archive, SETS[contents])]


def archive() -> Path:
    """The lab's own program under both names; made once per build of it."""
    program = tool("workload")
    target = CACHE / "images" / f"{program.parent.name}.tar"
    return _once(target, [Image(name, {"workload": program}, "/workload") for name in (PAUSE, WORKLOAD)])


def _part_archive(part: str) -> Path:
    program = tool("workload" if part == "pause" else part)
    files: dict[str, Path | bytes] = {f"usr/local/bin/{part}": program}
    built = program.parent.name
    if part == "kube-proxy":
        root = rootfs()
        files |= {path: root / path for path in (PROXY_NEEDS, *_libraries(root, PROXY_NEEDS))}
        built += f"-{root.name}"
    target = CACHE / "images" / f"{part}-of-{built}.tar"
    return _once(target, [Image(_name_of(part), files, f"/usr/local/bin/{part}")])


def _name_of(part: str) -> str:
    return next(name for name in _kubeadm_images() if re.search(rf"/{part}:", name))


@cache
def _kubeadm_images() -> list[str]:
    version = run([tool("kubeadm"), "version", "-o", "short"]).strip()
    listed = ("config", "images", "list", "--kubernetes-version", version, "--image-repository", REGISTRY)
    return run([tool("kubeadm"), *listed]).split()


def _libraries(root: Path, program: str) -> list[str]:
    """The shared libraries of a program of the machines' file system, by the paths that its loader looks at."""
    said = run(["chroot", root, "ldd", f"/{program}"])
    return [path.lstrip("/") for path in re.findall(r"(/\S+) \(0x", said)]


def _once(target: Path, images: Sequence[Image]) -> Path:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(f".{os.getpid()}")
        partial.write_bytes(pack(images))
        partial.replace(target)
    return target


def pack(images: Sequence[Image]) -> bytes:
    """The label keeps images with the same content apart: the runtime shows one name per image."""
    files = {}
    manifest = []
    for image in images:
        layer = _tar({path: (_content(source), 0o755) for path, source in image.files.items()})
        diff = hashlib.sha256(layer).hexdigest()
        files[f"{diff}/layer.tar"] = (layer, 0o644)
        configuration = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {
                    "Entrypoint": [image.entrypoint],
                    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"],
                    "Labels": {"name": image.name},
                },
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}"]},
            }
        ).encode()
        path = hashlib.sha256(configuration).hexdigest() + ".json"
        files[path] = (configuration, 0o644)
        manifest.append({"Config": path, "RepoTags": [image.name], "Layers": [f"{diff}/layer.tar"]})
    files["manifest.json"] = (json.dumps(manifest).encode(), 0o644)
    return _tar(files)


def _content(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, (content, mode) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
