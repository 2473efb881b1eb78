# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every image that objects name: containers, operators' own fields, and arguments that hold one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# An argument or variable is an image when it starts with a registry and ends with a tag or digest.
IMAGE = re.compile(r"^(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?/[\w./-]+(?::[\w][\w.-]*|@sha256:[0-9a-f]{64})$")
# What ECK starts for each kind, when the object names a version and no image.
ELASTIC = {"Elasticsearch": "elasticsearch/elasticsearch", "Kibana": "kibana/kibana"}
# "auto" is what a pod writes whose image the mesh fills in.
PLACEHOLDERS = ("", "auto")


def images_of(things: Iterable[Mapping[str, Any]], *, elastic_registry: str, mesh_image: str) -> list[str]:
    found: set[str] = set()
    for thing in things:
        found.update(_images(thing))
        spec = thing.get("spec") or {}
        if thing.get("kind") in ELASTIC and not spec.get("image"):
            found.add(f"{elastic_registry}/{ELASTIC[str(thing['kind'])]}:{spec.get('version')}")
        if _is_auto(thing):
            found.add(mesh_image)
    return sorted(found)


def _images(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "image" and isinstance(value, str) and value not in PLACEHOLDERS:
                yield value
            else:
                yield from _images(value)
    elif isinstance(node, list):
        for value in node:
            yield from _images(value)
    elif isinstance(node, str) and len(node) < 300:
        word = node.partition("=")[2] if node.startswith("-") else node
        if IMAGE.match(word):
            yield word


def _is_auto(node: Any) -> bool:
    if isinstance(node, Mapping):
        return node.get("image") == "auto" or any(_is_auto(value) for value in node.values())
    return isinstance(node, list) and any(_is_auto(value) for value in node)
