# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logs in Elasticsearch end: they go into a data stream, whatever comes first and whatever is changed later."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.site.conftest import Components, variants


def auto_created(name: str, patterns: str) -> bool:
    """As Elasticsearch reads action.auto_create_index: the first pattern that fits decides."""
    found = (pattern for pattern in patterns.split(",") if fnmatchcase(name, pattern.lstrip("+-")))
    return not next(found, "-").startswith("-")


def only(component: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = [thing for thing in component["objects"] if thing["kind"] == kind]
    return dict(found)


def test_logs_that_come_before_the_data_stream_is_set_up_make_no_plain_index(components: Components) -> None:
    (stack,) = [release for release in components["efk"]["releases"] if release["name"] == "efk"]
    (nodes,) = stack["values"]["eck-elasticsearch"]["nodeSets"]
    patterns = nodes["config"]["action.auto_create_index"]
    template = json.loads(only(components["efk"], "ConfigMap")["data"]["template.json"])
    assert not auto_created("fluent-bit", patterns)
    assert auto_created(".kibana_1", patterns)
    # A template that says so itself is asked before that setting.
    assert (template["allow_auto_create"], template["data_stream"]) == (True, {})


@pytest.mark.timeout(600)
def test_whatever_changes_of_the_job_it_is_another_one_and_without_a_change_it_is_the_same(tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"efk_index_retention": "3d"},
        {"efk_elasticsearch_version": "9.5.1"},
        {"platform_registries": {"*": "registry.example.org"}},
        {"platform_tolerations": [{"operator": "Exists"}]},
    ]
    jobs = [only(found, "Job") for found in variants(tmp_path, "efk", *changes, {})]
    assert len({job["metadata"]["name"] for job in jobs}) == len(changes)
    assert jobs[0] == jobs[-1]


@pytest.mark.timeout(600)
def test_every_volume_of_loki_has_the_class_that_was_asked_for_and_outlives_the_release(tmp_path: Path) -> None:
    bucket = {"loki_mode": "simple-scalable", "loki_storage": {"type": "s3", "bucket": "logs"}}
    usual, fast = variants(tmp_path, "loki", bucket, {**bucket, "loki_storage_class": "fast"})
    kept = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    for part in ("write", "backend"):
        assert usual["releases"][0]["values"][part]["persistence"] == kept
        assert fast["releases"][0]["values"][part]["persistence"] == {**kept, "storageClass": "fast"}
    assert "persistence" not in fast["releases"][0]["values"]["read"]  # a Deployment


@pytest.mark.timeout(600)
def test_a_log_line_leads_to_its_trace_past_grafanas_own_variables(tmp_path: Path) -> None:
    """In a file that Grafana reads at its start, $NAME and ${NAME} are variables of its pod, and $$ is a $."""
    (monitoring,) = variants(tmp_path, "monitoring", {})
    sources = monitoring["releases"][0]["values"]["grafana"]["additionalDataSources"]
    (loki,) = [source for source in sources if source["type"] == "loki"]
    assert [field["url"] for field in loki["jsonData"]["derivedFields"]] == ["$${__value.raw}"]
    assert "$" not in str(sources).replace("$$", "")
