# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What OpenTofu is given, and what it says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.machines._answer import error_class, without, words
from ansible_collections.platform.ops.plugins.module_utils.machines._tofu_root import (
    Lock,
    Root,
    addresses,
    lock_of,
    missing,
    relative,
    said,
)

LOCKED = (
    "Error acquiring the state lock: the state is already locked by another client: Lock Info: ID: 0f6e-11 Path: x "
    "Operation: OperationTypeApply Who: root@host Version: 1.12.6 Created: 2026-11-26 01:02:03.123456 +0000 UTC Info:"
)


def root(**more: object) -> Root:
    given = {"backend": "local", "backend_config": {}, "variables": {"size": 3}, "secrets": {"password": "s3cr3t"}}
    return Root("/modules/worker", "w-1", "10.0.0.1", "workers", "op", **{**given, **more})  # type: ignore[arg-type]


def test_the_root_module_holds_names_and_no_values() -> None:
    document = root().document(Path("/tmp/x"))
    assert "s3cr3t" not in json.dumps(document)
    assert document["module"]["machine"]["password"] == "${var.password}"
    assert document["variable"]["password"] == {"sensitive": True}
    assert document["module"]["machine"]["source"] == "../../modules/worker"
    assert "password" not in root().values()


def test_sources_that_are_no_paths_stay_as_they_are() -> None:
    assert relative("git::https://example.org/m.git", Path("/tmp/x")) == "git::https://example.org/m.git"


@pytest.mark.parametrize("name", ["name", "operation", "1st", "a b", 'x"}'])
def test_variables_that_cannot_be_are_refused(name: str) -> None:
    with pytest.raises(InputError):
        root(variables={name: 1}).check()


def test_a_lock_is_known_by_its_id_and_age() -> None:
    assert lock_of(LOCKED) == Lock("0f6e-11", datetime(2026, 11, 26, 1, 2, 3, tzinfo=UTC))
    assert lock_of("Error: something else") is None
    assert lock_of("Error acquiring the state lock: no details") == Lock("", None)


def test_what_is_said_is_read_line_by_line_and_noise_passed_over() -> None:
    planned = {"type": "planned_change", "change": {"action": "create", "resource": {"addr": "module.machine.a.b"}}}
    error = {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "No", "detail": "why\nnot"}}
    found = said(["Warning: noise", json.dumps(planned), json.dumps(error), "[]"], planned=True)
    assert found.changes == ("create module.machine.a.b",)
    assert found.message == "No: why not"


def test_resources_of_modules_within_count_and_data_sources_do_not() -> None:
    inner = {"resources": [{"address": "module.machine.a.b", "mode": "managed"}, {"address": "d", "mode": "data"}]}
    there = addresses({"child_modules": [inner]})
    assert there == ["module.machine.a.b"]
    assert missing({"a.b": "1", "c.d": "2"}, there) == {"module.machine.c.d": "2"}


def test_secrets_are_blotted_out_wherever_they_are() -> None:
    assert without("a tok-1234 b", words({"x": ["tok-1234"], "y": {"z": 1}})) == "a ******** b"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("googleapi: Error 503: ZONE_RESOURCE_POOL_EXHAUSTED", "stock_out"),
        ("googleapi: Error 403: Quota 'CPUS' exceeded. Limit: 24.0 in region", "quota"),
        ('Code="SkuNotAvailable"', "stock_out"),
        ("OperationNotAllowed: approved standardDSv3Family Cores quota", "quota"),
        ("Quota exceeded for instances: Requested 1, but already used 10", "quota"),
        ("No valid host was found.", "stock_out"),
        ("InsufficientFreeAddressesInSubnet", "quota"),
        ("connection refused", "other"),
        ("", "other"),
    ],
)
def test_clouds_say_quota_and_stock_out_in_words_of_their_own(text: str, kind: str) -> None:
    assert error_class(text) == kind
