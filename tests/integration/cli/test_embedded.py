from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from runtime.embedded import start
from runtime.embedded.record import DataDir
from tests.databases import SETTINGS_FOR_TESTS
from tests.integration.cli.command_line import on_folder
from tests.integration.runtime.servers import processes_of, wait_until


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a server that was migrated and then stopped."""
    path = tmp_path_factory.mktemp("stopped") / "data"
    on_folder(path).answer("db", "migrate")
    return path


def test_command_starts_a_stopped_server_and_stops_it_again(data_dir: Path) -> None:
    ran = on_folder(data_dir).answer("projections", "status", "--json")
    assert [row["state"] for row in ran.rows()] == ["live"]
    assert processes_of(data_dir) == []
    assert not (data_dir / "postgres.json").exists()


def test_command_uses_the_server_that_runs(data_dir: Path) -> None:
    with start(data_dir, say=print, settings=SETTINGS_FOR_TESTS) as server:
        on_folder(data_dir).answer("projections", "status")
        assert server.is_running()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_command_leaves_no_server(data_dir: Path, number: int) -> None:
    with on_folder(data_dir).going("events", "tail") as tail:
        wait_until(lambda: (data_dir / "postgres.json").exists())
        wait_until(lambda: len(processes_of(data_dir)) > 3)
        assert tail.stop(number) == 128 + number
    assert processes_of(data_dir) == []
    assert not (data_dir / "postgres.json").exists()


def test_command_waits_while_another_process_is_about_to_start_or_stop(data_dir: Path) -> None:
    lock = DataDir(data_dir).claim()
    with on_folder(data_dir).going("events", "list") as listing:
        with pytest.raises(subprocess.TimeoutExpired):
            listing.process.wait(2)
        lock.release()
        assert listing.process.wait(30) == 0
