# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fresh, short-lived bootstrap token per node. It lives in the cluster alone and is deleted after joining."""

from __future__ import annotations

import base64
import hashlib
import secrets
import string
from dataclasses import dataclass, field

from ansible_collections.platform.ops.plugins.module_utils._errors import (
    ConflictError,
    NotFoundError,
    OpsError,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import seconds, timestamp
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api, Json

try:
    import yaml
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
except ImportError as error:
    CRYPTOGRAPHY_IMPORT_ERROR: ImportError | None = error
else:
    CRYPTOGRAPHY_IMPORT_ERROR = None

NAMESPACE = "kube-system"
LIFETIME = 900.0
# A token is replaced when less than this is left: the machine has to boot and join with it.
MARGIN = 120.0
_ALPHABET = string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True)
class Join:
    """What a machine needs to join the cluster."""

    endpoint: str
    ca_cert_hash: str
    token: str = field(repr=False)


def token_id(operation: str) -> str:
    """Always the same for one operation: whoever resumes it finds the token, and deletes it."""
    return hashlib.sha256(operation.encode()).hexdigest()[:6]


def _path(operation: str) -> str:
    return _paths.named(_paths.secrets(NAMESPACE), f"bootstrap-token-{token_id(operation)}")


def _read(api: Api, operation: str) -> Json | None:
    try:
        return api.get(_path(operation))
    except NotFoundError:
        return None


def _value(secret: Json, key: str) -> str:
    return base64.b64decode((secret.get("data") or {}).get(key, "")).decode()


def exists(api: Api, operation: str) -> bool:
    return _read(api, operation) is not None


def usable(api: Api, operation: str, now: float) -> bool:
    secret = _read(api, operation)
    return secret is not None and seconds(_value(secret, "expiration")) > now + MARGIN


def issue(api: Api, operation: str, node: str, now: float) -> None:
    """A token that is valid from now on; an older one of the same operation is replaced."""
    revoke(api, operation)
    identity = token_id(operation)
    values = {
        "description": f"platform.ops: node {node}, operation {operation}",
        "token-id": identity,
        "token-secret": "".join(secrets.choice(_ALPHABET) for _place in range(16)),
        "expiration": timestamp(float(int(now + LIFETIME))).replace(".000000", ""),
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
    }
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "bootstrap.kubernetes.io/token",
        "metadata": {"name": f"bootstrap-token-{identity}", "namespace": NAMESPACE},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }
    try:
        api.create(_paths.secrets(NAMESPACE), body)
    except ConflictError:
        return  # made meanwhile by a run that took over; looked at again


def revoke(api: Api, operation: str) -> None:
    try:
        api.delete(_path(operation))
    except NotFoundError:
        return


def join(api: Api, operation: str) -> Join:
    """Read by the machine's provider alone, right before it joins the machine."""
    secret = _read(api, operation)
    if secret is None:
        raise NotFoundError(f"Operation {operation} has no bootstrap token; run the tick again, it makes one.")
    endpoint, ca = cluster_info(api)
    return Join(endpoint, ca_cert_hash(ca), f"{_value(secret, 'token-id')}.{_value(secret, 'token-secret')}")


def cluster_info(api: Api) -> tuple[str, bytes]:
    """The API server's public address and CA, from where kubeadm publishes them."""
    info = api.get(_paths.config_map("kube-public", "cluster-info"))
    try:
        cluster = yaml.safe_load(info["data"]["kubeconfig"])["clusters"][0]["cluster"]
        endpoint = cluster["server"].removeprefix("https://")
        return endpoint, base64.b64decode(cluster["certificate-authority-data"])
    except (KeyError, IndexError, TypeError, ValueError, yaml.YAMLError) as error:
        raise OpsError(
            f"Failed to read ConfigMap kube-public/cluster-info: {error!r}; kubeadm makes it, "
            "'kubeadm init phase bootstrap-token' makes it again."
        ) from error


def ca_cert_hash(pem: bytes) -> str:
    """As `kubeadm join --discovery-token-ca-cert-hash` takes it: over the public key of the CA."""
    key = x509.load_pem_x509_certificate(pem).public_key()
    return "sha256:" + hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
