"""Servers of the kit's own, which it may kill; dump and restore between servers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import quote

from runtime.embedded import start
from runtime.embedded.cluster import find_binaries, tool_environment
from tests.conformance.log.protocol import LogFactory
from tests.databases import Server, cloned

#: What a crash has to be survived with.
DURABLE = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "64MB",
    # What a commit does not bring to the disk itself, nothing else does in time.
    "wal_writer_delay": "10s",
}
FOLDER_PREFIX = "log-kit-"


class KillableServer:
    """One URL for the server before a kill and the one after it."""

    def __init__(self, data_dir: Path, folder: Path) -> None:
        self._data_dir = data_dir
        self._link = folder / "server"
        self._start()

    @property
    def url(self) -> str:
        return self._through_link(self._server.url)

    def url_of(self, database: str) -> str:
        return self._through_link(self._server.url_of(database))

    def kill_and_restart(self) -> None:
        """SIGKILL to the postmaster; returns when the next one has recovered."""
        os.kill(self._server.pid, signal.SIGKILL)
        self._server.stop()
        self._start()

    def stop(self) -> None:
        self._server.stop()

    def _through_link(self, url: str) -> str:
        return url.partition("?")[0] + f"?host={quote(str(self._link))}"

    def _start(self) -> None:
        self._server = start(self._data_dir, say=print, settings=DURABLE)
        # The socket has a new folder each time, and the log under test one URL.
        socket_dir = self._server.url.partition("host=")[2]
        draft = self._link.with_name("draft")
        draft.symlink_to(socket_dir)
        draft.replace(self._link)


@contextmanager
def killable_server(data_dir: Path) -> Iterator[KillableServer]:
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    try:
        server = KillableServer(data_dir, folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def prepared(server: Server, factory: LogFactory) -> AsyncIterator[str]:
    """The URL of a new database with an empty log."""
    async with cloned(server, "template0") as url:
        await factory.prepare(url)
        yield url


def dump(url: str, file: Path) -> None:
    _run("pg_dump", "--format=custom", "--no-owner", f"--file={file}", f"--dbname={url}")


def restore(file: Path, url: str) -> None:
    _run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={url}", str(file))


def _run(program: str, *arguments: str) -> None:
    command = [str(find_binaries() / program), *arguments]
    subprocess.run(command, env=tool_environment(), check=True)
