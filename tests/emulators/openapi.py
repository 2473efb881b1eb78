# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GitHub's published OpenAPI description: fetched once with npm; checks and fills what the emulator says."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

LOCKED = Path(__file__).parent / "github_openapi"
VERSION = "23.0.2"
SHA256 = "829b4bebb19a53133289f7b0bc819f4f1118115821db2ca9f25e9ee995a7da2a"
REF = "#/components/"
SAMPLES = {"uri": "https://api.github.com/", "date-time": "2026-01-02T03:04:05Z", "email": "octocat@example.org"}


class DescriptionMissingError(Exception):
    """The description is not on this machine and cannot be fetched; the message says why."""


def fetch() -> Path:
    """The description's file in the cache, fetched by npm, which checks the integrity hash of the lock file."""
    cache = Path(os.environ.get("PLATFORM_OPS_CACHE") or Path.home() / ".cache" / "platform-ops")
    file = cache / f"github-openapi-{VERSION}.json"
    if file.is_file() and _digest(file) == SHA256:
        return file
    if shutil.which("npm") is None:
        raise DescriptionMissingError("npm is missing, so GitHub's OpenAPI description cannot be fetched")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(LOCKED / name, scratch)
        run = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=scratch,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        if run.returncode != 0:
            raise DescriptionMissingError(f"npm ci in {LOCKED} failed: {run.stderr.strip()[-300:]}")
        fetched = Path(scratch) / "node_modules/@octokit/openapi/generated/api.github.com.json"
        if _digest(fetched) != SHA256:
            raise DescriptionMissingError(f"{fetched.name} of @octokit/openapi {VERSION} is not the file we know")
        fetched.replace(file)
    return file


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


class Description:
    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._schemas: dict[str, Any] = {}
        self._paths = [
            (re.compile(re.sub(r"\\\{[^}]+\\\}", "(.+)" if "{ref}" in path else "([^/]+)", re.escape(path))), path)
            for path in sorted(document["paths"], key=lambda path: (path.count("{"), -len(path)))
        ]

    def request_problems(self, method: str, path: str, query: Mapping[str, str], body: Any) -> list[str]:
        operation = self._operation(method, path)
        if operation is None:
            return [f"{method} {path}: no such operation"]
        where = f"{method} {path}"
        known = {p["name"]: p for p in map(self._resolve, operation.get("parameters", [])) if p["in"] == "query"}
        problems = [f"{where}: unknown query parameter {name}" for name in query if name not in known]
        for name, value in query.items():
            if name in known:
                problems += self._problems(
                    f"{where}?{name}", known[name]["schema"], _typed(known[name]["schema"], value)
                )
        content = self._resolve(operation.get("requestBody", {})).get("content", {})
        if "application/json" in content:
            required = self._resolve(operation["requestBody"]).get("required", False)
            if body is not None or required:
                problems += self._problems(f"{where} body", content["application/json"]["schema"], body)
        elif body is not None:
            problems.append(f"{where}: takes no body")
        return problems

    def response_problems(self, method: str, path: str, status: int, body: Any) -> list[str]:
        operation = self._operation(method, path)
        where = f"{method} {path} -> {status}"
        if operation is None:
            return [f"{where}: no such operation"]
        answers = operation["responses"]
        if str(status) not in answers:
            # Any operation may answer these, whether or not the description repeats it.
            return [] if status in (401, 403, 404, 429) or status >= 500 else [f"{where}: undocumented status"]
        content = self._resolve(answers[str(status)]).get("content", {})
        if "application/json" in content:
            return self._problems(where, content["application/json"]["schema"], body)
        return [f"{where}: has no body"] if body is not None and not content else []

    def sample(self, schema: str, /, **values: Any) -> Any:
        """The least object that fits components/schemas/`schema`, with `values` laid over it."""
        return _overlay(self._sample({"$ref": f"{REF}schemas/{schema}"}), values)

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, template in self._paths:
            if pattern.fullmatch(path) and method.lower() in self._document["paths"][template]:
                return self._document["paths"][template][method.lower()]
        return None

    def _resolve(self, node: Any) -> Any:
        while isinstance(node, dict) and "$ref" in node:
            section, name = node["$ref"].removeprefix(REF).split("/", 1)
            node = self._document["components"][section][name]
        return node

    def _problems(self, where: str, schema: Any, value: Any) -> list[str]:
        validator = jsonschema.Draft202012Validator(
            {**self._converted(schema), "components": {"schemas": self._schemas}}
        )
        return [
            f"{where}: {'/'.join(map(str, error.absolute_path)) or '.'}: {error.message[:200]}"
            for error in validator.iter_errors(value)
        ]

    def _converted(self, node: Any) -> Any:
        """The OpenAPI 3.0 schema as JSON Schema; the components it refers to are gathered in self._schemas."""
        if isinstance(node, list):
            return [self._converted(item) for item in node]
        if not isinstance(node, dict):
            return node
        if isinstance(node.get("$ref"), str):
            name = node["$ref"].removeprefix(f"{REF}schemas/")
            if name not in self._schemas:
                self._schemas[name] = {}  # stops recursion
                self._schemas[name] = self._converted(self._document["components"]["schemas"][name])
            return {"$ref": node["$ref"]}
        converted = {key: self._converted(value) for key, value in node.items() if key not in ("example", "examples")}
        if converted.pop("nullable", False) is True:
            return {"anyOf": [converted, {"type": "null"}]}
        return converted

    @functools.cache  # noqa: B019 - one description per test session
    def _component_sample(self, name: str) -> str:
        return json.dumps(self._sample(self._document["components"]["schemas"][name]))

    def _sample(self, schema: dict[str, Any]) -> Any:
        if "$ref" in schema:
            return json.loads(self._component_sample(schema["$ref"].removeprefix(f"{REF}schemas/")))
        if schema.get("nullable"):
            return None
        if "allOf" in schema:
            merged: Any = {}
            for part in schema["allOf"]:
                merged = _overlay(merged, self._sample(part))
            return merged
        for choice in ("oneOf", "anyOf"):
            if choice in schema and "properties" not in schema:
                return self._sample(schema[choice][0])
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "object")
        if kind == "object":
            properties = schema.get("properties", {})
            return {name: self._sample(properties[name]) for name in schema.get("required", []) if name in properties}
        if kind == "array":
            return []
        if kind == "string":
            return SAMPLES.get(schema.get("format", ""), str(schema.get("example", "sample")))
        return {"integer": 1, "number": 1, "boolean": False}[kind]


def _typed(schema: Mapping[str, Any], value: str) -> Any:
    return int(value) if schema.get("type") == "integer" and value.isdigit() else value


def _overlay(under: Any, over: Any) -> Any:
    if isinstance(under, dict) and isinstance(over, dict):
        return {**under, **{name: _overlay(under.get(name), value) for name, value in over.items()}}
    return over


@functools.cache
def description() -> Description:
    return Description(json.loads(fetch().read_text()))
