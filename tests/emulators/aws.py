# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS as moto plays it, on a free loopback port; can be told to refuse machines as AWS does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import boto3
import requests
from moto.autoscaling.models import FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult
from moto.server import ThreadedMotoServer

REGION = "eu-west-1"
GROUP = "workers-a"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass
class Aws:
    url: str
    refusal: str = ""  # what every launch is refused with
    refused: list[dict[str, Any]] = field(default_factory=list)
    delay: bool = False  # launches are accepted, but nothing comes yet

    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = boto3.client(service, endpoint_url=self.url, region_name=REGION)
        return self.clients[service]

    def make_group(self, *, desired: int = 0, least: int = 0, most: int = 5, protected: bool = True) -> None:
        ec2 = self.client("ec2")
        image = ec2.describe_images()["Images"][0]["ImageId"]
        ec2.create_launch_template(
            LaunchTemplateName="workers", LaunchTemplateData={"ImageId": image, "InstanceType": "m5.large"}
        )
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        self.client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=GROUP,
            LaunchTemplate={"LaunchTemplateName": "workers", "Version": "$Latest"},
            MinSize=least,
            MaxSize=most,
            DesiredCapacity=desired,
            VPCZoneIdentifier=subnet,
            NewInstancesProtectedFromScaleIn=protected,
        )

    def group(self) -> dict[str, Any]:
        found = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])
        return found["AutoScalingGroups"][0]

    def alive(self) -> list[str]:
        return sorted(item["InstanceId"] for item in self.group()["Instances"])

    def launched(self) -> int:
        """How many instances were ever launched."""
        pages = self.client("ec2").get_paginator("describe_instances").paginate()
        return sum(len(part["Instances"]) for page in pages for part in page["Reservations"])

    def deliver(self) -> None:
        """What was delayed comes now."""
        self.delay = False
        wanted = self.group()["DesiredCapacity"]
        self.client("autoscaling").set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=wanted)


@contextmanager
def running() -> Iterator[Aws]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    requests.post(f"http://{host}:{port}/moto-api/reset", timeout=60)  # its memory is that of the process
    aws = Aws(f"http://{host}:{port}")
    grow = FakeAutoScalingGroup.set_desired_capacity

    def set_desired_capacity(self: FakeAutoScalingGroup, new_capacity: int | None) -> None:
        more = (new_capacity or 0) > len(self.active_instances())
        if more and aws.refusal:
            now = datetime.now(UTC)
            known = {
                "ActivityId": f"a-{len(aws.refused)}",
                "AutoScalingGroupName": self.name,
                "Cause": "a user request",
            }
            known |= {"Description": "Launching a new EC2 instance.", "StatusMessage": aws.refusal, "Progress": 100}
            aws.refused.append({**known, "StatusCode": "Failed", "StartTime": now, "EndTime": now})
        if more and (aws.refusal or aws.delay):
            self.desired_capacity = new_capacity
            return
        grow(self, new_capacity)

    def describe_scaling_activities(self: AutoScalingResponse) -> ActionResult:
        return ActionResult({"Activities": list(aws.refused)})

    try:
        with (
            patch.object(FakeAutoScalingGroup, "set_desired_capacity", set_desired_capacity),
            patch.object(AutoScalingResponse, "describe_scaling_activities", describe_scaling_activities),
        ):
            yield aws
    finally:
        server.stop()
