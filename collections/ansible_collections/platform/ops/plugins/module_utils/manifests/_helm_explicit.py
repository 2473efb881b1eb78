# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The place that the user named, where no chart is looked at."""

from __future__ import annotations

import posixpath

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_values import (
    PathError,
    dotted,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Place,
    UnreadableError,
    dig,
    parse,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import (
    FoundSites,
    Reason,
    Refusal,
    Site,
    Target,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import (
    Tree,
)


def explicit(tree: Tree, target: Target, values_file: str, path: str) -> FoundSites:
    """The place that the user named: `path` leads to the `resources` mapping (or into it) in a YAML file."""
    try:
        steps = dotted(path)
    except PathError as error:
        return FoundSites(refusals=(Refusal(Reason.INVALID_INPUT, f"helm.path: {error}.", values_file),))
    for length in (2, 1):
        if len(steps) > length and steps[-length] in ("limits", "requests"):
            steps = steps[:-length]
            break
    place = Place(posixpath.normpath(values_file), "helm-values")
    try:
        documents = parse(tree.read(place.file), place)
    except OpsError as error:
        return FoundSites(refusals=(Refusal(Reason(error.reason), error.message, values_file),))
    except UnreadableError as error:
        text = f"{values_file} cannot be read: {error.message}."
        return FoundSites(refusals=(Refusal(Reason(error.code), text, values_file),))
    if any(isinstance(one, Node) and "sops" in one for one in documents):
        text = f"{values_file} is encrypted by SOPS; its checksum covers every value. Change it with sops."
        return FoundSites(refusals=(Refusal(Reason.ENCRYPTED, text, values_file, decisive=True),))
    number = next((i for i, one in enumerate(documents) if dig(one, *steps) is not None), None)
    if number is None:
        number = next((i for i, one in enumerate(documents) if dig(one, steps[0]) is not None), 0)
    return FoundSites(
        (
            Site(
                file=place.file,
                document=number,
                resources=steps,
                layout="helm-values",
                kind=target.kind or "Deployment",
                name=target.name,
                namespace=target.namespace,
                container=target.container or "",
                source=place.file,
            ),
        )
    )
