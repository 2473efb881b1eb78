# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from tests.support.node_lab import _lab, cluster, namespace

__all__ = ["_lab", "cluster", "namespace"]
