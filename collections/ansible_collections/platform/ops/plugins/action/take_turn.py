# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Door to the module of the same name; see plugin_utils/_in_process.py."""

from __future__ import annotations

from ansible_collections.platform.ops.plugins.modules import take_turn
from ansible_collections.platform.ops.plugins.plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    module = take_turn
