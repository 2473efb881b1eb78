# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import DecisionLog, decision_record
from ansible_collections.platform.ops.plugins.module_utils.remediation._metrics import DecisionTally


def decision(number=0, **more):
    return {"id": f"test:{number}", "kind": "bump_limits", "decision": "opened", "reason": "bumped", **more}


def test_what_was_appended_is_read_in_order(tmp_path):
    log = DecisionLog(tmp_path)
    log.append([decision(1), decision(2)])
    log.append([decision(3, at="2026-01-31T08:00:00+01:00")])
    records = list(log.read())
    assert [record["id"] for record in records] == ["test:1", "test:2", "test:3"]
    assert records[2]["at"] == "2026-01-31T07:00:00.000Z"
    assert next(iter(records[0])) == "at"


@pytest.mark.parametrize(
    "wrong", [{"decision": "maybe"}, {"decision": "opened", "colour": "red"}, {"decision": "opened", "at": "now"}, {}]
)
def test_a_decision_outside_the_contract_is_an_error(wrong):
    with pytest.raises(InputError):
        decision_record(wrong)


def test_a_half_written_line_costs_nobody_else_anything(tmp_path):
    log = DecisionLog(tmp_path)
    log.append([decision(1)])
    with log.path.open("a") as file:
        file.write('{"at": "2026-01-31T07:00:00.000Z", "deci')
    log.append([decision(2)])
    assert [record["id"] for record in log.read()] == ["test:1", "test:2"]


def test_it_rotates_by_size_and_keeps_a_few(tmp_path):
    log = DecisionLog(tmp_path, max_bytes=2000, keep=2)
    for number in range(60):
        log.append([decision(number)])
    assert [path.name for path in log.files()] == ["decisions.jsonl.2", "decisions.jsonl.1", "decisions.jsonl"]
    numbers = [int(record["id"].removeprefix("test:")) for record in log.read()]
    assert numbers == list(range(numbers[0], 60))
    assert numbers[0] > 0


def test_many_writers_and_rotation_lose_no_line(tmp_path):
    def write(start):
        log = DecisionLog(tmp_path, max_bytes=5000, keep=50)
        for number in range(start, start + 100):
            log.append([decision(number)])

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = [record["id"] for record in DecisionLog(tmp_path, keep=50).read()]
    assert sorted(found) == sorted(f"test:{number}" for number in range(300))


def test_a_period_can_be_read(tmp_path):
    log = DecisionLog(tmp_path)
    log.append([decision(1, at="2026-01-01T00:00:00Z"), decision(2, at="2026-02-01T00:00:00Z")])
    assert [record["id"] for record in log.read(datetime(2026, 1, 15, tzinfo=UTC))] == ["test:2"]


def test_a_place_that_cannot_hold_it_is_named(tmp_path):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(UnavailableError, match=r"decisions\.jsonl cannot be written"):
        DecisionLog(tmp_path / "state").append([decision()])


def test_the_tally_counts_each_line_once_over_rotations(tmp_path):
    log = DecisionLog(tmp_path, max_bytes=1500, keep=3)
    tally = DecisionTally(log)
    for number in range(25):
        log.append([decision(number, seconds=number, pull_request=f"pr/{number % 5}")])
        if number % 4 == 0:
            tally.update()
    log.append([{"decision": "merged", "pull_request": "pr/0"}, {"decision": "closed", "pull_request": "pr/1"}])
    log.append([{"decision": "refused", "reason": "invalid_name", "count": 7}])
    tally.update()
    tally.update()
    text = "\n".join(tally.lines())
    assert 'platform_ops_decisions_total{kind="bump_limits",decision="opened",reason="bumped"} 25' in text
    assert 'platform_ops_decisions_total{kind="none",decision="refused",reason="invalid_name"} 7' in text
    assert 'platform_ops_pull_requests{state="open"} 3' in text
    assert 'platform_ops_pull_requests{state="merged"} 1' in text
    assert 'platform_ops_decision_seconds_bucket{kind="bump_limits",le="5"} 6' in text
    assert 'platform_ops_decision_seconds_bucket{kind="bump_limits",le="+Inf"} 25' in text
    assert 'platform_ops_decision_seconds_sum{kind="bump_limits"} 300' in text


def test_a_file_with_the_inode_of_one_that_was_removed_is_read_from_its_start(tmp_path):
    log = DecisionLog(tmp_path, max_bytes=1500, keep=3)
    tally = DecisionTally(log)
    for number in range(300):
        log.append([decision(number)])
        tally.update()
    assert 'decision="opened",reason="bumped"} 300' in "\n".join(tally.lines())


def test_two_who_ask_at_once_count_each_line_once(tmp_path):
    log = DecisionLog(tmp_path)
    log.append([decision(number) for number in range(20_000)])
    tally = DecisionTally(log)
    start = threading.Barrier(2)

    def ask():
        start.wait(60)
        tally.update()
        assert "\n".join(tally.lines())

    threads = [threading.Thread(target=ask) for _time in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert 'decision="opened",reason="bumped"} 20000' in "\n".join(tally.lines())


def test_a_line_still_being_written_is_counted_when_it_is_complete(tmp_path):
    log = DecisionLog(tmp_path)
    tally = DecisionTally(log)
    line = json.dumps(decision_record(decision()))
    log.path.write_text(line[:20])
    tally.update()
    log.path.write_text(line + "\n")
    tally.update()
    assert 'reason="bumped"} 1' in "\n".join(tally.lines())


def test_labels_of_metrics_are_escaped(tmp_path):
    log = DecisionLog(tmp_path)
    log.append([decision(reason='a"b\\c\nd')])
    tally = DecisionTally(log)
    tally.update()
    assert r'reason="a\"b\\c\nd"} 1' in "\n".join(tally.lines())


def test_verdicts_are_counted_by_the_last_word_and_stages_once(tmp_path):
    log, stages = DecisionLog(tmp_path), {"opened": 30.0, "merged": 90.0, "applied": 100.0}
    one = {"kind": "bump_limits", "pull_request": "https://git.example.org/fleet/pulls/1"}
    other = {**one, "pull_request": "https://git.example.org/fleet/pulls/2"}
    log.append([{**one, "decision": "stalled", "reason": "not_applied", "stages": stages}])
    log.append([{**one, "decision": "fixed", "reason": "resolved", "stages": {**stages, "resolved": 1000.0}}])
    log.append([{**other, "decision": "not_fixed", "reason": "killed_again", "stages": {}}])
    log.append([{**other, "decision": "handed_over", "reason": "killed_again"}])
    tally = DecisionTally(log)
    tally.update()
    lines = list(tally.lines())
    for line in (
        'platform_ops_pull_request_verdicts{verdict="fixed"} 1',
        'platform_ops_pull_request_verdicts{verdict="not_fixed"} 1',
        'platform_ops_pull_request_verdicts{verdict="stalled"} 0',
        "platform_ops_handed_over_total 1",
        'platform_ops_remediation_stage_seconds_bucket{verdict="fixed",stage="resolved",le="600"} 0',
        'platform_ops_remediation_stage_seconds_bucket{verdict="fixed",stage="resolved",le="1800"} 1',
        'platform_ops_remediation_stage_seconds_count{verdict="fixed",stage="merged"} 1',
        'platform_ops_decisions_total{kind="bump_limits",decision="stalled",reason="not_applied"} 1',
    ):
        assert line in lines
