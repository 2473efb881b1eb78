# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests as people really leave them, each with the one number that an edit may change.

`@@` stands for the memory limit of the container `app` of the workload `web`. A file is right after an edit if it is
the same bytes with the new number in that place; where `reason` is set, a tool is right if it leaves the file alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

HEAD = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
"""
PLAIN = (
    HEAD
    + """        - name: app
          image: registry.example/web:1
          resources:
            limits:
              cpu: 500m
              memory: @@
            requests:
              memory: 64Mi
"""
)


LIMIT_PATH = ("spec", "template", "spec", "containers", 0, "resources", "limits", "memory")


@dataclass(frozen=True)
class Case:
    name: str
    template: bytes
    old: bytes = b"256Mi"
    new: bytes = b"384Mi"
    reason: str = ""
    kind: str = "Deployment"
    # where the number stands, for tools that have to be told
    document: int = 0
    path: tuple[str | int, ...] = LIMIT_PATH
    suffix: str = ".yaml"

    @property
    def before(self) -> bytes:
        return self.template.replace(b"@@", self.old)

    @property
    def after(self) -> bytes:
        return self.before if self.reason else self.template.replace(b"@@", self.new)


def case(name: str, template: str | bytes, **more: object) -> Case:
    data = template.encode() if isinstance(template, str) else template
    return Case(name, data, **more)  # type: ignore[arg-type]


def container(resources: str, indent: int = 10) -> str:
    pad = " " * indent
    return HEAD + "        - name: app\n" + "".join(f"{pad}{line}\n" for line in resources.splitlines())


CRON_PATH = ("spec", "jobTemplate", *("spec", "template", "spec", "containers", 0, "resources", "limits", "memory"))
POD_PATH = ("spec", "containers", 0, "resources", "limits", "memory")
IN_LIST = ("items", 1, *LIMIT_PATH)


@cache
def cases() -> tuple[Case, ...]:
    return (*_bytes(), *_comments(), *_styles(), *_scalars(), *_documents(), *_kinds(), *_refused())


def _bytes() -> list[Case]:
    return [
        case("plain", PLAIN),
        case("crlf", PLAIN.replace("\n", "\r\n")),
        case("crlf-only-in-part", PLAIN.replace("cpu: 500m\n", "cpu: 500m\r\n").replace("@@\n", "@@\r\n")),
        case("bom", b"\xef\xbb\xbf" + PLAIN.encode()),
        case("bom-and-crlf", b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode()),
        case("no-final-newline", PLAIN.rstrip("\n")),
        case("number-is-the-last-byte", container("resources:\n  limits:\n    memory: @@").rstrip("\n")),
        case("many-final-newlines", PLAIN + "\n\n\n"),
        case("trailing-spaces", PLAIN.replace("@@", "@@   ").replace("limits:", "limits: ")),
        case("tab-before-comment", PLAIN.replace("@@", "@@\t# measured\tin May")),
        case("tab-after-key", PLAIN.replace("memory: @@", "memory:\t@@")),
        case("non-ascii", PLAIN.replace("@@", "@@ # größer – ж 漢字 🚀").replace("registry.example", "ünï.example")),
        case("astral-before-number", "# 🚀🚀🚀\n" + PLAIN),
        case("no-break-space-in-comment", PLAIN.replace("@@", "@@ #\u00a0why\u200bso")),
        case(
            "very-long-line",
            PLAIN.replace("image:", "args: ['" + "x" * 4000 + " y'] # " + "z" * 500 + "\n          image:"),
        ),
        case("blank-lines-everywhere", PLAIN.replace("\n", "\n\n")),
        case("blank-lines-with-spaces", PLAIN.replace("limits:\n", "limits:\n   \n")),
        case("form-feed-free-carriage-return", PLAIN.replace("# ", "#\r ")),
    ]


def _comments() -> list[Case]:
    return [
        case("header-comment", "# Copyright\n#\n\n" + PLAIN),
        case("header-comment-before-marker", "# owned by team-a\n---\n" + PLAIN),
        case("comment-after-marker", "--- # generated, no, really\n" + PLAIN),
        case("comment-columns", PLAIN.replace("500m", "500m      # half").replace("@@", "@@     # quarter")),
        case(
            "comment-between-keys",
            PLAIN.replace("              memory: @@", "      # outdented\n              memory: @@"),
        ),
        case("comment-at-end", PLAIN + "# the end\n   # really"),
        case("comment-with-the-number", PLAIN.replace("@@", "@@ # was 256Mi, memory: 256Mi")),
        case(
            "commented-out-twin",
            PLAIN.replace("              memory: @@", "#             memory: 256Mi\n              memory: @@"),
        ),
        case("setter-marker", PLAIN.replace("@@", '@@ # {"$setter": "memory"}')),
        case("comment-without-space-column", PLAIN.replace("resources:", "resources: #!important")),
    ]


def _styles() -> list[Case]:
    seq = PLAIN.replace("        - name", "      - name").replace("\n          ", "\n        ")
    return [
        case("four-space-indent", "".join(_widened(line) for line in PLAIN.splitlines(keepends=True))),
        case("sequence-not-indented", seq),
        case("dash-with-wide-gap", PLAIN.replace("        - name", "      -   name")),
        case("dash-alone", PLAIN.replace("        - name: app", "        -\n          name: app")),
        case("double-spaces-after-colons", PLAIN.replace(": @@", ":   @@").replace("cpu: ", "cpu:  ")),
        case("space-before-colon", PLAIN.replace("memory: @@", "memory : @@")),
        case("flow-limits", container("resources: {limits: {cpu: 500m, memory: @@}, requests: {memory: 64Mi}}")),
        case("flow-tight", container("resources: {limits: {memory: @@,cpu: 1},requests: {memory: 64Mi}}")),
        case("flow-padded", container("resources: { limits: { memory: @@ , cpu: 1 } }")),
        case("flow-over-lines", container("resources: {\n  limits: {\n    memory: @@,  # here\n    cpu: 1,\n  },\n}")),
        case("flow-everything", _flow()),
        case("json-pretty", _json(), suffix=".json"),
        case("json-tabs", _json().replace("  ", "\t"), suffix=".json"),
        case("json-minified", "".join(_json().split()), suffix=".json"),
        case("json-in-yaml-file", _json() + "\n"),
        case("quoted-keys", PLAIN.replace("memory: @@", '"memory": @@').replace("limits:", "'limits':")),
        case("explicit-key", PLAIN.replace("memory: @@", "? memory\n              : @@")),
        case("value-on-next-line", PLAIN.replace("memory: @@", "memory:\n                @@")),
        case(
            "mixed-sequence-styles",
            PLAIN.replace(
                "          image",
                "          args:\n          - a\n          ports:\n            - {containerPort: 80}\n          image",
            ),
        ),
    ]


def _widened(line: str) -> str:
    bare = line.lstrip(" ")
    return " " * (2 * (len(line) - len(bare))) + bare.replace("- ", "-   ", 1)


def _flow() -> str:
    return (
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {spec: {containers: "
        "[{name: app, resources: {limits: {memory: @@}}}]}}}}\n"
    )


def _json() -> str:
    return """{
  "apiVersion": "apps/v1",
  "kind": "Deployment",
  "metadata": {"name": "web"},
  "spec": {
    "template": {
      "spec": {
        "containers": [
          {
            "name": "app",
            "resources": {
              "limits": {
                "memory": "@@"
              }
            }
          }
        ]
      }
    }
  }
}"""


def _scalars() -> list[Case]:
    odd = (
        "          env:\n"
        "            - {name: OCTAL, value: 0o14}\n            - {name: OLD_OCTAL, value: 0644}\n"
        "            - {name: YES, value: yes}\n            - {name: EXP, value: 1e3}\n"
        "            - {name: NULL, value: ~}\n            - {name: EMPTY, value: }\n"
        "            - {name: DATE, value: 2026-01-01}\n            - {name: SEXAGESIMAL, value: 12:30:45}\n"
        "            - {name: FLOAT, value: 1.10}\n            - {name: HEX, value: 0xFF}\n"
        "            - {name: BIG, value: 123456789012345678901234567890}\n          resources:"
    )
    block = (
        "          command:\n            - sh\n            - -c\n            - |\n              set -e\n"
        "              # memory: 256Mi\n\n              exec app   \n\n            - >-\n              folded\n"
        "              text\n\n              more\n            - |+\n              keep\n\n\n          resources:"
    )
    return [
        case("double-quoted", PLAIN.replace("@@", '"@@"')),
        case("single-quoted", PLAIN.replace("@@", "'@@'")),
        case("tagged", PLAIN.replace("@@", "!!str @@")),
        case("anchored-unused", PLAIN.replace("@@", "&mem @@")),
        case("block-scalar-number", PLAIN.replace("memory: @@\n", "memory: |-\n                @@\n")),
        case("bytes-as-integer", PLAIN, old=b"268435456", new=b"402653184"),
        case("exponent", PLAIN, old=b"256e6", new=b"384e6"),
        case("decimal-point", PLAIN, old=b"1.5Gi", new=b"2.25Gi"),
        case("quoted-decimal-bytes", PLAIN.replace("@@", "'@@'"), old=b"256M", new=b"384M"),
        case("odd-scalars-elsewhere", PLAIN.replace("          resources:", odd)),
        case("block-scalars-elsewhere", PLAIN.replace("          resources:", block)),
        case(
            "multi-line-plain-elsewhere",
            PLAIN.replace(
                "registry.example/web:1", "registry.example/web:1\n          args: [a,\n            b c\n            d]"
            ),
        ),
        case(
            "escapes-elsewhere",
            PLAIN.replace(
                "registry.example/web:1",
                r'"registry.example\/web\x3a1 \u00e9 \
            joined"',
            ),
        ),
        case(
            "anchors-elsewhere",
            PLAIN.replace(
                "          resources:",
                "          env: &env\n            - {name: A, value: &v b}\n            - {name: C, value: *v}\n"
                "          resources:",
            ),
        ),
        case(
            "numbers-alike-elsewhere",
            PLAIN.replace("web:1", "web:256Mi").replace(
                "              cpu", "              ephemeral-storage: 256Mi\n              cpu"
            ),
        ),
    ]


def _documents() -> list[Case]:
    other = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  memory: 256Mi\n"
    return [
        case("second-document", other + "---\n" + PLAIN, document=1),
        case("first-of-two-with-comments", PLAIN + "# between\n---\n# before\n" + other),
        case("empty-first-document", "---\n---\n" + PLAIN, document=1),
        case("empty-last-document", PLAIN + "---\n"),
        case("document-end-marker", PLAIN + "...\n"),
        case("end-and-start-markers", other + "...\n---\n" + PLAIN + "...\n", document=1),
        case("yaml-directive", "%YAML 1.1\n---\n" + PLAIN),
        case("tag-directive", "%TAG !x! tag:example.org,2026:\n---\n" + PLAIN),
        case(
            "list",
            "apiVersion: v1\nkind: List\nitems:\n  - " + _indented(other) + "  - " + _indented(PLAIN),
            path=IN_LIST,
        ),
        case(
            "list-not-indented",
            "kind: List\napiVersion: v1\nitems:\n- " + _indented(other, 2) + "- " + _indented(PLAIN, 2),
            path=IN_LIST,
        ),
        case("crlf-multi-document", (other + "---\n" + PLAIN).replace("\n", "\r\n"), document=1),
    ]


def _indented(text: str, by: int = 4) -> str:
    return text.replace("\n", "\n" + " " * by).rstrip(" ")


def _kinds() -> list[Case]:
    group = {"StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Job": "batch/v1", "Rollout": "argoproj.io/v1alpha1"}
    cron = PLAIN.replace("  template:\n", "  jobTemplate:\n   spec:\n    template:\n", 1)
    body = cron[cron.index("    template:\n") + len("    template:\n") :]
    cron = (
        cron[: cron.index("    template:\n")]
        + "    template:\n"
        + "".join(" " + line for line in body.splitlines(keepends=True))
    )
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n"
        "  containers:\n  - name: app\n    resources:\n      limits: {memory: @@}\n"
    )
    return [
        *(
            case(f"kind-{kind.lower()}", PLAIN.replace("apps/v1", api).replace("Deployment", kind), kind=kind)
            for kind, api in group.items()
        ),
        case(
            "kind-cronjob",
            cron.replace("apps/v1", "batch/v1").replace("Deployment", "CronJob"),
            kind="CronJob",
            path=CRON_PATH,
        ),
        case("kind-pod", pod, kind="Pod", path=POD_PATH),
        case(
            "vault-template-in-annotation",
            PLAIN.replace(
                "  template:\n", '  template:\n    metadata: {annotations: {t: "{{ with secret }}x{{ end }}"}}\n'
            ),
        ),
    ]


def _refused() -> list[Case]:
    anchor = "x: &shared {memory: @@}\n" + container("resources:\n  limits: *shared")
    merge = "x: &shared {memory: @@}\n" + container("resources:\n  limits: {<<: *shared, cpu: 1}")
    leaf = PLAIN.replace("@@", "&m @@").replace("64Mi", "*m")
    sops = PLAIN + "sops:\n  mac: ENC[AES256_GCM,data:abc]\n  version: 3.8.1\n"
    return [
        case(
            "duplicate-number",
            PLAIN.replace("memory: @@\n", "memory: @@\n              memory: 1Gi\n"),
            reason="duplicate_key",
        ),
        case(
            "duplicate-section",
            PLAIN.replace("            requests:", "            limits: {}\n            requests:"),
            reason="duplicate_key",
        ),
        case("latin-1", PLAIN.replace("@@", "@@ # gr\u00f6\u00dfer").encode("latin-1"), reason="not_utf8"),
        case("alias", anchor, reason="shared_anchor"),
        case("merge-key", merge, reason="shared_anchor"),
        case("alias-of-the-number", leaf, reason="shared_anchor"),
        case(
            "go-template",
            PLAIN.replace("spec:\n  template", "spec:\n  {{- if .Values.x }}\n  template"),
            reason="templated",
        ),
        case("go-template-as-number", PLAIN, old=b'"{{ .Values.memory }}"', reason="templated"),
        case("flux-variable", PLAIN, old=b"${MEMORY:=256Mi}", reason="templated"),
        case("sops", sops, reason="encrypted"),
        case("sops-number", PLAIN, old=b"ENC[AES256_GCM,data:x,type:str]", reason="encrypted"),
        case("line-separator-ends-a-comment", PLAIN.replace("@@", "@@ # why\u2028so"), reason="invalid_yaml"),
        case("broken-yaml", PLAIN.replace("limits:", "limits: ["), reason="invalid_yaml"),
        case("tab-indented", PLAIN.replace("              memory: @@", "\t\tmemory: @@"), reason="invalid_yaml"),
        case("milli-bytes", PLAIN, old=b"512m", reason="suspicious_quantity"),
        case("capital-k", PLAIN, old=b"262144K", reason="invalid_quantity"),
        case("octal", PLAIN, old=b"0400000000", reason="suspicious_quantity"),
        case("underscores", PLAIN, old=b"268_435_456", reason="invalid_quantity"),
    ]
