# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a rulebook in one of several processes, the others standing by:

standby.py --vars VARS [--health-port 8081] -- ansible-rulebook … --vars VARS --persistence-id ID

The database is that of the rulebook's own state, from VARS and from the environment (drools_db_password). Each process
needs a state folder of its own. In a pod (POD_NAME, POD_NAMESPACE) the one that leads labels itself.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[5]))  # started by its path

import yaml
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, OpsError
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Connection, connect
from ansible_collections.platform.ops.plugins.module_utils.remediation._standby import (
    LEADING,
    Database,
    PostgresLock,
    Standby,
    Times,
)

logger = logging.getLogger("platform.ops.standby")

ROLE = "platform.ops/role"


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="standby.py", description=(__doc__ or "").splitlines()[0])
    options.add_argument("--vars", required=True, type=Path, help="the rulebook's variables")
    options.add_argument("--health-port", type=int, default=int(os.environ.get("PLATFORM_OPS_HEALTH_PORT") or 0))
    options.add_argument("--stop-seconds", type=float, default=75.0, help="for a run to end when told to stop")
    options.add_argument("command", nargs="+", help="ansible-rulebook with its arguments, after --")
    return options


def read_variables(path: Path) -> dict[str, Any]:
    try:
        variables = yaml.safe_load(path.read_text()) or {}
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"The rulebook's variables {path} cannot be read: {error}") from error
    return {**variables, **{name: value for name, value in os.environ.items() if name.startswith("drools_")}}


def persistence_id(command: list[str]) -> str:
    try:
        return command[command.index("--persistence-id") + 1]
    except (ValueError, IndexError):
        raise InputError("The command needs --persistence-id, by which its processes find the same state.") from None


def labeller() -> Callable[[bool], None]:
    """Labels this pod while it leads, for the Service that selects by it; does nothing outside of a pod.

    Without the label no alert arrives by the Service, so whoever calls it does so again after an OSError.
    """
    name, namespace = os.environ.get("POD_NAME"), os.environ.get("POD_NAMESPACE")
    if not name or not namespace or "KUBERNETES_SERVICE_HOST" not in os.environ:
        return lambda _leads: None
    path = f"/api/v1/namespaces/{namespace}/pods/{name}"

    def label(leads: bool) -> None:
        try:
            connect(Connection(timeout=10)).patch(path, {"metadata": {"labels": {ROLE: "leader" if leads else None}}})
        except OpsError as error:
            raise OSError(f"This pod could not be labelled: {error}") from error

    return label


def serve_health(port: int, standby: Standby, receiver: Callable[[], str]) -> None:
    """Alive as long as this answers and, while it leads, the receiver does. Ready also when it stands by well."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if standby.state == LEADING:
                code, text = ask(receiver() + self.path)
            else:
                good = self.path == "/healthz" or standby.healthy
                code, text = (200 if good else 503), json.dumps({"status": standby.state, "database": standby.healthy})
            self.send_response(code)
            self.end_headers()
            self.wfile.write(text.encode() + b"\n")

        def log_message(self, *_arguments: Any) -> None:
            """Probes are no news."""

    server = ThreadingHTTPServer(("", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def ask(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=4) as answer:  # noqa: S310 (loopback)
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 503, json.dumps({"error": str(error)})


def watched(variables: Mapping[str, Any]) -> str:
    """Where the receiver answers probes: its port for that, or the one for alerts when there is no such."""
    port = variables.get("remediation_metrics_port") or variables.get("remediation_listen_port") or 5000
    return f"http://127.0.0.1:{port}"


def main(arguments: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s - %(name)s - %(levelname)s - %(message)s")
    options = parser().parse_args(arguments)
    try:
        variables = read_variables(options.vars)
        lock = PostgresLock(Database.of(variables), persistence_id(options.command))
    except InputError as error:
        logger.error("%s", error)
        return 2
    standby = Standby(
        lock, options.command, environment=os.environ, lead=labeller(), times=Times(stop=options.stop_seconds)
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: standby.stop())
    if options.health_port:
        serve_health(options.health_port, standby, lambda: watched(variables))
    return standby.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
