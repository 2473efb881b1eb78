# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our quantities are those of a real API server: what it takes we take, with the same value, and nothing else."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity, write

from lab.control_plane import kubectl
from lab.place import Lab
from lab.shell import LabError

pytestmark = pytest.mark.real

TAKEN = [
    *("0", "1", "+1", "010", "5.", ".5", "0.5", "100m", "1k", "1M", "1G", "1T", "1P", "1E"),
    *("1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei", "1.5Gi", "0.1Mi", "1e3", "1E3", "1e+3", "1E-3", "12e6"),
    *("128974848", "129e6", "129M", "128974848000m", "123Mi", "1.25", "1000000000000000000"),
]
REFUSED = ["", "1K", "1KI", "1ki", "1mi", "1_000", "1e3Mi", "1,5Gi", "0x10", "1 Gi", "1Gib", "٣"]
# The API server trims spaces and reads a missing number as 0. As a limit that is a slip, so we refuse it.
SLIPS = [" 1Gi", "1Gi ", "Mi", "."]


def ask(lab: Lab, text: str) -> str:
    """Return how the API server writes a quantity that it took."""
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "asked", "namespace": "default"},
        "spec": {"hard": {"limits.memory": text}},
    }
    answer = kubectl(lab, "create", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(quota))
    return str(json.loads(answer)["spec"]["hard"]["limits.memory"])


@pytest.mark.parametrize("text", TAKEN)
def test_what_the_api_server_takes_has_the_same_value_for_us(lab: Lab, text: str) -> None:
    assert Quantity.parse(ask(lab, text)).value == Quantity.parse(text).value


@pytest.mark.parametrize("text", REFUSED)
def test_what_the_api_server_refuses_we_refuse(lab: Lab, text: str) -> None:
    with pytest.raises(InputError):
        Quantity.parse(text)
    with pytest.raises(LabError):
        ask(lab, text)


@pytest.mark.parametrize("text", SLIPS)
def test_a_slip_that_the_api_server_takes_is_refused_by_us(lab: Lab, text: str) -> None:
    assert ask(lab, text)
    with pytest.raises(InputError):
        Quantity.parse(text)


@pytest.mark.parametrize("text", ["250u", "1n", "0.0001"])
def test_finer_than_a_thousandth_is_kept_exact_by_us_and_rounded_up_by_the_api_server(lab: Lab, text: str) -> None:
    assert Quantity.parse(ask(lab, text)).value == Fraction(1, 1000)
    assert 0 < Quantity.parse(text).value < Fraction(1, 1000)


@pytest.mark.parametrize("like", ["256Mi", "1Gi", "1.5Gi", "500M", "100000Ki", "268435456", "1e9", "128974848000m"])
def test_what_we_write_the_api_server_takes_with_the_same_value(lab: Lab, like: str) -> None:
    written = write(Quantity.parse(like).value * 7 / 5, Quantity.parse(like), "memory")
    assert Quantity.parse(ask(lab, written.text)).value == written.value
