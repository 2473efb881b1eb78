# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.stack._graph import (
    check_graph,
    left_behind,
    only_rendered,
    plan,
    select,
    with_retired,
)

GRAPH = {
    "crds": {},
    "mesh": {"after": ["crds"]},
    "monitoring": {"needs": ["crds"], "after": ["mesh"]},
    "kiali": {"needs": ["mesh", "monitoring"]},
    "loki": {"after": ["crds"]},
}


def test_a_component_brings_what_it_needs_and_nothing_else() -> None:
    assert select(GRAPH, ["kiali"], [], []) == ["crds", "mesh", "monitoring", "kiali"]
    assert select(GRAPH, ["loki"], [], []) == ["loki"]


def test_a_component_that_needs_what_is_switched_off_is_refused_with_both_names() -> None:
    with pytest.raises(InputError, match="kiali needs mesh, which is switched off"):
        select(GRAPH, ["kiali"], ["mesh"], [])


def test_a_misspelt_component_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(InputError, match="There is no component lokki; there are crds, kiali"):
        select(GRAPH, ["lokki"], [], [])


def test_each_step_waits_only_for_selected_components_that_go_first() -> None:
    steps = plan(GRAPH, ["loki", "monitoring", "crds"], {})
    assert [(step.name, step.waits_for) for step in steps] == [
        ("crds", ()),
        ("monitoring", ("crds",)),
        ("loki", ("crds",)),
    ]


def test_removal_goes_against_the_arrows() -> None:
    steps = plan(GRAPH, GRAPH, dict.fromkeys(GRAPH, "absent"))
    assert steps[0].name == "kiali"
    assert {step.name: set(step.waits_for) for step in steps}["crds"] == {"mesh", "monitoring", "loki"}


def test_where_nothing_may_be_changed_every_step_is_rendered_and_what_is_to_be_absent_is_left_out() -> None:
    wanted, states = only_rendered(GRAPH, ["crds", "loki", "kiali"], {"loki": "absent", "crds": "present"})
    chosen = select(GRAPH, wanted, [], [])
    assert [step.name for step in plan(GRAPH, chosen, states)] == ["crds", "mesh", "monitoring", "kiali"]
    assert {step.state for step in plan(GRAPH, chosen, states)} == {"rendered"}


def test_who_needs_a_removed_component_is_named() -> None:
    assert left_behind(GRAPH, ["mesh"]) == {"mesh": ["kiali"]}
    assert left_behind(GRAPH, ["mesh", "kiali"]) == {}


def test_a_circle_is_refused() -> None:
    with pytest.raises(InputError, match="wait for each other in a circle"):
        check_graph({"a": {"after": ["b"]}, "b": {"needs": ["a"]}})


def test_an_edge_to_nowhere_is_refused() -> None:
    with pytest.raises(InputError, match="names components that do not exist: b"):
        check_graph({"a": {"after": ["b"]}})


RETIRED = {
    "old": {"since": "1999", "why": "nobody mends it", "successor": "new", "chart": "old", "namespace": "attic"},
    "gone": {"since": "1998", "why": "nothing is left of it", "successor": "newer"},
}


def test_what_is_retired_is_refused_with_its_successor_unless_it_is_accepted() -> None:
    with pytest.raises(InputError, match=r"since 1999: nobody mends it\. Use new\. Set accept_retired to true"):
        with_retired({}, RETIRED, ["old"], False)
    assert with_retired({}, RETIRED, ["old"], True)["old"]["asks"]["release"] == "attic/old"


def test_what_nothing_is_left_of_is_refused_in_any_case() -> None:
    with pytest.raises(InputError, match=r"Use newer\.$"):
        with_retired({}, RETIRED, ["gone"], True)


def test_what_is_retired_and_not_asked_for_is_not_there() -> None:
    assert with_retired({"a": {}}, RETIRED, ["a"], True) == {"a": {}}
