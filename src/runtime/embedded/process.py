"""Processes recognised by pid and start time, since a pid alone is given out again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

FAST_STOP_SECONDS = 30.0
IMMEDIATE_STOP_SECONDS = 10.0
KILL_SECONDS = 5.0
POLL_SECONDS = 0.01

#: PostgreSQL's own meanings: SIGINT ends sessions and checkpoints, SIGQUIT leaves it to recovery.
STOP_LADDER = (
    (signal.SIGINT, FAST_STOP_SECONDS),
    (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS),
    (signal.SIGKILL, KILL_SECONDS),
)

STAT_STATE = 0
STAT_START_TICKS = 19


def start_time_of(pid: int) -> str | None:
    """When the live process `pid` began, as text to compare for equality; None if none lives."""
    if sys.platform == "linux":
        return _linux_start_time(pid)
    return _ps_start_time(pid)


def is_same_process(pid: int, started: str) -> bool:
    return start_time_of(pid) == started


def stop_stranger(pid: int, started: str) -> bool:
    """Stops a process that is not our child; true when it is gone."""
    for signal_number, seconds in STOP_LADDER:
        if not is_same_process(pid, started):
            return True
        send(pid, signal_number)
        if _is_gone_within(seconds, pid, started):
            return True
    return False


def quit_orphans(cluster: Path) -> None:
    """Ends the sessions of a killed server: one that computes would not notice for minutes.

    The caller holds the lock and knows that no server lives. Where there is no /proc it waits.
    """
    for entry in Path("/proc").glob("[0-9]*"):
        if _is_postgres_of(entry, cluster):
            send(int(entry.name), signal.SIGQUIT)


def send(pid: int, signal_number: int) -> None:
    try:
        os.kill(pid, signal_number)
    except ProcessLookupError:
        return


def _is_postgres_of(entry: Path, cluster: Path) -> bool:
    try:
        is_postgres = (entry / "comm").read_text().strip() == "postgres"
        return is_postgres and (entry / "cwd").readlink() == cluster.resolve()
    except OSError:
        return False


def _is_gone_within(seconds: float, pid: int, started: str) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not is_same_process(pid, started):
            return True
        time.sleep(POLL_SECONDS)
    return False


def _linux_start_time(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # The program's name stands in parentheses and may hold any character, so count after it.
    fields = stat.rpartition(")")[2].split()
    if fields[STAT_STATE] in "ZX":
        return None
    return f"{boot}:{fields[STAT_START_TICKS]}"


def _ps_start_time(pid: int) -> str | None:
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    answer = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=False, env=environment
    )
    state, _, began = answer.stdout.strip().partition(" ")
    if not began or state.startswith("Z"):
        return None
    return began.strip()
