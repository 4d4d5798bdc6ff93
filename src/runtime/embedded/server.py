"""Starts, watches and stops one PostgreSQL server for one data directory."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from runtime.embedded.cluster import SETTINGS, Cluster, open_cluster
from runtime.embedded.postmaster import Postmaster, previous_postmaster
from runtime.embedded.process import quit_orphans, start_time_of, stop_stranger
from runtime.embedded.record import DATABASE, DataDir, RunningServer, url
from runtime.embedded.socket_dir import make_socket_dir, remove_socket_dir
from runtime.errors import DataDirInUse, ServerNotStarted

Say = Callable[[str], None]

#: How long the sessions of a killed server may take to notice and to let go of its memory.
RELEASE_SECONDS = 15.0
RETRY_SECONDS = 0.02
MEMORY_IN_USE = "pre-existing shared memory block"


class EmbeddedServer:
    """A running server; it ends with `stop()`, with the `with` block, or with this process."""

    def __init__(self, folder: DataDir, postmaster: Postmaster, release: ExitStack) -> None:
        self.data_dir = folder.path
        self.pid = postmaster.pid
        self._password = folder.read_password()
        self._postmaster = postmaster
        self._release = release
        self._owner_pid = os.getpid()
        atexit.register(self.stop)

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        return url(self._password, self._postmaster.socket_dir, database)

    def is_running(self) -> bool:
        return self._postmaster.is_running()

    def stop(self) -> None:
        """Returns when the process is gone; a second call does nothing."""
        if os.getpid() == self._owner_pid:
            self._release.close()
            atexit.unregister(self.stop)

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def start(data_dir: Path, *, say: Say, settings: Mapping[str, str] | None = None) -> EmbeddedServer:
    """Returns when the server accepts connections and has the database `verbatim`.

    Blocks: call it before the event loop, or in a thread. `say` gets sentences for a person.
    `settings` override PostgreSQL's, by name. Raises EmbeddedError.
    """
    folder = DataDir(data_dir)
    chosen = {**SETTINGS, **(settings or {})}
    with ExitStack() as release:
        release.callback(folder.claim().release)
        _end_stale_server(folder, say)
        cluster = open_cluster(folder, chosen, say)
        if previous_postmaster(cluster.path) is not None:
            say("PostgreSQL was not shut down cleanly; waiting until it has recovered.")
        socket_dir = make_socket_dir(folder.path)
        release.callback(remove_socket_dir, socket_dir)
        cluster.identity.give(Path(socket_dir))
        release.callback(folder.forget_server)
        postmaster = _launch(folder, cluster, socket_dir, say, release)
        cluster.ensure_database(folder.read_password(), socket_dir)
        _record(folder, postmaster, ready=True)
        return EmbeddedServer(folder, postmaster, release.pop_all())


def _end_stale_server(folder: DataDir, say: Say) -> None:
    # Stopped, not taken over: it runs with the settings of its own release, is not our child,
    # and would not end with us.
    stale = folder.read_server()
    if stale is None:
        return
    if stale.is_alive():
        say(f"Stopping the PostgreSQL server {stale.pid}, whose supervisor is gone.")
        if not stop_stranger(stale.pid, stale.started):
            raise DataDirInUse(
                f"The PostgreSQL server {stale.pid} still runs on {folder.path} and does not "
                "stop: end that process."
            )
    remove_socket_dir(stale.socket_dir)
    folder.forget_server()


def _launch(
    folder: DataDir, cluster: Cluster, socket_dir: str, say: Say, release: ExitStack
) -> Postmaster:
    deadline = time.monotonic() + RELEASE_SECONDS
    while True:
        postmaster = Postmaster(cluster, socket_dir, folder.startup_log)
        release.callback(postmaster.stop)
        _record(folder, postmaster, ready=False)
        if postmaster.wait_until_ready(say):
            return postmaster
        reason = folder.startup_log.read_text(errors="replace")
        if MEMORY_IN_USE not in reason or time.monotonic() > deadline:
            raise ServerNotStarted(
                f"PostgreSQL did not start on {cluster.path} (its log is in {cluster.log}): "
                f"{' '.join(reason.split())}"
            )
        quit_orphans(cluster.path)
        time.sleep(RETRY_SECONDS)


def _record(folder: DataDir, postmaster: Postmaster, *, ready: bool) -> None:
    started = start_time_of(postmaster.pid) or "gone"
    folder.write_server(RunningServer(postmaster.pid, started, postmaster.socket_dir, ready))
