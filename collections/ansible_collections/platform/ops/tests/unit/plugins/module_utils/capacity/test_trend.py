# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many nodes the last weeks tell."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.capacity import _history
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Pool, pool
from ansible_collections.platform.ops.plugins.module_utils.capacity._trend import (
    Prediction,
    Trend,
    outdated,
    predict,
    trend,
)

NOW = 1_800_000_000.0
OFFERED = {"cpu": 4000, "memory": 8 << 30}
ASKED = Trend(weeks=4, ahead=600.0, margin=0.1)


def weeks(*peaks: float, points: int = 11) -> list[list[float]]:
    """Of each week a window that has its peak in the middle."""
    return [[peak / 2] * 5 + [peak] + [peak / 2] * (points - 6) for peak in peaks]


def history(cpu: list[list[float]], memory: list[list[float]] | None = None) -> dict[str, list[list[float]]]:
    return {"cpu": cpu, "memory": memory if memory is not None else [[0.0] * 11] * len(cpu)}


@pytest.mark.parametrize(
    ("cpu", "nodes"),
    [
        ((10, 10, 10, 10), 3),  # 11 cores with the margin, 4 to a node
        ((3, 3, 3, 3), 1),
        ((10, 10, 10, 400), 3),  # one bad week does not raise it
        ((0, 10, 10, 10), 3),  # nor lower it
        ((2, 6, 20, 30), 6),  # the upper one of the two in the middle
        ((0, 0, 0, 0), 0),
    ],
)
def test_the_median_of_the_peaks_with_its_margin_is_what_is_kept(cpu: tuple[float, ...], nodes: int) -> None:
    found = predict(ASKED, history(weeks(*cpu)), OFFERED, NOW)
    assert (found.least_at(NOW), found.least_at(NOW + 899), found.least_at(NOW + 900)) == (nodes, nodes, 0)


def test_the_resource_that_needs_more_nodes_counts() -> None:
    found = predict(ASKED, history(weeks(1, 1), weeks(30 << 30, 30 << 30)), OFFERED, NOW)
    assert (found.least, found.message) == (5, "5 nodes, by the requested memory of 2 weeks")


@pytest.mark.parametrize(
    "cpu", [[], weeks(10), [*weeks(10), [10.0] * 8], [*weeks(10), []]], ids=["none", "one", "with gaps", "an empty one"]
)
def test_too_little_history_gives_no_answer(cpu: list[list[float]]) -> None:
    found = predict(ASKED, history(cpu), OFFERED, NOW)
    assert found.least_at(NOW) == 0
    assert found.message.startswith("too little history")


def made(asked: dict[str, Any] | None, **status: Any) -> Pool:
    spec = {"min": 1, "max": 5, "provider": {"role": "r"}, "template": {"allocatable": {"cpu": "4", "memory": "8Gi"}}}
    extra = {} if asked is None else {"predicted": asked}
    return pool({"metadata": {"name": "workers"}, "spec": {**spec, **extra}, "status": status})


def test_a_prediction_only_ever_raises_and_max_holds() -> None:
    at, until = "2027-01-15T07:00:00Z", "2027-01-15T09:00:00Z"

    def least(nodes: int, now: float = NOW) -> int:
        return made({}, predicted={"at": at, "until": until, "least": nodes}).least_now(now)

    assert (least(0), least(3), least(9)) == (1, 3, 5)
    assert least(3, now=NOW + 10_000) == 1
    assert made(None, predicted={"at": at, "until": until, "least": 3}).least_now(NOW) == 1


def test_it_is_asked_anew_every_five_minutes() -> None:
    known = Prediction(Time(NOW), Time(NOW + 900), 3)
    assert outdated(ASKED, None, NOW)
    assert (outdated(ASKED, known, NOW + 299), outdated(ASKED, known, NOW + 300)) == (False, True)
    assert not outdated(None, None, NOW)


class Silent:
    def select(self, metric: str, **labels: str) -> str:
        return metric + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"

    def range(self, *_args: object) -> list[Any]:
        raise UnavailableError("it does not answer")


def test_what_is_known_holds_for_its_time_when_prometheus_does_not_answer() -> None:
    known = {"at": "2027-01-15T08:00:00Z", "until": "2027-01-15T08:15:00Z", "least": 3}
    silent: Any = Silent()
    found = _history.ask(silent, made({}, predicted=known), ASKED, NOW + 400)
    assert (found.least_at(NOW + 899), found.least_at(NOW + 901)) == (3, 0)
    assert found.message == "it does not answer"
    assert _history.ask(None, made({}), ASKED, NOW).message == _history.NO_SERVER


def test_nodes_are_known_by_names_hosts_or_what_is_given() -> None:
    server: Any = Silent()
    text = _history.expression(server, made({}), ASKED, "cpu")
    assert text == (
        "sum(max by (namespace, pod, container) "
        '(kube_pod_container_resource_requests{resource="cpu",node=~"workers-[0-9]+"}))'
    )
    assert _history.nodes_pattern(made({}), Trend(nodes="ip-.*")) == "ip-.*"


@pytest.mark.parametrize("raw", [{"weeks": 1}, {"ahead": "2d"}, {"ahead": "1s"}, {"margin": -1}, {"colour": "red"}])
def test_settings_that_make_no_sense_are_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        trend("workers", raw)
