# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every object that our roles write themselves is accepted by a real API server with the real CRDs."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.stack._objects import Guards, apply_objects
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server, open_server
from ansible_collections.platform.ops.plugins.module_utils.stack._wait import wait_ready
from ansible_collections.platform.ops.plugins.module_utils.stack._yaml import read_objects

from tests.site.conftest import Components

CHARTS = ("gateway-api", "prometheus-operator-crds", "cert-manager", "istio-base", "flagger", "eck-operator")
pytestmark = [pytest.mark.real, pytest.mark.stand_in("kwok-node")]


@pytest.fixture(scope="module")
def with_crds(kubeconfig: str, chart_data: Path) -> None:
    server = open_server(kubeconfig, None)
    for chart in CHARTS:
        things = read_objects((chart_data / chart / "crds.json").read_text(), chart)
        applied = apply_objects(server, things, Guards(take_ownership=True), dry_run=False).applied
        wait_ready(server, applied, timeout=60)


@pytest.mark.usefixtures("with_crds")
def test_every_object_our_roles_write_is_accepted(components: Components, server: Server) -> None:
    refused, seen = [], 0
    for component in components.values():
        spaces = {thing["metadata"].get("namespace") for thing in component["before"] + component["objects"]} - {None}
        made = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(spaces)]
        apply_objects(server, made, Guards(), dry_run=False)
        for thing in component["before"] + component["objects"]:
            seen += 1
            try:
                server.apply(thing, dry_run=True)
            except OpsError as error:
                refused.append(f"{component['name']}: {error.message}")
    assert seen > 10
    assert refused == []
