# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet repository of any size, the same for the same numbers, with targets whose right place is known.

    python benchmarks/fleet_generator.py FOLDER [FILES [TARGETS]]

One target in five is not named in any file: a Kustomize prefix or suffix, or a Helm release, makes its name.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WORKLOAD = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  {namespace}
  labels:
    app.kubernetes.io/name: {name}
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
    spec:
      containers:
        - name: server  # the one that serves
          image: registry.example/{name}:1.{replicas}.0
          ports:
            - name: http
              containerPort: 8080
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
            limits:
              cpu: 500m
              memory: 256Mi
"""
SIDE_FILES = {
    "service.yaml": """apiVersion: v1
kind: Service
metadata:
  name: {name}
  {namespace}
spec:
  selector:
    app.kubernetes.io/name: {name}
  ports:
    - name: http
      port: 80
      targetPort: http
""",
    "configmap.yaml": """apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  {namespace}
data:
  LOG_LEVEL: info
  UPSTREAM: http://{name}-backend:8080
  SETTINGS: |
    memory: 256Mi
    workers: 4
""",
    "hpa.yaml": """apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {name}
  {namespace}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {name}
  minReplicas: 2
  maxReplicas: 6
""",
    "pdb.yaml": """apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {name}
  {namespace}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
""",
    "ingress.yaml": """apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  {namespace}
spec:
  rules:
    - host: {name}.example.org
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: {name}
                port:
                  name: http
""",
    "serviceaccount.yaml": """apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
  {namespace}
""",
    "networkpolicy.yaml": """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {name}
  {namespace}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: {name}
""",
}
CHART_TEMPLATE = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-{{ .Chart.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels:
      app: {{ .Release.Name }}
  template:
    metadata:
      labels:
        app: {{ .Release.Name }}
    spec:
      containers:
        - name: server
          image: {{ .Values.image }}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
"""
VALUES = """# values of {name}
image: registry.example/{name}:1.0.0
replicas: 2
resources:
  requests:
    cpu: 100m
    memory: 128Mi
  limits:
    cpu: 500m
    memory: 256Mi
"""
RELEASE = """apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: {release}
  namespace: {namespace}
spec:
  interval: 10m
  releaseName: {release}
  chart:
    spec:
      chart: ./charts/{chart}
      sourceRef:
        kind: GitRepository
        name: fleet
        namespace: flux-system
  values:
    replicas: 3
    resources:
      limits:
        memory: 256Mi
"""


@dataclass(frozen=True)
class Goal:
    """A target, and the folder in which its number is decided."""

    name: str
    namespace: str
    folder: str
    literal: bool


def _write(root: Path, path: str, text: str) -> int:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return 1


def _plain(root: Path, number: int, rng: random.Random) -> tuple[int, Goal]:
    name, namespace = f"svc-{number:05d}", f"team-{number % 40:02d}"
    folder = f"apps/{namespace}/{name}"
    values = {"name": name, "namespace": f"namespace: {namespace}", "replicas": rng.randint(1, 6)}
    if number % 10 == 0:  # everything in one file of many documents
        text = "---\n".join(one.format(**values) for one in (*SIDE_FILES.values(), WORKLOAD))
        return _write(root, f"{folder}/all.yaml", text), Goal(name, namespace, folder, literal=True)
    written = _write(root, f"{folder}/deployment.yaml", WORKLOAD.format(**values))
    for file, text in SIDE_FILES.items():
        written += _write(root, f"{folder}/{file}", text.format(**values))
    return written, Goal(name, namespace, folder, literal=True)


def _overlay(root: Path, number: int, rng: random.Random) -> tuple[int, Goal]:
    plain, namespace = f"kapp{number:04d}", f"prod-{number % 20:02d}"
    folder = f"kustomize/{plain}"
    values = {"name": plain, "namespace": "labels: {tier: back}", "replicas": rng.randint(1, 6)}
    text = WORKLOAD.format(**values).replace("  labels: {tier: back}\n", "", 1)
    written = _write(root, f"{folder}/base/deployment.yaml", text)
    written += _write(root, f"{folder}/base/service.yaml", SIDE_FILES["service.yaml"].format(**values))
    written += _write(root, f"{folder}/base/kustomization.yaml", "resources:\n  - deployment.yaml\n  - service.yaml\n")
    patch = (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {plain}\nspec:\n  template:\n    spec:\n"
        "      containers:\n        - name: server\n          resources:\n            limits:\n"
        "              memory: 256Mi\n"
    )
    overlay = (
        f"namespace: {namespace}\nnamePrefix: acme-\nnameSuffix: -v{number % 3}\n"
        "resources:\n  - ../../base\npatches:\n  - path: memory.yaml\n"
    )
    written += _write(root, f"{folder}/overlays/prod/kustomization.yaml", overlay)
    written += _write(root, f"{folder}/overlays/prod/memory.yaml", patch)
    goal = Goal(f"acme-{plain}-v{number % 3}", namespace, f"{folder}/overlays/prod", literal=False)
    return written, goal


def _release(root: Path, number: int, charts: int) -> tuple[int, Goal]:
    chart, release, namespace = f"chart{number % charts:02d}", f"rel{number:04d}", f"helm-{number % 10:02d}"
    text = RELEASE.format(release=release, namespace=namespace, chart=chart)
    written = _write(root, f"releases/{release}.yaml", text)
    return written, Goal(f"{release}-{chart}", namespace, f"releases/{release}.yaml", literal=False)


def _charts(root: Path, count: int) -> int:
    written = 0
    for number in range(count):
        folder = f"charts/chart{number:02d}"
        chart = f"apiVersion: v2\nname: chart{number:02d}\nversion: 1.0.0\n"
        written += _write(root, f"{folder}/Chart.yaml", chart)
        written += _write(root, f"{folder}/values.yaml", VALUES.format(name=f"chart{number:02d}"))
        written += _write(root, f"{folder}/templates/deployment.yaml", CHART_TEMPLATE)
    return written


def generate(root: Path, files: int = 10_000, targets: int = 200, seed: int = 1) -> list[Goal]:
    """Write the fleet and return the targets: four in five named in a file, one in ten each by Kustomize and Helm."""
    rng = random.Random(seed)
    hidden = max(1, targets // 10)
    kustomize, helm = max(hidden, files // 100), max(hidden, files // 200)
    charts = max(2, helm // 5)
    written = _charts(root, charts)
    overlays: list[Goal] = []
    releases: list[Goal] = []
    for number in range(kustomize):
        more, goal = _overlay(root, number, rng)
        written += more
        overlays.append(goal)
    for number in range(helm):
        more, goal = _release(root, number, charts)
        written += more
        releases.append(goal)
    plain = list(_fill(root, files - written, rng))
    return [
        *rng.sample(plain, min(len(plain), targets - 2 * hidden)),
        *rng.sample(overlays, hidden),
        *rng.sample(releases, hidden),
    ]


def _fill(root: Path, files: int, rng: random.Random) -> Iterator[Goal]:
    number = written = 0
    while written < files:
        more, goal = _plain(root, number, rng)
        written += more
        number += 1
        yield goal


if __name__ == "__main__":
    folder, *numbers = sys.argv[1:]
    for goal in generate(Path(folder), *(int(one) for one in numbers)):
        print(goal)
