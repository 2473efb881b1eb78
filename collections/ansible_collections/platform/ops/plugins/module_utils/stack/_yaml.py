# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read manifests as Kubernetes reads them.

PyYAML follows YAML 1.1: it refuses a plain `=` (an enum member in the AlertmanagerConfig CRD) and turns dates into
objects that JSON does not know. Kubernetes takes both as text.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

try:
    import yaml
except ImportError as error:
    YAML_IMPORT_ERROR: ImportError | None = error
else:
    YAML_IMPORT_ERROR = None

    class ManifestLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """A safe loader that keeps `=` and dates as text."""

    class ManifestDumper(yaml.SafeDumper):
        """Writes text of several lines line by line, so that a difference shows the lines that differ."""

    def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    ManifestDumper.add_representer(str, _text)

    for _tag in ("tag:yaml.org,2002:value", "tag:yaml.org,2002:timestamp"):
        ManifestLoader.add_constructor(_tag, lambda loader, node: loader.construct_scalar(node))

Object = dict[str, Any]


def read_objects(text: str, source: str) -> list[Object]:
    """All objects of a stream, Lists unpacked, empty documents left out."""
    try:
        documents = list(yaml.load_all(text, Loader=ManifestLoader))
    except yaml.YAMLError as error:
        raise InputError(f"Failed to read {source} as YAML: {error}") from error
    found: list[Object] = []
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict) or "kind" not in document:
            raise InputError(f"Failed to read {source}: a document of it is no Kubernetes object (it has no kind).")
        if document["kind"].endswith("List") and "items" in document:
            found.extend(item for item in document["items"] or [] if item)
        else:
            found.append(document)
    return found


def read_mapping(text: str, source: str) -> Object:
    try:
        value = yaml.load(text, Loader=ManifestLoader)  # noqa: S506 (derived from the safe loader)
    except yaml.YAMLError as error:
        raise InputError(f"Failed to read {source} as YAML: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"Failed to read {source}: it holds no mapping.")
    return value


def write_yaml(value: Any) -> str:
    return str(yaml.dump(value, Dumper=ManifestDumper, sort_keys=True, default_flow_style=False, width=160))
