# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a chart or an image comes from when it must not come from where it usually does. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOCKER_HUB = "docker.io"


def mirrored_chart(pin: Mapping[str, Any], mirror: str) -> dict[str, Any]:
    """The pin with its reference rewritten: to an OCI mirror, to one chart repository, or unchanged."""
    name = str(pin["chart"]).rpartition("/")[2]
    if mirror.startswith("oci://"):
        return {**pin, "chart": f"{mirror.rstrip('/')}/{name}", "repository": ""}
    if mirror.startswith(("http://", "https://")):
        return {**pin, "chart": name, "repository": mirror}
    if mirror:
        return {**pin, "chart": f"{mirror.rstrip('/')}/{name}-{pin['version']}.tgz", "repository": ""}
    return dict(pin)


def mirrored_registry(registry: str, mirrors: Mapping[str, str]) -> str:
    """`mirrors`: replacements by registry; `*` stands for all others, which keep their name as a folder below it."""
    if registry in mirrors:
        return mirrors[registry]
    return f"{mirrors['*'].rstrip('/')}/{registry}" if "*" in mirrors else registry


def mirrored_image(image: str, mirrors: Mapping[str, str]) -> str:
    first, slash, rest = image.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = DOCKER_HUB, image if slash else f"library/{image}"
    changed = mirrored_registry(first, mirrors)
    return image if changed == first else f"{changed}/{rest}"
