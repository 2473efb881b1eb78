# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run OpenTofu (or Terraform) for one machine: its own root module, its own state, no secret on the command line."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, OpsError, UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.machines._answer import (
    Answer,
    failed,
    pending,
    without,
    words,
)
from ansible_collections.platform.ops.plugins.module_utils.machines._tofu_root import (
    Root,
    Said,
    addresses,
    is_path,
    lock_of,
    missing,
    said,
)

# Read by OpenTofu itself; what an operator exported for his own work must not leak into ours, or ours into a log.
_NOT_OURS = ("TF_LOG", "TF_CLI_ARGS", "TF_WORKSPACE", "TF_DATA_DIR", "TF_VAR_", "TF_INPUT")
_PR_SET_PDEATHSIG = 1
GRACE = 20.0


@dataclass(frozen=True, slots=True)
class Settings:
    binary: str = "tofu"
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 240.0
    lock_stale_after: float = 900.0


@dataclass(frozen=True, slots=True)
class Output:
    code: int
    text: str  # of stdout
    errors: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def _end_with_parent() -> None:
    """A killed parent takes OpenTofu along, by the signal on which it ends what it began and saves its state."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


class Tofu:
    """One folder in which OpenTofu runs; gone with all in it afterwards."""

    def __init__(self, settings: Settings, root: Root, folder: Path, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._root = root
        self._folder = folder
        self._clock = clock
        self._ends = clock() + settings.timeout
        self._secrets = [*words(dict(root.secrets)), *words(dict(settings.environment))]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
        self._environment = {
            **kept,
            **settings.environment,
            **{f"TF_VAR_{name}": value for name, value in root.secrets.items()},
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
        }

    def run(self, *arguments: str, folder: Path | None = None) -> Output:
        binary = shutil.which(self._settings.binary)
        if binary is None:
            raise InputError(f"{self._settings.binary} is not here; install OpenTofu or Terraform, or name the binary.")
        left = self._ends - self._clock()
        if left <= 0:
            raise UnavailableError(self._late(arguments))
        # Files, not pipes: an OpenTofu whose parent was killed would die of the broken pipe, its state unsaved.
        with tempfile.TemporaryFile("w+") as told, tempfile.TemporaryFile("w+") as errors:
            # run_command cannot end OpenTofu with its parent, nor stop it in time.
            # pylint: disable-next=ansible-bad-function
            process = subprocess.Popen(
                [binary, *arguments],
                cwd=folder or self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=errors,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 Ansible's workers have one thread
            )
            try:
                process.wait(timeout=left)
            except subprocess.TimeoutExpired as error:
                self._interrupt(process)
                raise UnavailableError(self._late(arguments)) from error
            told.seek(0)
            errors.seek(0)
            return Output(
                process.returncode, without(told.read(), self._secrets), without(errors.read(), self._secrets)
            )

    def _interrupt(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _late(self, arguments: tuple[str, ...]) -> str:
        what = f"{self._settings.binary} {arguments[0]}"
        return (
            f"{what} did not end within {self._settings.timeout:.0f} s and was stopped; the next run goes on from its "
            "state. If machines take longer, raise timeout and the pool's Lease."
        )

    def must(self, *arguments: str, folder: Path | None = None) -> str:
        output = self.run(*arguments, "-no-color", folder=folder)
        if output.code != 0:
            message = " ".join((output.errors or output.text).replace("╷", "").replace("│", "").split())
            if lock_of(message) is not None:
                raise UnavailableError(f"Machine {self._root.name} is being worked on by another run: {message[:600]}")
            raise OpsError(f"Failed to {arguments[0]} for machine {self._root.name}: {message[-600:]}")
        return output.text

    # one machine

    def prepare(self) -> None:
        self._root.check()
        (self._folder / "main.tf.json").write_text(json.dumps(self._root.document(self._folder)))
        (self._folder / "terraform.tfvars.json").write_text(json.dumps(self._root.values()))
        pinned = Path(self._root.source) / ".terraform.lock.hcl"
        if is_path(self._root.source) and pinned.is_file():
            shutil.copyfile(pinned, self._folder / pinned.name)
        self.must("init")
        self.must("workspace", "select", "-or-create=true", self._root.workspace)

    def resources(self) -> list[str]:
        """Addresses in the state, data sources left out."""
        return addresses((self._read("show", "-json").get("values") or {}).get("root_module") or {})

    def found(self) -> dict[str, str]:
        """What exists under the machine's name, by the module's own look: address -> id."""
        if not is_path(self._root.source) or not (Path(self._root.source) / "lookup").is_dir():
            return {}
        with tempfile.TemporaryDirectory(prefix="platform-ops-lookup-") as name:
            folder = Path(name)
            (folder / "main.tf.json").write_text(json.dumps(self._root.lookup(folder)))
            values = {"name": self._root.name, "pool": self._root.pool, "variables": dict(self._root.variables)}
            (folder / "terraform.tfvars.json").write_text(json.dumps(values))
            self.must("init", folder=folder)
            self.must("apply", "-auto-approve", folder=folder)
            return dict(self._read("output", "-json", folder=folder)["found"]["value"])

    def adopt(self, *, dry: bool) -> list[str]:
        """Take into the state what a killed run made and could not write down any more."""
        lost = missing(self.found(), self.resources())
        if not dry:
            for address, identity in lost.items():
                self.must("import", address, identity)
        return [f"import {address}" for address in lost]

    def plan(self, *more: str) -> Said:
        return self._json("plan", *more, planned=True)

    def apply(self, *more: str) -> Said:
        return self._json("apply", "-auto-approve", *more, planned=False)

    def _json(self, *arguments: str, planned: bool) -> Said:
        output = self.run(*arguments, "-json")
        told = said(output.lines, planned=planned)
        lock = lock_of(told.message)
        if lock is not None:
            self._unlock(lock.id, lock.created, told.message)
            output = self.run(*arguments, "-json")
            told = said(output.lines, planned=planned)
        if output.code != 0 or told.errors:
            message = told.message or output.errors or f"{self._settings.binary} ended with {output.code}"
            raise OpsError(f"Failed to {arguments[0]} machine {self._root.name}: {message[:1500]}", reason="tofu")
        return told

    def _unlock(self, identity: str, created: datetime | None, message: str) -> None:
        """A lock that is older than any run of ours can be is that of a run that was killed with its host."""
        age = datetime.now(UTC).timestamp() - created.timestamp() if created else 0.0
        if not identity or age < self._settings.lock_stale_after:
            raise UnavailableError(f"Machine {self._root.name} is being worked on by another run: {message[:600]}")
        self.must("force-unlock", "-force", identity)

    def outputs(self) -> dict[str, Any]:
        return dict(self._read("output", "-json")["machine"]["value"])

    def _read(self, *arguments: str, folder: Path | None = None) -> dict[str, Any]:
        text = self.must(*arguments, folder=folder)
        return dict(json.loads(text[text.index("{") :]))  # warnings about the operator's configuration stand before it

    def forget(self) -> None:
        self.must("workspace", "select", "default")
        self.must("workspace", "delete", self._root.workspace)


@contextmanager
def _workshop(settings: Settings, root: Root, clock: Callable[[], float]) -> Iterator[Tofu]:
    with tempfile.TemporaryDirectory(prefix="platform-ops-tofu-") as name:  # only its owner may look into it
        yield Tofu(settings, root, Path(name), clock)


def serve(
    settings: Settings, root: Root, *, absent: bool, dry: bool, clock: Callable[[], float] = time.monotonic
) -> dict[str, Any]:
    changes: list[str] = []
    try:
        with _workshop(settings, root, clock) as tofu:
            tofu.prepare()
            changes += tofu.adopt(dry=dry)
            answer = _remove(tofu, root, changes, dry=dry) if absent else _add(tofu, root, changes, dry=dry)
    except UnavailableError as error:
        answer = pending(error.message)
    except OpsError as error:
        answer = failed(error.message)
    return answer.result(changed=bool(changes), changes=changes)


def _add(tofu: Tofu, root: Root, changes: list[str], *, dry: bool) -> Answer:
    if dry:
        changes += tofu.plan().changes
        return pending("it would be made") if changes else Answer("done")
    changes += tofu.apply().changes
    told = tofu.outputs()
    return Answer(
        "done",
        provider_id=str(told.get("provider_id") or f"tofu:///{root.name}"),
        name=str(told.get("node_name") or ""),
        address=str(told.get("address") or ""),
    )


def _remove(tofu: Tofu, root: Root, changes: list[str], *, dry: bool) -> Answer:
    if dry:
        if tofu.resources():
            changes += tofu.plan("-destroy").changes
        return pending("it would be destroyed") if changes else Answer("done")
    if tofu.resources():
        changes += tofu.apply("-destroy").changes
        # A resource whose making was interrupted is taken out of the state without what its destruction runs.
        if adopted := tofu.adopt(dry=False):
            changes += [*adopted, *tofu.apply("-destroy").changes]
    left, found = tofu.resources(), tofu.found()
    if left or found:
        names = ", ".join([*left, *(f"{address} {identity}" for address, identity in found.items())])
        return failed(f"Machine {root.name} was destroyed, but is still there: {names}")
    tofu.forget()
    return Answer("done")
