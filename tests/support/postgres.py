# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real PostgreSQL, the distribution's, on a free loopback port, with a folder and a password of its own."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab import prepare
from tests.support.rulebook import free_port

USER, NAME = "remediation", "remediation"
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root


@dataclass
class Postgres:
    binaries: Path
    folder: Path
    port: int
    host: str = "127.0.0.1"
    password: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    def variables(self) -> dict[str, object]:
        """As ansible-rulebook wants them; the password comes by the environment."""
        return {
            "drools_db_host": self.host,
            "drools_db_port": self.port,
            "drools_db_name": NAME,
            "drools_db_user": USER,
            "drools_sslmode": "disable",
            "drools_overwrite_if_rulebook_changes": True,
        }

    def run(self, program: str, *words: str) -> str:
        account = {}
        if os.geteuid() == 0:
            account = {"user": UNPRIVILEGED, "group": pwd.getpwnam(UNPRIVILEGED).pw_gid, "extra_groups": []}
        done = subprocess.run(
            [self.binaries / program, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "PGPASSWORD": self.password},
            **account,  # type: ignore[call-overload]
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
        return str(done.stdout)

    def ask(self, query: str) -> str:
        where = ("-h", self.host, "-p", str(self.port), "-U", USER, "-d", NAME)
        return self.run("psql", *where, "-tAc", query).strip()

    def start(self) -> None:
        options = f"-c port={self.port} -c listen_addresses={self.host} -c unix_socket_directories={self.folder}"
        log = str(self.folder / "log")
        words = ("-w", "-t", "180", "-l", log, "-o", f"{options} -c fsync=off")
        self.run("pg_ctl", "-D", str(self.folder / "data"), *words, "start")

    def stop(self, mode: str = "immediate") -> None:
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", mode, "stop")


@contextmanager
def postgres(host: str = "127.0.0.1", clients: str = "127.0.0.1/32") -> Iterator[Postgres]:
    """On an address of the network that the caller stands in, for clients of that range."""
    prepare.prepare(prepare.DATABASE)
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = Postgres(binaries, folder, free_port(), host)
    try:
        (folder / "password").write_text(server.password)
        for path in (folder, folder / "password"):
            if os.geteuid() == 0:
                shutil.chown(path, UNPRIVILEGED)
        words = ("-D", str(folder / "data"), "-U", USER, "--auth=scram-sha-256", f"--pwfile={folder / 'password'}")
        server.run("initdb", *words, "--no-sync", "--locale=C", "--encoding=UTF8")
        with (folder / "data/pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {clients} scram-sha-256\n")
        server.start()
        try:
            server.run("createdb", "-h", host, "-p", str(server.port), "-U", USER, NAME)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
