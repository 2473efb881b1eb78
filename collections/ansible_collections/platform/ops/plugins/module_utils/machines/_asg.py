# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One Auto Scaling group as a group of machines: marks are tags, on the group and on its instances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import (
    AuthError,
    InputError,
    NotFoundError,
    OpsError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.machines._answer import Answer, error_class, pending
from ansible_collections.platform.ops.plugins.module_utils.machines._group import (
    NOBODY,
    Claim,
    Coming,
    Forget,
    Group,
    Member,
    Note,
    Present,
    Resize,
    Take,
    TakeOver,
    Write,
)

try:
    import boto3
    import botocore.config
    import botocore.exceptions
except ImportError as error:
    BOTO3_IMPORT_ERROR: ImportError | None = error
else:
    BOTO3_IMPORT_ERROR = None

OPERATION = "platform.ops/operation"  # on an instance
POOL = "platform.ops/pool"  # on the group
NOTED = "platform.ops/noted/"  # on the group; the operation follows, the value is when
STAYING = ("Pending", "InService")  # and their sub-states, like Pending:Wait
ENDED = ("Successful", "Failed", "Cancelled")
REFUSED = ("AccessDenied", "UnauthorizedOperation", "AuthFailure", "ExpiredToken", "InvalidClientTokenId")
LATER = (
    "Throttling",
    "ScalingActivityInProgress",
    "ResourceContention",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "InternalFailure",
    "InternalError",
    "Unavailable",
)
PROTECTED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Place:
    group: str
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    node_name: str = "private_dns_name"


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Every refusal of AWS as an OpsError that says what was tried."""
    try:
        yield
    except botocore.exceptions.ClientError as error:
        code, said = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        message = f"Failed to {what}: AWS answered {code}: {said}"
        if code.startswith(REFUSED):
            raise AuthError(f"{message}; give this account the actions that the role's page lists.") from error
        if code.startswith(LATER):
            raise UnavailableError(message) from error
        raise OpsError(message) from error
    except (botocore.exceptions.NoCredentialsError, botocore.exceptions.NoRegionError) as error:
        raise AuthError(f"Failed to {what}: {error} Set region and credentials as for the AWS command line.") from error
    except botocore.exceptions.BotoCoreError as error:
        raise UnavailableError(f"Failed to {what}: {error}") from error


def clients(place: Place) -> tuple[Any, Any]:
    config = botocore.config.Config(
        connect_timeout=10, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 5}
    )
    with _told("reach AWS"):
        session = boto3.session.Session(profile_name=place.profile, region_name=place.region)
        options = {"endpoint_url": place.endpoint_url, "config": config}
        return session.client("autoscaling", **options), session.client("ec2", **options)


class AutoScalingGroup:
    """Args: pool: the NodePool that the group's machines belong to; one group serves one pool."""

    def __init__(self, place: Place, pool: str) -> None:
        self._place = place
        self._pool = pool
        self._scaling, self._ec2 = clients(place)
        self._instances: dict[str, Mapping[str, Any]] = {}
        self._raw: Mapping[str, Any] = {}

    # what there is

    def read(self) -> Group:
        name = self._place.group
        with _told(f"read Auto Scaling group {name}"):
            found = self._scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        if not found:
            raise NotFoundError(f"There is no Auto Scaling group {name} in this region and account; check both.")
        self._raw = found[0]
        tags = {tag["Key"]: tag["Value"] for tag in self._raw.get("Tags", ())}
        pool = tags.get(POOL, "")
        if pool not in ("", self._pool):
            raise InputError(f"Auto Scaling group {name} belongs to NodePool {pool}; one group serves one pool.")
        if not self._raw.get("NewInstancesProtectedFromScaleIn"):
            raise InputError(
                f"Auto Scaling group {name} may remove instances that it chooses itself, also with pods on them; "
                "set its new-instances-protected-from-scale-in."
            )
        self._instances = self._describe([item["InstanceId"] for item in self._raw["Instances"]])
        members = [self._member(item) for item in self._raw["Instances"]]
        noted = {key.removeprefix(NOTED): value for key, value in tags.items() if key.startswith(NOTED)}
        return Group(
            wanted=self._raw["DesiredCapacity"],
            members=tuple(sorted(members, key=lambda member: (self._launched(member.id), member.id))),
            noted=tuple(sorted(noted, key=lambda operation: (noted[operation], operation))),
            pool=pool,
            quiet=all(activity["StatusCode"] in ENDED for activity in self._activities()),
        )

    def _describe(self, ids: list[str]) -> dict[str, Mapping[str, Any]]:
        if not ids:
            return {}
        query = [{"Name": "instance-id", "Values": ids}]  # a filter: an id that is gone is no error
        with _told("describe the group's instances"):
            pages = self._ec2.get_paginator("describe_instances").paginate(Filters=query)
            found = [item for page in pages for part in page["Reservations"] for item in part["Instances"]]
        return {item["InstanceId"]: item for item in found}

    def _member(self, item: Mapping[str, Any]) -> Member:
        known = self._instances.get(item["InstanceId"], {})
        marks = {tag["Key"]: tag["Value"] for tag in known.get("Tags", ())}
        state = known.get("State", {}).get("Name", "pending")
        staying = item["LifecycleState"].split(":")[0] in STAYING and state in ("pending", "running")
        return Member(item["InstanceId"], marks.get(OPERATION, ""), leaving=not staying)

    def _launched(self, identity: str) -> str:
        launched = self._instances.get(identity, {}).get("LaunchTime")
        return launched.astimezone(UTC).isoformat() if launched else "9999"

    def _activities(self) -> list[Mapping[str, Any]]:
        with _told(f"read the activities of Auto Scaling group {self._place.group}"):
            answer = self._scaling.describe_scaling_activities(
                AutoScalingGroupName=self._place.group, MaxRecords=PROTECTED_AT_ONCE
            )
        return list(answer["Activities"])

    # what is done

    def write(self, step: Write) -> None:
        match step:
            case TakeOver(members, pool):
                self._tag_instances(members, NOBODY)
                self._tag_group(POOL, pool)
            case Note(operation):
                self._tag_group(NOTED + operation, datetime.now(UTC).isoformat(timespec="microseconds"))
            case Forget(operation):
                self._untag_group(NOTED + operation)
            case Claim(member, operation):
                self._tag_instances((member,), operation)
                self._untag_group(NOTED + operation)
            case Resize(number):
                self._resize(number)
            case Take(member, number):
                self._take(member, number)

    def _tag_instances(self, ids: tuple[str, ...], mark: str) -> None:
        if ids:
            with _told(f"tag instances {', '.join(ids)}"):
                self._ec2.create_tags(Resources=list(ids), Tags=[{"Key": OPERATION, "Value": mark}])

    def _group_tag(self, key: str, value: str) -> dict[str, Any]:
        found = {"ResourceId": self._place.group, "ResourceType": "auto-scaling-group", "Key": key}
        return {**found, "Value": value, "PropagateAtLaunch": False}

    def _tag_group(self, key: str, value: str) -> None:
        with _told(f"tag Auto Scaling group {self._place.group}"):
            self._scaling.create_or_update_tags(Tags=[self._group_tag(key, value)])

    def _untag_group(self, key: str) -> None:
        with _told(f"untag Auto Scaling group {self._place.group}"):
            self._scaling.delete_tags(Tags=[self._group_tag(key, "")])

    def _resize(self, number: int) -> None:
        name, least, most = self._place.group, self._raw["MinSize"], self._raw["MaxSize"]
        if number > most:
            raise OpsError(
                f"Auto Scaling group {name} has max size {most}, {number} are needed; raise it.", reason="quota"
            )
        if number < least:
            raise OpsError(f"Auto Scaling group {name} has min size {least}, {number} are left; set it to 0.")
        if number < self._raw["DesiredCapacity"]:
            self._protect()
        with _told(f"set the desired capacity of Auto Scaling group {name} to {number}"):
            self._scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=number, HonorCooldown=False)

    def _protect(self) -> None:
        """Instances from before the group's setting: without this, a smaller number would remove one of them."""
        bare = [
            item["InstanceId"]
            for item in self._raw["Instances"]
            if item["LifecycleState"] == "InService" and not item.get("ProtectedFromScaleIn")
        ]
        for start in range(0, len(bare), PROTECTED_AT_ONCE):
            with _told("protect the group's instances from scale-in"):
                self._scaling.set_instance_protection(
                    AutoScalingGroupName=self._place.group,
                    InstanceIds=bare[start : start + PROTECTED_AT_ONCE],
                    ProtectedFromScaleIn=True,
                )

    def _take(self, identity: str, number: int) -> None:
        smaller = number < self._raw["DesiredCapacity"]
        with _told(f"terminate {identity} of Auto Scaling group {self._place.group}"):
            self._scaling.terminate_instance_in_auto_scaling_group(
                InstanceId=identity, ShouldDecrementDesiredCapacity=smaller
            )

    # what is told about it

    def present(self, end: Present) -> Answer:
        found = self._instances.get(end.member) or self._describe([end.member]).get(end.member) or {}
        if found.get("State", {}).get("Name") != "running":
            return pending(f"instance {end.member} is starting")
        zone = found["Placement"]["AvailabilityZone"]
        return Answer(
            "done",
            provider_id=f"aws:///{zone}/{end.member}",
            name=_NAMES[self._place.node_name](found),
            address=found.get("PrivateIpAddress", ""),
        )

    def coming(self, end: Coming, operation: str) -> Answer:
        """Pending, unless launching failed since the operation was noted and nothing is tried at this moment."""
        tags = {tag["Key"]: tag["Value"] for tag in self._raw.get("Tags", ())}
        since = tags.get(NOTED + operation)
        if since is None:
            return pending(end.why)
        found = [item for item in self._activities() if item["StartTime"] >= datetime.fromisoformat(since)]
        ended = [item for item in found if item["StatusCode"] == "Failed"]
        if not ended or any(item["StatusCode"] not in ENDED for item in found):
            return pending(end.why)
        newest = max(ended, key=lambda item: item["StartTime"])
        said = " ".join(filter(None, (newest.get("StatusMessage"), newest.get("Description")))) or "no reason given"
        message = f"Auto Scaling group {self._place.group} could not launch an instance: {said}"
        return Answer("failed", message, error_class=error_class(said))

    def gone(self, identity: str) -> Answer:
        """It is gone when EC2 says so, not when the group does not list it any more."""
        if identity:
            state = self._describe([identity]).get(identity, {}).get("State", {}).get("Name", "terminated")
            if state == "shutting-down":
                return pending(f"instance {identity} is shutting down")
            if state != "terminated":
                where = f"but not in Auto Scaling group {self._place.group}"
                return Answer("failed", f"Instance {identity} is {state}, {where}; remove it by hand.")
        return Answer("done")

    def machines(self) -> list[dict[str, str]]:
        """What node_pool_info compares with the record."""
        group = self.read()
        answers = [(member, self.present(Present(member.id))) for member in group.members if not member.leaving]
        return [
            {"name": said.name or member.id, "address": said.address, "provider_id": said.provider_id}
            for member, said in answers
        ]


_NAMES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "private_dns_name": lambda instance: str(instance["PrivateDnsName"]),
    "private_dns_label": lambda instance: str(instance["PrivateDnsName"]).split(".", maxsplit=1)[0],
    "instance_id": lambda instance: str(instance["InstanceId"]),
}


def instance_of(provider_id: str) -> str:
    """i-0abc of aws:///eu-west-1a/i-0abc; empty of nothing."""
    if not provider_id:
        return ""
    scheme, _separator, rest = provider_id.partition("://")
    identity = rest.rpartition("/")[2]
    if scheme != "aws" or not identity.startswith("i-"):
        raise InputError(f"{provider_id!r} is no provider id of an EC2 instance (aws:///zone/i-…).")
    return identity
