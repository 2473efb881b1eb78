# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layouts beyond plain manifests, as finders. Flux and Argo CD come in through what they deploy."""

from __future__ import annotations

from ansible_collections.platform.ops.plugins.module_utils.manifests._helm import explicit, warm_up
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm import find as find_helm
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize import SharedBase
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize import find as find_kustomize
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import YAML_IMPORT_ERROR
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Finder

__all__ = ["LAYOUTS", "YAML_IMPORT_ERROR", "SharedBase", "explicit", "find_helm", "find_kustomize", "warm_up"]

LAYOUTS: tuple[Finder, ...] = (find_kustomize, find_helm)
