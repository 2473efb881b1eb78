# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bump taken back out of a file, byte by byte."""

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils.verdict._revert import only_numbers, take_back, verified
from hypothesis import given
from hypothesis import strategies as st

PATH = "spec.template.spec.containers[0].resources.limits.memory"


def manifest(memory="64Mi", cpu="100m", *, name="cart", remark="# measured", replicas=1, image="a:1"):
    return (
        f"kind: Deployment\r\nmetadata: {{name: {name}}}\r\nspec:\r\n  replicas: {replicas}\r\n  template:\r\n"
        f"    spec:\r\n      containers:\r\n        - image: {image}\r\n          resources:\r\n            limits:\r\n"
        f"              memory: {memory}   {remark}\r\n              cpu: '{cpu}'"
    ).encode()


BEFORE, AFTER = manifest(), manifest("164Mi")


@pytest.mark.parametrize(
    ("now", "wanted", "left"),
    [
        (AFTER, BEFORE, ()),
        (manifest("164Mi", image="a:2"), manifest(image="a:2"), ()),
        (manifest("164Mi", "200m"), manifest(cpu="200m"), ()),  # the line next to it
        (manifest("164Mi", remark="# by us"), manifest(remark="# by us"), ()),  # the same line
        (b"# new\r\n" + manifest("164Mi", replicas=3), b"# new\r\n" + manifest(replicas=3), ()),
        (manifest("256Mi"), manifest("256Mi"), (11,)),
        (manifest("1645Mi"), manifest("1645Mi"), (11,)),  # has the digits of ours in it
        (manifest("1164Mi"), manifest("1164Mi"), (11,)),
        (BEFORE, BEFORE, (11,)),  # somebody was faster
    ],
)
def test_the_number_goes_back_and_what_others_did_stays(now, wanted, left):
    taken = take_back(BEFORE, AFTER, now)
    assert (taken.data, taken.left) == (wanted, left)
    assert verified(BEFORE, AFTER, now, taken.data, "f.yaml")


def test_two_numbers_of_which_one_was_changed_since():
    taken = take_back(manifest(), manifest("164Mi", "200m"), manifest("164Mi", "300m"))
    assert (taken.data, taken.left) == (manifest("64Mi", "300m"), (12,))


def test_lines_that_the_bump_had_written_go_away():
    before = b"a:\n  resources: {}\nb: 1\n"
    after = b"a:\n  resources:\n    limits:\n      memory: 164Mi\nb: 1\n"
    now = after.replace(b"b: 1", b"b: 2")
    taken = take_back(before, after, now)
    assert (taken.data, taken.left) == (before.replace(b"b: 1", b"b: 2"), ())
    assert verified(before, after, now, taken.data, "f.yaml")


def test_a_number_is_not_set_back_in_the_wrong_object():
    """Two objects alike: when the first is removed, the lines of the second read the same."""
    before = manifest(name="a") + b"\r\n---\r\n" + manifest("164Mi", name="b") + b"\r\n"
    after = manifest("164Mi", name="a") + b"\r\n---\r\n" + manifest("164Mi", name="b") + b"\r\n"
    now = manifest("164Mi", name="b") + b"\r\n"
    taken = take_back(before, after, now)
    assert taken.data == now or not verified(before, after, now, taken.data, "f.yaml")


def test_a_merge_with_more_in_it_than_numbers_is_not_ours():
    assert only_numbers(BEFORE, AFTER, "f.yaml", [PATH])
    assert not only_numbers(BEFORE, manifest("164Mi", image="a:2"), "f.yaml", [PATH])
    assert only_numbers(BEFORE, manifest("164Mi", remark="# a remark"), "f.yaml", [PATH])


def test_numbers_in_yaml_inside_of_yaml_are_told_by_the_same_path():
    def release(memory, size=1):
        return f"spec:\n  values: |\n    size: {size}\n    resources:\n      limits: {{memory: {memory}}}\n".encode()

    path = "spec.values.resources.limits.memory"
    assert only_numbers(release("64Mi"), release("164Mi"), "f.yaml", [path])
    taken = take_back(release("64Mi"), release("164Mi"), release("164Mi", 2))
    assert taken.data == release("64Mi", 2)
    assert verified(release("64Mi"), release("164Mi"), release("164Mi", 2), taken.data, "f.yaml")


LINES = st.lists(st.sampled_from(["x: 1", "y: 2", "# r", "", "memory: 64Mi", "  - z"]), max_size=6)


@given(head=LINES, tail=LINES, more=LINES, old=st.integers(1, 9999), new=st.integers(1, 9999))
def test_what_stands_around_the_number_is_never_touched(head, tail, more, old, new):
    def text(value, above, below):
        return "\n".join([*above, f"memory_limit: {value}Mi  # kept", *below]).encode()

    taken = take_back(text(old, head, tail), text(new, head, tail), text(new, [*more, *head], [*tail, *more]))
    here = [text(value, [*more, *head], [*tail, *more]) for value in (old, new)]
    assert taken.data in here
    assert not taken.left or taken.data == here[1]
