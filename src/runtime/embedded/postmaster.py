"""The server process: started as our child, watched by a thread, stopped in three steps."""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from runtime.embedded.cluster import Cluster, tool_environment
from runtime.embedded.process import STOP_LADDER, send
from runtime.errors import ServerNotStarted

POLL_SECONDS = 0.005
REPORT_EVERY_SECONDS = 10.0

PID_LINE = 0
STATUS_LINE = 7


class Postmaster:
    def __init__(self, cluster: Cluster, socket_dir: str, startup_log: Path) -> None:
        self.socket_dir = socket_dir
        self._cluster = cluster
        self._startup_log = startup_log
        self._environment = _environment(cluster.path)
        self._spawned: queue.SimpleQueue[int | OSError] = queue.SimpleQueue()
        # The kernel's parent-death signal follows the thread that forked, not the process, so
        # the fork belongs to a thread that lives exactly as long as the server.
        self._keeper = threading.Thread(target=self._keep, name="postgres-keeper", daemon=True)
        self._keeper.start()
        spawned = self._spawned.get()
        if isinstance(spawned, OSError):
            raise ServerNotStarted(f"PostgreSQL could not be executed: {spawned}.") from spawned
        self.pid = spawned

    def is_running(self) -> bool:
        return self._keeper.is_alive()

    def wait_until_ready(self, say: Callable[[str], None]) -> bool:
        """False when the server ended instead. Recovery takes the time it takes: no limit."""
        report_at = time.monotonic() + REPORT_EVERY_SECONDS
        while self.is_running():
            if self._status() == "ready":
                return True
            if time.monotonic() > report_at:
                say("Still waiting for PostgreSQL to accept connections.")
                report_at += REPORT_EVERY_SECONDS
            time.sleep(POLL_SECONDS)
        return False

    def stop(self) -> None:
        for signal_number, seconds in STOP_LADDER:
            if not self.is_running():
                return
            send(self.pid, signal_number)
            self._keeper.join(seconds)

    def _keep(self) -> None:
        try:
            process = self._spawn()
        except OSError as error:
            self._spawned.put(error)
        else:
            self._spawned.put(process.pid)
            process.wait()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._startup_log.open("wb") as log:
            # A session of its own: Ctrl-C in a terminal is for the supervisor to act on.
            return subprocess.Popen(  # noqa: S603
                self._cluster.server_command(self.socket_dir),
                env=self._environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _status(self) -> str | None:
        # What pg_ctl waits for, too: it needs no connection and no password.
        lines = _pid_file_lines(self._cluster.path)
        if len(lines) <= STATUS_LINE or lines[PID_LINE] != str(self.pid):
            return None
        return lines[STATUS_LINE].strip()


def previous_postmaster(cluster: Path) -> int | None:
    """The pid of a server that ended without a clean stop; only the holder of the lock may ask."""
    lines = _pid_file_lines(cluster)
    return int(lines[PID_LINE]) if lines and lines[PID_LINE].isdecimal() else None


def _environment(cluster: Path) -> dict[str, str]:
    previous_pid = previous_postmaster(cluster)
    if previous_pid is None:
        return tool_environment()
    # A process that has this pid now is another program, but PostgreSQL would refuse to start
    # beside it; it passes over a "grandparent". Its check of the shared memory stays.
    return tool_environment() | {"PG_GRANDPARENT_PID": str(previous_pid)}


def _pid_file_lines(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []
