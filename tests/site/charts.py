# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder of charts for the lab tier, which needs no chart repository.

    python -m tests.site.charts FOLDER CHART_DATA
    ansible-playbook site.yml -e platform_charts_dir=FOLDER -e platform_check_values=false \\
      -e '{"gateway_api_files": ["CHART_DATA/gateway-api/crds.json"]}'

Istio's charts are the real ones, as istioctl carries them. Every other chart that the roles pin is the stand-in chart
under that chart's name and version, with the CustomResourceDefinitions of the real one.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from lab.tools import tool

ROOT = Path(__file__).parent.parent.parent
STAND_IN = Path(__file__).parent / "stand_in_chart"
PINS = ROOT / "roles/platform/vars/main/versions.yml"
ISTIO = {
    "istio-base": "base",
    "istiod": "istio-control/istio-discovery",
    "istio-cni": "istio-cni",
    "istio-gateway": "gateway",
}
# Charts whose definitions are templates: Helm installs and upgrades them with the release.
TEMPLATED = ("cert-manager",)


def assemble(folder: Path, data: Path, *, version: str = "", start_seconds: int = 0, istio: bool = True) -> Path:
    """`version` replaces the pinned one of every stand-in, to upgrade from. Without `istio` its charts are such too."""
    pins = yaml.safe_load(PINS.read_text())["platform_charts"].values()
    carried = folder.with_name(f"{folder.name}-istio")
    if istio:
        subprocess.run([tool("istio-charts"), carried], check=True, timeout=60)
    for pin in pins:
        name, target = pin["folder"], folder / pin["folder"]
        if istio and name in ISTIO:
            shutil.copytree(carried / "charts" / ISTIO[name], target)
        else:
            _stand_in(target, name, version or str(pin["version"]), data / name / "crds.json", start_seconds)
    return folder


def _stand_in(target: Path, name: str, version: str, crds: Path, start_seconds: int) -> None:
    shutil.copytree(STAND_IN, target)
    about = yaml.safe_load((target / "Chart.yaml").read_text())
    (target / "Chart.yaml").write_text(yaml.safe_dump({**about, "name": name, "version": version}))
    values = yaml.safe_load((target / "values.yaml").read_text())
    (target / "values.yaml").write_text(yaml.safe_dump({**values, "startSeconds": start_seconds}))
    if not crds.is_file():
        return
    place = target / ("more" if name in TEMPLATED or name == "istio-base" else "crds")
    place.mkdir()
    for thing in json.loads(crds.read_text())["items"]:
        if place.name == "more":
            thing["metadata"].setdefault("annotations", {})["helm.sh/resource-policy"] = "keep"
        (place / f"{thing['metadata']['name']}.json").write_text(json.dumps(thing))


if __name__ == "__main__":
    print(assemble(Path(sys.argv[1]), Path(sys.argv[2])))
