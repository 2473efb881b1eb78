# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A loopback HTTP server for emulated git hosts: faults on demand, git over smart HTTP, every exchange recorded."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

GIT_PATH = re.compile(r"/(?P<repo>.+?)\.git/(info/refs|git-upload-pack|git-receive-pack)$")


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # still percent-encoded
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Response:
    status: int
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    html: str = ""  # instead of JSON, as a proxy or a login page answers


@dataclass
class Fault:
    """What goes wrong with the next `times` requests that match.

    Without `after_acting` the server answers `response` instead of acting; with it the server acts, and then answers
    `response`, or cuts the connection when there is none.
    """

    method: str
    path: str  # regular expression, searched in the path
    response: Response | None = None
    after_acting: bool = False
    times: int = 1


class Emulator:
    """Base of the emulators: routes, faults, records. Subclasses give `routes` and `authorised`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.problems: list[str] = []  # departures from the published description; tests assert that there are none
        self.url = ""
        self._lock = threading.Lock()

    def inject(self, method: str, path: str, **kind: Any) -> None:
        self.faults.append(Fault(method, path, **kind))

    def answer(self, request: Request) -> Response:
        raise NotImplementedError

    def git_allowed(self, request: Request, password: str) -> bool:
        raise NotImplementedError

    def git_directory(self, name: str) -> Path | None:
        raise NotImplementedError

    def handle(self, request: Request) -> Response | None:
        """The answer; None cuts the connection."""
        with self._lock:
            self.requests.append(request)
            fault = self._fault(request)
            if fault and not fault.after_acting:
                return fault.response
            try:
                response = self.answer(request)
            except Exception as problem:  # the emulator's own mistake must show in the test
                self.problems.append(f"{request.method} {request.path}: {problem!r}")
                return Response(501, {"message": "the emulator failed"})
            return fault.response if fault else response

    def _fault(self, request: Request) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fault.method == request.method and re.search(fault.path, request.path):
                fault.times -= 1
                return fault
        return None


def route(routes: Mapping[tuple[str, str], Callable[..., Response]], request: Request) -> Response | None:
    """Calls the handler whose template, like "/repos/{owner}/pulls", fits; {name*} takes slashes. None: none fits."""
    for (method, template), handler in routes.items():
        if method == request.method:
            pattern = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", template)
            match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern), request.path)
            if match:
                return handler(request, **match.groupdict())
    return None


def paged(items: list[Any], request: Request, url: str) -> tuple[list[Any], dict[str, str]]:
    """One page of the items and the Link header that leads to the next."""
    size, page = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
    headers = {}
    if page * size < len(items):
        others = "".join(
            f"&{name}={value}" for name, value in request.query.items() if name not in ("page", "per_page")
        )
        headers["Link"] = f'<{url}{request.path}?page={page + 1}&per_page={size}{others}>; rel="next"'
    return items[(page - 1) * size : page * size], headers


@contextmanager
def serve(emulator: Emulator) -> Iterator[str]:
    """Runs the emulator on a free loopback port; yields its base URL."""

    class Handler(_Handler):
        target = emulator

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    emulator.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield emulator.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    target: Emulator
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """The emulator keeps its own record."""

    def _do(self) -> None:
        url = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=url.path,
            query=dict(parse_qsl(url.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        if GIT_PATH.fullmatch(url.path):
            self._git(request, url.query)
            return
        response = self.target.handle(request)
        if response is None:
            self.close_connection = True
            return
        body = response.html.encode() or (b"" if response.json is None else json.dumps(response.json).encode())
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{'text/html' if response.html else 'application/json'}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _do

    def _git(self, request: Request, query: str) -> None:
        scheme, _, blob = request.headers.get("authorization", "").partition(" ")
        user, _, password = base64.b64decode(blob).decode().partition(":") if scheme == "Basic" else ("", "", "")
        found = GIT_PATH.fullmatch(request.path)
        directory = self.target.git_directory(found["repo"]) if found else None
        if not self.target.git_allowed(request, password):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="emulator"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if directory is None:
            self.send_error(404)
            return
        run = subprocess.run(
            ["git", "http-backend"],
            input=request.body,
            capture_output=True,
            check=True,
            timeout=60,
            env={
                **os.environ,
                "GIT_PROJECT_ROOT": str(directory.parent),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": f"/{directory.name}/{request.path.split('.git/', 1)[1]}",
                "REQUEST_METHOD": request.method,
                "QUERY_STRING": query,
                "CONTENT_TYPE": request.headers.get("content-type", ""),
                "CONTENT_LENGTH": str(len(request.body)),
                "REMOTE_USER": user,
                "REMOTE_ADDR": "127.0.0.1",
                "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
                "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
            },
        )
        head, _, body = run.stdout.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode().split("\r\n")]
        status = next((value for name, _, value in lines if name.lower() == "status"), "200")
        self.send_response(int(status.split()[0]))
        for name, _, value in lines:
            if name.lower() != "status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
