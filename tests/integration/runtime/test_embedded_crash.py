from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from pathlib import Path

import asyncpg
import pytest

from runtime.embedded import locate, start
from runtime.embedded.cluster import SETTINGS, open_cluster
from runtime.embedded.postmaster import Postmaster
from runtime.embedded.process import start_time_of
from runtime.embedded.record import DataDir, RunningServer
from runtime.embedded.socket_dir import make_socket_dir, remove_socket_dir
from tests.integration.runtime.servers import (
    processes_of,
    query,
    say_nothing,
    start_quickly,
    supervisor,
    wait_until,
)

COMPUTING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT ''computing%'"
RECOVERING = "PostgreSQL was not shut down cleanly; waiting until it has recovered."


def test_killed_server_recovers_its_rows_on_the_next_start(tmp_path: Path) -> None:
    server = start(tmp_path, say=say_nothing)
    query(server.url, "CREATE TABLE kept AS SELECT generate_series(1, 50000) AS number")
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not server.is_running())
    assert locate(tmp_path) is None
    server.stop()
    said: list[str] = []
    with start(tmp_path, say=said.append) as server:
        assert query(server.url, "SELECT count(*) FROM kept") == 50000
    assert said == [RECOVERING]


def test_session_that_computes_does_not_hold_up_the_start_after_a_kill(tmp_path: Path) -> None:
    server = start_quickly(tmp_path)
    endless = "SELECT 'computing', sum(x) FROM generate_series(1, 1000000000000) AS x"
    session = threading.Thread(target=query_until_lost, args=(server.url, endless))
    session.start()
    wait_until(lambda: query(server.url, COMPUTING) == 1)
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    with start_quickly(tmp_path) as server:
        assert query(server.url, COMPUTING) == 0
    session.join()


def query_until_lost(url: str, statement: str) -> None:
    with contextlib.suppress(asyncpg.PostgresConnectionError):
        query(url, statement)


def test_killed_supervisor_takes_its_server_with_it(tmp_path: Path) -> None:
    with supervisor(tmp_path) as running:
        running.process.kill()
    wait_until(lambda: processes_of(tmp_path) == [])
    assert locate(tmp_path) is None
    remove_socket_dir(running.report["url"].partition("host=")[2])


def test_start_after_a_killed_supervisor_keeps_rows_and_leaves_no_process(tmp_path: Path) -> None:
    with supervisor(tmp_path) as running:
        query(running.report["url"], "CREATE TABLE kept AS SELECT 42 AS answer")
        old_socket_dir = Path(running.report["url"].partition("host=")[2])
        running.process.kill()
        running.process.wait()
        with start_quickly(tmp_path) as server:
            assert query(server.url, "SELECT answer FROM kept") == 42
    assert processes_of(tmp_path) == []
    assert not old_socket_dir.exists()


def test_server_without_a_supervisor_is_recognised_and_replaced(tmp_path: Path) -> None:
    start_quickly(tmp_path).stop()
    stale = run_unsupervised(tmp_path)
    said: list[str] = []
    with start(tmp_path, say=said.append) as server:
        assert not stale.is_running()
        assert server.pid != stale.pid
        assert query(server.url, "SELECT 1") == 1
    assert said == [f"Stopping the PostgreSQL server {stale.pid}, whose supervisor is gone."]
    assert not Path(stale.socket_dir).exists()


def run_unsupervised(data_dir: Path) -> Postmaster:
    """A server as on a system that does not end it with its supervisor."""
    folder = DataDir(data_dir)
    cluster = open_cluster(folder, SETTINGS, say_nothing)
    postmaster = Postmaster(cluster, make_socket_dir(data_dir), folder.startup_log)
    assert postmaster.wait_until_ready(say_nothing)
    started = start_time_of(postmaster.pid)
    assert started is not None
    folder.write_server(RunningServer(postmaster.pid, started, postmaster.socket_dir, True))
    return postmaster


def test_another_program_with_the_pid_of_the_server_is_left_alone(tmp_path: Path) -> None:
    server = start_quickly(tmp_path)
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not server.is_running())
    server.stop()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        give_pid_to_the_server(tmp_path, stranger.pid)
        assert locate(tmp_path) is None
        with start_quickly(tmp_path) as server:
            assert query(server.url, "SELECT 1") == 1
        assert stranger.poll() is None
        stranger.kill()


def give_pid_to_the_server(data_dir: Path, pid: int) -> None:
    pid_file = data_dir / "postgres" / "postmaster.pid"
    _, *rest = pid_file.read_text().splitlines(keepends=True)
    pid_file.write_text("".join([f"{pid}\n", *rest]))
    DataDir(data_dir).write_server(RunningServer(pid, "another time", "/nowhere", True))


def test_server_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    started = []
    thread = threading.Thread(target=lambda: started.append(start_quickly(tmp_path)))
    thread.start()
    thread.join()
    with started[0] as server:
        assert query(server.url, "SELECT pg_sleep(0.3)::text") == ""
        assert server.is_running()


def test_ctrl_c_in_the_terminal_reaches_the_supervisor_only(tmp_path: Path) -> None:
    with start_quickly(tmp_path) as server:
        assert os.getpgid(server.pid) != os.getpgid(0)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_forked_child_does_not_stop_the_server_of_its_parent(tmp_path: Path) -> None:
    with start_quickly(tmp_path) as server:
        child = os.fork()
        if child == 0:
            server.stop()
            os._exit(0)
        os.waitpid(child, 0)
        assert query(server.url, "SELECT 1") == 1
