# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask the API server itself: would it admit the new pod? Nothing is created."""

from __future__ import annotations

from ansible_collections.platform.ops.plugins.module_utils._errors import AuthError, InputError, OpsError
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Json, Reason, Verdict, passed, refused

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def dry_run(api: Api, namespace: str, metadata: Json, spec: Json) -> Verdict:
    """
    Args:
        metadata: that of the workload's template, whose labels and annotations webhooks look at.
        spec: the pod spec that people write, with the new numbers and what the workload's controller adds.
    """
    if not _may_create_pods(api, namespace):
        return passed("Server-side dry run: not made, this account may not create pods here")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "platform-ops-dry-run-",
            "namespace": namespace,
            "labels": metadata.get("labels") or {},
            "annotations": metadata.get("annotations") or {},
        },
        "spec": spec,
    }
    try:
        api.create(f"{_paths.within(_paths.PODS, namespace)}?dryRun=All", pod)
    except AuthError as error:  # the right is there, so it was admission that refused
        return refused(Reason.DRY_RUN, f"The API server would not admit the new pod: {_said(error)}")
    except InputError as error:
        if error.reason == "invalid":
            return refused(Reason.DRY_RUN, f"The API server would not take the new pod: {_said(error)}")
        # 400: a webhook that does not support dry runs
        return passed("Server-side dry run: the API server could not make it")
    return passed("Server-side dry run: the API server would admit the new pod")


def _may_create_pods(api: Api, namespace: str) -> bool:
    asked = {"namespace": namespace, "verb": "create", "resource": "pods"}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    return bool((api.create(REVIEWS, review).get("status") or {}).get("allowed"))


def _said(error: OpsError) -> str:
    return error.message.partition("the API server answered ")[2] or error.message
