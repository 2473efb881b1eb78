# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

STANDBY = Path(__file__).resolve().parents[3] / "extensions/eda/standby.py"


def test_a_label_that_could_not_be_set_is_an_error_so_that_it_is_tried_again(monkeypatch):
    labeller = runpy.run_path(str(STANDBY))["labeller"]
    for name in ("KUBECONFIG", "K8S_AUTH_KUBECONFIG", "K8S_AUTH_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("POD_NAME", "a"), ("POD_NAMESPACE", "b"), ("KUBERNETES_SERVICE_HOST", "127.0.0.1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "9")
    with pytest.raises(OSError, match="could not be labelled"):
        labeller()(True)
