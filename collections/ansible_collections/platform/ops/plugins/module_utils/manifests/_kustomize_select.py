# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which objects a Kustomize patch means: selectors and identities, by Kustomize's own rules."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import Node, as_node, as_text


@dataclass(frozen=True, slots=True)
class Identity:
    """apiVersion, kind, name and namespace; Kustomize takes an absent namespace for `default`."""

    api: str
    kind: str
    name: str
    namespace: str

    def same(self, other: Identity) -> bool:
        return (self.api, self.kind, self.name, self.namespace or "default") == (
            other.api,
            other.kind,
            other.name,
            other.namespace or "default",
        )


def identity(body: Node) -> Identity:
    metadata = as_node(body.get("metadata"))
    return Identity(
        as_text(body.get("apiVersion")),
        as_text(body.get("kind")),
        as_text(metadata.get("name")),
        as_text(metadata.get("namespace")),
    )


def selects(target: Node, body: Node, original: Identity) -> bool:
    """Does the `target` of a patch select this object, that once was called `original`?"""
    now = identity(body)
    group, _slash, version = now.api.rpartition("/")
    metadata = as_node(body.get("metadata"))
    return (
        _either(target, "namespace", original.namespace or "default", now.namespace or "default")
        and _either(target, "name", original.name, now.name)
        and _either(target, "group", group)
        and _either(target, "version", version)
        and _either(target, "kind", now.kind)
        and label_match(as_text(target.get("labelSelector")), as_node(metadata.get("labels")))
        and label_match(as_text(target.get("annotationSelector")), as_node(metadata.get("annotations")))
    )


def _either(target: Node, key: str, *texts: str) -> bool:
    pattern = as_text(target.get(key))
    if not pattern:
        return True
    try:
        compiled = re.compile(f"^(?:{pattern})$")
    except re.error:
        return pattern in texts  # a Go expression that Python does not know
    return any(_bounded(compiled, text) for text in texts)


def _bounded(compiled: re.Pattern[str], text: str) -> bool:
    # Names are at most 253 characters. Kustomize's engine is linear, Python's is not: a pattern with nested
    # repeats is compared as plain text rather than run.
    if re.search(r"[*+}]\s*\)\s*[*+{]", compiled.pattern):
        return compiled.pattern == f"^(?:{text})$"
    return compiled.fullmatch(text) is not None


_TERM = re.compile(
    r"""\s*(?:
        (?P<absent>!)\s*(?P<key0>[\w./-]+)
      | (?P<key1>[\w./-]+)\s+(?P<set>in|notin)\s*\((?P<values>[^)]*)\)
      | (?P<key2>[\w./-]+)\s*(?P<op>==|=|!=)\s*(?P<value>[\w./-]*)
      | (?P<key3>[\w./-]+)
    )\s*(?:,|$)""",
    re.VERBOSE,
)


def label_match(selector: str, labels: Node) -> bool:
    """Kubernetes' label selector grammar; a selector that is none matches nothing."""
    position, selector = 0, selector.strip()
    while position < len(selector):
        term = _TERM.match(selector, position)
        if term is None or not _holds(term, labels):
            return False
        position = term.end()
    return True


def _holds(term: re.Match[str], labels: Node) -> bool:
    if term["absent"]:
        return term["key0"] not in labels
    if term["key3"]:
        return term["key3"] in labels
    if term["set"]:
        inside = labels.get(term["key1"]) in {value.strip() for value in term["values"].split(",")}
        return inside if term["set"] == "in" else not inside
    equal = labels.get(term["key2"]) == term["value"]
    return not equal if term["op"] == "!=" else equal
