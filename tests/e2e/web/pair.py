"""API and site as processes of their own, as an operator starts them, to be stopped one by one."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
import psycopg

from runtime.embedded import locate
from tests.e2e.serving.server import LAUNCH, environment
from tests.e2e.web.site import ROOT, Site
from tests.e2e.web.tokens import node_path
from tests.ports import free_port
from tests.soak.cluster import EVENT_KEY, SECRET

START_SECONDS = 120.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.1


class Pair:
    """On a database of its own."""

    def __init__(self, database_url: str, model_url: str, data_dir: Path, log: IO[bytes]) -> None:
        self.database_url = database_url
        port, api_port = free_port(), free_port()
        self.site = Site(f"http://localhost:{port}", api_port, data_dir)
        self._log = log
        self._environment = environment(
            {
                "DATABASE_URL": database_url,
                "EVENT_KEY": EVENT_KEY,
                "INTERNAL_SIGNING_KEY": SECRET,
                "BETTER_AUTH_SECRET": SECRET,
                "BETTER_AUTH_URL": self.site.url,
                "VERBATIM_API_URL": self.site.api_url,
                "OPENAI_API_KEY": "k",
                "OPENAI_BASE_URL": model_url,
                "AGENT_MODEL": "wire",
            }
        )
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start_api(self) -> None:
        command = [sys.executable, "-P", "-c", LAUNCH, "serve", f"--port={self.site.api_port}"]
        self._start("api", command, f"{self.site.api_url}/readyz")

    def start_site(self) -> None:
        migrate = [node_path(), "scripts/migrate.mjs"]
        subprocess.run(
            migrate, cwd=ROOT / "web", env=self._environment, check=True, timeout=START_SECONDS
        )
        self._start("site", next_start(self.site.url), f"{self.site.url}/sign-in")

    def signal_api(self, number: int) -> None:
        self._running["api"].send_signal(number)

    def stop(self, name: str) -> None:
        if name in self._running:
            stop(self._running.pop(name))

    def _start(self, name: str, command: list[str], url: str) -> None:
        if name not in self._running:
            self._running[name] = started(command, self._environment, self._log, url)


def next_start(url: str) -> list[str]:
    return [node_path(), "node_modules/next/dist/bin/next", "start", "-p", url.rpartition(":")[2]]


def started(
    command: list[str], env: dict[str, str], log: IO[bytes], url: str
) -> subprocess.Popen[bytes]:
    """A process that answers at the URL."""
    process = subprocess.Popen(command, cwd=ROOT / "web", env=env, stdout=log, stderr=log)
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            # A server that answers with its own failure has started.
            httpx.get(url, timeout=START_SECONDS)
        except httpx.HTTPError:
            time.sleep(POLL_SECONDS)
        else:
            return process
    stop(process)
    raise AssertionError(f"no answer from {url}")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGCONT)
    process.terminate()
    process.wait(STOP_SECONDS)


@contextmanager
def served_pair(site: Site, model_url: str) -> Iterator[Pair]:
    """Both run; on the cluster of the shared site, which saves starting another."""
    url = locate(site.data_dir)
    assert url is not None
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE pair")
    with tempfile.TemporaryFile() as log:
        pair = Pair(url.replace("/verbatim?", "/pair?"), model_url, site.data_dir, log)
        try:
            pair.start_api()
            pair.start_site()
            yield pair
        finally:
            for name in ("site", "api"):
                pair.stop(name)
