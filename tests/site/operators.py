# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for operators on a cluster whose pods are simulated: CA bundles of webhooks, status of their kinds.

    python -m tests.site.operators KUBECONFIG

Runs until it is ended. Webhooks get a CA bundle and fail open after a second, since nobody answers them.
"""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Connection, KubeApi, connect

Json = dict[str, Any]
WEBHOOKS = (
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
)
CA = base64.b64encode(
    b"-----BEGIN CERTIFICATE-----\nMIIBhTCCASugAwIBAgIQIRi6zePL6mKjOipn+dNuaTAKBggqhkjOPQQDAjASMRAw\n"
    b"DgYDVQQKEwdBY21lIENvMB4XDTE3MTAyMDE5NDMwNloXDTE4MTAyMDE5NDMwNlow\nEjEQMA4GA1UEChMHQWNtZSBDbzBZMBMGByqGSM49AgEG"
    b"CCqGSM49AwEHA0IABD0d\n7VNhbWvZLWPuj/RtHFjvtJBEwOkhbN/BnnE8rnZR8+sbwnc/KhCk3FhnpHZnQz7B\n5aETbbIgmuvewdjvSBSjYzBh"
    b"MA4GA1UdDwEB/wQEAwICpDATBgNVHSUEDDAKBggr\nBgEFBQcDATAPBgNVHRMBAf8EBTADAQH/MCkGA1UdEQQiMCCCDmxvY2FsaG9zdDo1\nNDUzgg4x"
    b"MjcuMC4wLjE6NTQ1MzAKBggqhkjOPQQDAgNIADBFAiEA2zpJEPQyz6/l\nWf86aX6PepsntZv2GYlA5UpabfT2EZICICpJ5h/iI+i341gBmLiAFQOy"
    b"TDT+/wQc\n6MF9+Yw1Yy0t\n-----END CERTIFICATE-----\n"
).decode()


def available(_: Json) -> Json:
    return {"conditions": [{"type": "Available", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}


def elastic(_: Json) -> Json:
    return {"phase": "Ready", "health": "green"}


def kibana(_: Json) -> Json:
    return {"health": "green"}


def ready(_: Json) -> Json:
    return {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}


def canary(_: Json) -> Json:
    return {"phase": "Initialized", "canaryWeight": 0, "failedChecks": 0, "iterations": 0}


def programmed(_: Json) -> Json:
    return {
        "conditions": [
            {
                "type": "Programmed",
                "status": "True",
                "reason": "Programmed",
                "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ]
    }


STATUS: dict[str, Callable[[Json], Json]] = {
    "/apis/monitoring.coreos.com/v1/prometheuses": available,
    "/apis/monitoring.coreos.com/v1/alertmanagers": available,
    "/apis/elasticsearch.k8s.elastic.co/v1/elasticsearches": elastic,
    "/apis/kibana.k8s.elastic.co/v1/kibanas": kibana,
    "/apis/cert-manager.io/v1/certificates": ready,
    "/apis/cert-manager.io/v1/clusterissuers": ready,
    "/apis/flagger.app/v1beta1/canaries": canary,
    "/apis/gateway.networking.k8s.io/v1/gateways": programmed,
}


def fill_webhooks(api: KubeApi, path: str) -> None:
    """Whenever an upgrade has written them anew as well. Nobody answers them, so a second is enough to wait."""
    for configuration in api.items(path):
        hooks = configuration.get("webhooks") or []
        called = [hook for hook in hooks if hook["clientConfig"].get("service")]
        known = {"failurePolicy": "Ignore", "timeoutSeconds": 1}
        if all(hook["clientConfig"].get("caBundle") and hook.items() >= known.items() for hook in called):
            continue
        for hook in called:
            hook["clientConfig"]["caBundle"] = hook["clientConfig"].get("caBundle") or CA
            hook.update(known)
        api.patch(f"{path}/{configuration['metadata']['name']}", {"webhooks": hooks})


def fill_status(api: KubeApi, path: str, status: Callable[[Json], Json]) -> None:
    base, _, plural = path.rpartition("/")
    for thing in api.items(path):
        metadata = thing["metadata"]
        if (
            thing.get("status", {}).get("conditions")
            or thing.get("status", {}).get("phase")
            or "health" in thing.get("status", {})
        ):
            continue
        scope = f"/namespaces/{metadata['namespace']}" if metadata.get("namespace") else ""
        where = f"{base}{scope}/{plural}/{metadata['name']}"
        served = api.get(base)["resources"]
        sub = "/status" if any(entry["name"] == f"{plural}/status" for entry in served) else ""
        api.patch(where + sub, {"status": status(thing)})


def simulate_once(api: KubeApi) -> None:
    for path in WEBHOOKS:
        fill_webhooks(api, path)
    for path, status in STATUS.items():
        try:
            fill_status(api, path, status)
        except OpsError as error:
            if error.reason not in ("not_found", "conflict"):
                print(f"{path}: {error.message}", file=sys.stderr)


def main(kubeconfig: str) -> None:
    api = connect(Connection(kubeconfig=kubeconfig))
    while True:
        simulate_once(api)
        time.sleep(0.5)


if __name__ == "__main__":
    main(sys.argv[1])
