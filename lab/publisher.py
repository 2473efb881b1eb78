# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for Flux's source-controller: publishes the newest commit of each GitRepository as an artifact.

source-controller cannot be built where the lab runs. This program does the part of its work that kustomize-controller
sees: it looks at the branch every second (whatever `interval` says), serves `git archive` of a new commit over HTTP
inside the lab and writes `status.artifact` and the Ready condition. Run by lab/gitops.py as a process of the lab.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import urllib3
from kubernetes import client, config

GROUP, VERSION, PLURAL = "source.toolkit.fluxcd.io", "v1", "gitrepositories"
PORT = 9790


def git(*words: str | Path, cwd: Path | None = None) -> bytes:
    command = ["git", *[str(word) for word in words]]
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(command, cwd=cwd, capture_output=True, timeout=60, check=False, env=env)
    if done.returncode:
        raise OSError(done.stderr.decode(errors="replace").strip()[-500:])
    return done.stdout


def with_credentials(url: str, secret: Mapping[str, Any]) -> str:
    """Git gets the address with user and password; the record and its messages keep the one without."""
    parts = urlsplit(url)
    if "username" not in secret:
        return url
    user, password = (quote(base64.b64decode(secret[key]).decode(), safe="") for key in ("username", "password"))
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc}"))


class Publisher:
    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        self.records = client.CustomObjectsApi()
        self.core = client.CoreV1Api()

    def look(self) -> None:
        listed: Any = self.records.list_cluster_custom_object(GROUP, VERSION, PLURAL)
        for record in listed["items"]:
            if record["spec"].get("suspend"):
                continue
            url = self.url(record)
            try:
                status = self.publish(record, url)
            except (OSError, subprocess.TimeoutExpired) as error:
                why = str(error).replace(url, record["spec"]["url"])[:500]
                status = {"conditions": [condition(record, "False", "GitOperationFailed", why)]}
            if status and differs(record.get("status", {}), status):
                self.write(record, status)

    def publish(self, record: dict[str, Any], url: str) -> dict[str, Any] | None:
        """The new status, or None where the published artifact is the branch's newest commit already."""
        meta, spec, known = record["metadata"], record["spec"], record.get("status", {})
        branch = spec.get("ref", {}).get("branch", "master")
        answer = git("ls-remote", url, f"refs/heads/{branch}").decode().split()
        if not answer:
            raise OSError(f"{spec['url']} has no branch {branch}")
        commit, revision = answer[0], f"{branch}@sha1:{answer[0]}"
        same = known.get("artifact", {}).get("revision") == revision
        if same and known.get("observedGeneration") == meta["generation"] and is_ready(known):
            return None
        path = Path(meta["namespace"]) / meta["name"] / f"{commit}.tar.gz"
        archive = self.archive(url, branch, commit, path)
        artifact = {
            "revision": revision,
            "path": str(path),
            "url": f"{self.address}/{path}",
            "digest": f"sha256:{hashlib.sha256(archive).hexdigest()}",
            "size": len(archive),
            "lastUpdateTime": now(),
        }
        stored = condition(record, "True", "Succeeded", f"stored artifact for revision '{revision}'")
        return {"artifact": artifact, "conditions": [stored, {**stored, "type": "ArtifactInStorage"}]}

    def url(self, record: dict[str, Any]) -> str:
        reference = record["spec"].get("secretRef")
        if not reference:
            return str(record["spec"]["url"])
        secret = self.core.read_namespaced_secret(reference["name"], record["metadata"]["namespace"])
        return with_credentials(record["spec"]["url"], secret.data or {})

    def archive(self, url: str, branch: str, commit: str, path: Path) -> bytes:
        target = self.folder / "artifacts" / path
        mirror = self.folder / "mirrors" / path.parent
        if not (mirror / "HEAD").exists():
            git("init", "--quiet", "--bare", mirror)
        git("fetch", "--quiet", "--depth=1", url, f"refs/heads/{branch}", cwd=mirror)
        archive = git("archive", "--format=tar.gz", commit, cwd=mirror)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".new")
        partial.write_bytes(archive)
        partial.replace(target)
        return archive

    def write(self, record: dict[str, Any], status: dict[str, Any]) -> None:
        meta = record["metadata"]
        body = {"status": {"observedGeneration": meta["generation"], **status}}
        name = (meta["namespace"], PLURAL, meta["name"])
        self.records.patch_namespaced_custom_object_status(GROUP, VERSION, *name, body)


def condition(record: dict[str, Any], status: str, reason: str, message: str) -> dict[str, Any]:
    return {
        "type": "Ready",
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": now(),
        "observedGeneration": record["metadata"]["generation"],
    }


def differs(known: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether more than a time has changed."""

    def said(status: dict[str, Any]) -> list[tuple[str, str, str, int]]:
        conditions = status.get("conditions", [])
        return [(c["type"], c["status"], c["message"], c.get("observedGeneration", 0)) for c in conditions]

    return said(known) != said(new) or ("artifact" in new and known.get("artifact", {}) != new["artifact"])


def is_ready(status: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def main(folder: Path, kubeconfig: str, host: str) -> None:
    config.load_kube_config(kubeconfig)
    (folder / "artifacts").mkdir(parents=True, exist_ok=True)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder / "artifacts"))
    server = http.server.ThreadingHTTPServer((host, PORT), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    publisher = Publisher(folder, f"http://{host}:{PORT}")
    while True:
        try:
            publisher.look()
        except (client.ApiException, urllib3.exceptions.HTTPError) as error:  # the API server is away: it will be back
            print(f"publisher: {error}", file=sys.stderr, flush=True)
        time.sleep(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
