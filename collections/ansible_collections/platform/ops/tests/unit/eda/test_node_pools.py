# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source that tells when a pool has something to do, on a small API server of the test's own."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import yaml

NODE = {
    "metadata": {"name": "workers-1", "uid": "u1", "labels": {"platform.ops/pool": "workers"}},
    "spec": {},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}
AT = "2026-01-01T00:00:00Z"


def pool(least=0, operations=(), **machine):
    machines = [{"name": "workers-1", "since": AT, "address": "10.0.0.1", **machine}]
    return {
        "metadata": {"name": "workers"},
        "spec": {"min": least, "max": 3, "provider": {"role": "r"}, "template": {"allocatable": {"cpu": "4"}}},
        "status": {"machines": machines, "operations": list(operations)},
    }


@contextmanager
def cluster(tmp_path, monkeypatch, *pools):
    answers = {"nodepools": list(pools), "nodes": [NODE]}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"items": answers[self.path.partition("?")[0].rpartition("/")[2]], "metadata": {}})
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_args):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = tmp_path / "kubeconfig"
    where = {"server": f"http://127.0.0.1:{server.server_port}"}
    config.write_text(
        yaml.safe_dump(
            {
                "current-context": "t",
                "clusters": [{"name": "t", "cluster": where}],
                "users": [{"name": "t", "user": {}}],
                "contexts": [{"name": "t", "context": {"cluster": "t", "user": "t"}}],
            }
        )
    )
    monkeypatch.setenv("K8S_AUTH_KUBECONFIG", str(config))
    try:
        yield answers
    finally:
        server.shutdown()
        server.server_close()


def start(start_source, tmp_path):
    return start_source("node_pools", ruleset="nodes_tick", seconds=1, state_dir=str(tmp_path / "state"))


def metrics(tmp_path):
    path = tmp_path / "state/metrics/node_pools.prom"
    return path.read_text() if path.exists() else ""


def test_a_pool_with_nothing_to_do_causes_no_run_and_is_measured(start_source, tmp_path, monkeypatch):
    with cluster(tmp_path, monkeypatch, pool(least=1)) as answers:
        source = start(start_source, tmp_path)
        source.wait(lambda: metrics(tmp_path))
        assert 'platform_ops_pool_nodes{pool="workers",ready="true"} 1' in metrics(tmp_path)
        assert 'platform_ops_pool_leaks{pool="workers",kind="record_without_node"} 0' in metrics(tmp_path)
        assert source.events == []
        answers["nodes"].clear()
        leak = 'platform_ops_pool_leaks{pool="workers",kind="record_without_node"} 1'
        source.wait(lambda: leak in metrics(tmp_path))


def test_a_node_on_its_way_causes_a_run_at_each_look(start_source, tmp_path, monkeypatch):
    op = {"id": "o", "kind": "out", "node": "workers-2", "phase": "Joining", "started": AT, "since": AT}
    with cluster(tmp_path, monkeypatch, pool(operations=[op])):
        source = start(start_source, tmp_path)
        source.wait(lambda: len(source.events) == 2)
        assert source.events[0] == {"pools": ["workers"]}


def test_a_provider_that_is_asked_again_later_causes_no_run_before(start_source, tmp_path, monkeypatch):
    op = {"id": "o", "kind": "in", "node": "workers-2", "phase": "Removing", "started": AT, "since": AT}
    with cluster(tmp_path, monkeypatch, pool(operations=[{**op, "retryAt": "2999-01-01T00:00:00Z"}])):
        source = start(start_source, tmp_path)
        source.wait(lambda: 'phase="Removing"} 1' in metrics(tmp_path))
        assert source.events == []


def test_a_pool_below_its_minimum_causes_one_run_and_is_not_news_at_every_look(start_source, tmp_path, monkeypatch):
    with cluster(tmp_path, monkeypatch, pool(least=2)) as answers:
        source = start(start_source, tmp_path)
        source.wait(lambda: source.events)
        answers["nodepools"][0]["spec"]["max"] = 7
        source.wait(lambda: 'platform_ops_pool_maximum{pool="workers"} 7' in metrics(tmp_path))
        assert source.events == [{"pools": ["workers"]}]


def test_without_a_cluster_nothing_happens(start_source, tmp_path, monkeypatch):
    monkeypatch.setenv("K8S_AUTH_KUBECONFIG", str(tmp_path / "none"))
    source = start(start_source, tmp_path)
    source.thread.join(2.5)
    assert source.thread.is_alive()
    assert (source.events, metrics(tmp_path)) == ([], "")
