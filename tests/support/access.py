# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The least rights that the role's own files/rights.yml give, as a kubeconfig of a service account in a lab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from lab.control_plane import kubectl
from lab.place import Lab

ROOT = Path(__file__).parent.parent.parent
RIGHTS = ROOT / "collections/ansible_collections/platform/ops/roles/limit_bump/files/rights.yml"
NAMESPACE, ACCOUNT = "platform-ops", "limit-bump"


def least_rights(lab: Lab, folder: Path) -> Path:
    """Create the account with these rights and nothing else; return its kubeconfig."""
    roles = [item["metadata"]["name"] for item in yaml.safe_load(RIGHTS.read_text())["items"]]
    kubectl(lab, "apply", "-f", RIGHTS)
    meta = {"name": ACCOUNT, "namespace": NAMESPACE}
    items: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        *(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": role},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "ServiceAccount", **meta}],
            }
            for role in roles
        ),
    ]
    kubectl(lab, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    token = kubectl(lab, "-n", NAMESPACE, "create", "token", ACCOUNT, "--duration=2h").strip()
    config = yaml.safe_load((lab.folder / "super-admin.conf").read_text())
    config["users"] = [{"name": ACCOUNT, "user": {"token": token}}]
    config["contexts"] = [
        {"name": ACCOUNT, "context": {"cluster": config["clusters"][0]["name"], "user": ACCOUNT}},
    ]
    config["current-context"] = ACCOUNT
    path = folder / "least.conf"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    return path


def may_read_secret(lab: Lab, name: str, **content: str) -> dict[str, str]:
    """A Secret that the account may read, and this one only; returns how an entry of the role names it."""
    meta = {"name": name, "namespace": NAMESPACE}
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [name], "verbs": ["get"]}
    group = "rbac.authorization.k8s.io"
    items: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": content},
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": meta, "rules": [rule]},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": meta,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
        },
    ]
    kubectl(lab, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return {"namespace": NAMESPACE, "name": name}
