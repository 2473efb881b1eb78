# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which workload a pod belongs to, told from the pod's name alone.

Owner references are the truth and are used where a cluster can be asked. Without one the name is all there is: the
controllers build it from the owner's name and a suffix from a fixed alphabet, so the likeliest owner can be read back.
Whether that owner exists is then told by the repository: a wrong guess finds no manifest and changes nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# k8s.io/apimachinery/pkg/util/rand: no vowels and no digits that look like them, so that no words appear
_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
# Deployment controller: <name>-<pod template hash>-<5 random>; the hash is a uint32 in the same alphabet
_REPLICA_SET_POD = re.compile(rf"(?P<owner>.+)-{_RANDOM}{{1,10}}-{_RANDOM}{{5}}")
# CronJob controller: <name>-<scheduled time in minutes since 1970>, and its Job adds 5 random
_CRON_JOB_POD = re.compile(rf"(?P<owner>.+)-[0-9]{{8}}-{_RANDOM}{{5}}")
# StatefulSet controller: <name>-<ordinal>
_STATEFUL_SET_POD = re.compile(r"(?P<owner>.+)-(?:0|[1-9][0-9]*)")
# DaemonSet, Job, ReplicaSet, ReplicationController: <name>-<5 random>
_PLAIN_POD = re.compile(rf"(?P<owner>.+)-{_RANDOM}{{5}}")


class Owner(NamedTuple):
    kind: str | None  # None: Deployments and Rollouts, and DaemonSets and Jobs, name their pods alike
    name: str


def owner_by_name(pod: str) -> Owner:
    """The likeliest owner of a pod of this name; the pod itself when no controller would have made such a name."""
    if match := _CRON_JOB_POD.fullmatch(pod):
        return Owner("CronJob", match["owner"])
    if match := _REPLICA_SET_POD.fullmatch(pod) or _PLAIN_POD.fullmatch(pod):
        return Owner(None, match["owner"])
    if match := _STATEFUL_SET_POD.fullmatch(pod):
        return Owner("StatefulSet", match["owner"])
    return Owner("Pod", pod)
