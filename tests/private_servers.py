"""PostgreSQL servers of any installed version, each private to the test that starts it."""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from runtime.embedded.account import identity_for_new
from runtime.embedded.cluster import DISTRIBUTION, SETTINGS, Cluster, tool_environment
from runtime.embedded.postmaster import Postmaster
from runtime.embedded.process import quit_orphans
from runtime.embedded.record import ROLE, url
from runtime.embedded.socket_dir import make_socket_dir, remove_socket_dir
from tests.databases import SETTINGS_FOR_TESTS
from tests.requirements import require

VERSIONS = ("15", "16", "18")
#: In the socket's name, and over TCP where the settings make a server listen.
DEFAULT_PORT = "5432"
#: Settings of ours that came with a version.
CAME_WITH = {"scram_iterations": 16, "io_method": 18}
BUILTIN_LOCALE_VERSION = 17


@dataclass
class PrivateServer:
    """Stopped and started it stays at the same address, with the same data."""

    version: str
    cluster: Cluster
    password: str = field(repr=False)
    socket_dir: str
    _postmaster: Postmaster | None = field(default=None)

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    @property
    def socket_path(self) -> str:
        return f"{self.socket_dir}/.s.PGSQL.{self.port}"

    @property
    def log_text(self) -> str:
        return "".join(path.read_text() for path in sorted(self.cluster.log.glob("*")))

    def url_of(self, database: str) -> str:
        return f"{url(self.password, self.socket_dir, database)}&port={self.port}"

    def tcp_url_of(self, database: str) -> str:
        """Where the settings make it listen on 127.0.0.1."""
        return f"postgresql://{ROLE}:{self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def port(self) -> str:
        return self.cluster.settings["port"]

    def start(self) -> None:
        self.launch()
        assert self._postmaster is not None
        is_ready = self._postmaster.wait_until_ready(print)
        assert is_ready, self.cluster.path.with_name("start.log").read_text()

    def launch(self) -> None:
        """Starts without waiting: a standby never becomes ready in the sense of the others."""
        log = self.cluster.path.with_name("start.log")
        self._postmaster = Postmaster(self.cluster, self.socket_dir, log)

    def stop(self) -> None:
        if self._postmaster is not None:
            self._postmaster.stop()

    def kill(self) -> None:
        """As kill -9 does, sessions included."""
        assert self._postmaster is not None
        os.kill(self._postmaster.pid, signal.SIGKILL)
        quit_orphans(self.cluster.path)
        self._postmaster._keeper.join(10)


@contextmanager
def private_server(
    folder: Path, version: str = "18", settings: Mapping[str, str] | None = None
) -> Iterator[PrivateServer]:
    """A running server on a new cluster; or a skip where that version is not installed."""
    with stopped_server(folder, version, settings) as server:
        initdb(server.cluster, server.password)
        server.start()
        yield server


@contextmanager
def stopped_server(
    folder: Path, version: str = "18", settings: Mapping[str, str] | None = None
) -> Iterator[PrivateServer]:
    """An empty data directory and whatever a server needs around it."""
    binaries = require(find_binaries(version), f"PostgreSQL {version}")
    data = folder / "data"
    data.mkdir(mode=0o700, parents=True)
    identity = identity_for_new(binaries / "postgres", data, is_parent_new=True)
    known = {k: v for k, v in SETTINGS.items() if int(version) >= CAME_WITH.get(k, 0)}
    chosen = {**known, **SETTINGS_FOR_TESTS, "port": DEFAULT_PORT, **(settings or {})}
    socket_dir = make_socket_dir(folder)
    identity.give(Path(socket_dir))
    cluster = Cluster(data, binaries, identity, chosen)
    server = PrivateServer(version, cluster, secrets.token_urlsafe(16), socket_dir)
    try:
        yield server
    finally:
        server.stop()
        remove_socket_dir(socket_dir)


def find_binaries(version: str) -> Path | None:
    """Debian's, or one of those that the wheel of the embedded server carries."""
    folders = [Path(f"/usr/lib/postgresql/{version}/bin")]
    spec = importlib.util.find_spec(DISTRIBUTION)
    for folder in (spec and spec.submodule_search_locations) or ():
        folders += sorted(Path(folder).glob("pginstall*/bin"))
    return next((f for f in folders if _major_version(f / "postgres") == version), None)


def initdb(cluster: Cluster, password: str) -> None:
    major = int(_major_version(cluster.binaries / "postgres") or 0)
    password_file = cluster.path.with_name("password")
    password_file.write_text(password)
    cluster.identity.give(password_file)
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    run(
        cluster,
        "initdb",
        f"--pgdata={cluster.path}",
        f"--username={ROLE}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
        *(locale if major >= BUILTIN_LOCALE_VERSION else []),
    )


def run(cluster: Cluster, program: str, *arguments: str, **environment: str) -> None:
    """One of the version's own programs, as the server's account."""
    command = cluster.identity.command(cluster.binaries / program, *arguments)
    done = subprocess.run(
        command,
        env=tool_environment() | environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _major_version(postgres: Path) -> str | None:
    if not os.access(postgres, os.X_OK):
        return None
    said = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[2].partition(".")[0]
