# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Role haproxy: Debian's HAProxy under systemd on a machine, with clients that never stop asking."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import ClassVar

import pytest

from lab import machine
from lab.shell import run, wait_for
from lab.state import Machine
from tests.cluster.conftest import Site
from tests.support.inside import inside

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

SERVERS = {"cp-1": "10.77.0.201", "cp-2": "10.77.0.202", "cp-3": "10.77.0.203"}
API = 6443


class Answering(http.server.BaseHTTPRequestHandler):
    """Says who it is; to the health check what `unwell` says."""

    protocol_version = "HTTP/1.1"
    unwell: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        name = self.server.server_name
        body = name.encode()
        self.send_response(500 if self.path == "/readyz" and name in self.unwell else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        """Without the look-up of its own name."""
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "", API


def tls(folder: Path) -> ssl.SSLContext:
    key, certificate = folder / "key.pem", folder / "cert.pem"
    words = ("-subj", "/CN=kubernetes", "-keyout", key, "-out", certificate, "-days", "2")
    run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *words])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@contextmanager
def api_servers(site: Site, folder: Path) -> Iterator[None]:
    """Three TLS servers with addresses of their own, in the lab's network."""
    context = tls(folder)
    started = []
    try:
        for name, address in SERVERS.items():
            run(["ip", "-n", site.lab.netns, "addr", "add", f"{address}/24", "dev", "br0"])
            server = Server((address, API), Answering)
            server.server_name = name
            # the handshake belongs to the connection's thread, not to the one that accepts
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            started.append(server)
        yield
    finally:
        for server in started:
            server.shutdown()
            server.server_close()


def connection(address: str) -> HTTPSConnection:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(address, API, context=context, timeout=60)


def ask(client: HTTPSConnection) -> str:
    client.request("GET", "/")
    return client.getresponse().read().decode()


class Load:
    """Clients that connect anew for each request, and one that keeps its connection."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.kept = 0
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._anew) for _ in range(3)]
        self._threads.append(threading.Thread(target=self._keep))

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(120)

    def _anew(self) -> None:
        while not self._end.is_set():
            client = connection(self.address)
            try:
                self.answers[ask(client)] += 1
            except (OSError, HTTPException) as error:
                self.failures.append(repr(error))
            finally:
                client.close()

    def _keep(self) -> None:
        client = connection(self.address)
        try:
            while not self._end.is_set():
                ask(client)
                self.kept += 1
                self._end.wait(0.05)
        except (OSError, HTTPException) as error:
            self.failures.append(f"the kept connection: {error!r}")
        finally:
            client.close()


def metrics(site: Site, balancer: Machine) -> str:
    fetch = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8404/metrics').read().decode())"
    return machine.ssh(site.lab, balancer, "python3", "-c", fetch)


def up(site: Site, balancer: Machine) -> set[str]:
    """Servers of the API that HAProxy finds well."""
    lines = metrics(site, balancer).splitlines()
    status = 'haproxy_server_status{proxy="kubernetes-api",server="'
    return {line.split('"')[3] for line in lines if line.startswith(status) and 'state="UP"} 1' in line}


def workers(site: Site, balancer: Machine) -> list[str]:
    return machine.ssh(
        site.lab,
        balancer,
        "pgrep",
        "--parent",
        machine.ssh(site.lab, balancer, "systemctl", "show", "haproxy", "--property=MainPID", "--value").strip(),
    ).split()


@pytest.fixture(scope="module")
def balancer(site: Site) -> Machine:
    return site.machine("balancer", "load_balancers")


def test_servers_come_and_go_without_a_failed_request_and_a_bad_configuration_changes_nothing(
    site: Site, balancer: Machine, tmp_path: Path
) -> None:
    site.groups["control_plane"] = {name: {"ansible_host": address} for name, address in SERVERS.items()}
    without = json.dumps({"haproxy_control_planes": [{"name": "cp-2", "address": SERVERS["cp-2"]}]})
    with inside(site.lab), api_servers(site, tmp_path):
        site.playbook("load_balancers")
        wait_for("all servers are well", lambda: up(site, balancer) == set(SERVERS), deadline=180)
        first = workers(site, balancer)

        with Load(balancer.address) as load:
            assert "changed=2" in site.playbook("load_balancers", "--diff", "-e", without)  # written, reloaded
            for _ in range(5):
                machine.ssh(site.lab, balancer, "systemctl", "reload", "haproxy")
            assert "changed=2" in site.playbook("load_balancers")
        assert load.failures == []
        assert sum(load.answers.values()) > 100
        assert load.kept > 10
        assert set(load.answers) == set(SERVERS)
        assert workers(site, balancer)[-1] not in first

        before = machine.ssh(site.lab, balancer, "cat", "/etc/haproxy/haproxy.cfg")
        for extra in ("backend broken\n    balance nonsense", "frontend taken\n    bind 127.0.0.1:22"):
            said = site.refused("load_balancers", "-e", json.dumps({"haproxy_extra": extra}))
            assert ("refuses the new configuration" if "nonsense" in extra else "could not serve") in said
            assert machine.ssh(site.lab, balancer, "cat", "/etc/haproxy/haproxy.cfg") == before
            assert ask(connection(balancer.address)) in SERVERS
        assert "changed=0" in site.playbook("load_balancers")

        # statistics are for the machine itself
        with pytest.raises(OSError, match="refused"):
            HTTPConnection(balancer.address, 8404, timeout=10).request("GET", "/stats")

        Answering.unwell = {"cp-1"}
        wait_for("the unwell one is left out", lambda: up(site, balancer) == {"cp-2", "cp-3"}, deadline=180)


def test_without_a_control_plane_nothing_is_written(site: Site, balancer: Machine) -> None:
    before = machine.ssh(site.lab, balancer, "cat", "/etc/haproxy/haproxy.cfg")
    said = site.refused("load_balancers", "-e", json.dumps({"haproxy_control_planes": []}))
    assert "No machine of a control plane is known for balancer" in said
    assert machine.ssh(site.lab, balancer, "cat", "/etc/haproxy/haproxy.cfg") == before
