from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.serving.server import environment
from tests.integration.cli.command_line import CommandLine, on_database, on_folder
from tests.integration.cli.history import write_history, write_started_run

#: What costs seconds to import.
HEAVY = ("agents", "openai", "mcp", "chatkit", "fastapi", "uvicorn", "alembic", "prometheus_client")
OF_DATABASES = ("asyncpg", "sqlalchemy", "pydantic_settings", "cryptography", "structlog")
PROBE = """
import json, sys
from cli.main import main
code = main()
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""


def modules_after(line: CommandLine, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROBE, *arguments],
        env=environment(line.env),
        capture_output=True,
        text=True,
        check=True,
    )
    code, names = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return set(names)


@pytest.mark.parametrize("arguments", [("--help",), ("events", "list", "--help")])
def test_help_imports_no_library_of_servers_or_databases(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    found = modules_after(on_folder(tmp_path), *arguments)
    assert "typer" in found
    assert not found & {*HEAVY, *OF_DATABASES}


async def test_reading_commands_import_no_heavy_library(database_url: str) -> None:
    written = await write_history(database_url)
    started_run = await write_started_run(database_url)
    line = on_database(database_url)
    for arguments in (
        ("events", "list"),
        ("events", "show", "1"),
        ("events", "replay", written.conversation_id),
        ("projections", "status"),
        ("db", "check"),
        ("runs", "context", started_run),
    ):
        found = modules_after(line, *arguments)
        assert "asyncpg" in found
        assert not found & set(HEAVY), arguments


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("bogus",), "No such command 'bogus'. See `verbatim --help`."),
        (("events", "bogus"), "See `verbatim events --help`."),
        (("events", "list", "--limit", "0"), "'--limit'"),
        (("events", "list", "--limit", "x"), "'--limit'"),
        (("events", "list", "--after", "-1"), "'--after'"),
        (("events", "show"), "position"),
        (("events", "show", "0"), "position"),
        (("events", "tail", "--nothing"), "--nothing"),
        (("projections", "rebuild", "now"), "now"),
        (("runs", "context"), "run"),
        (("serve", "--port", "99999"), "'--port'"),
        (("serve", "--workers", "0"), "'--workers'"),
    ],
)
def test_wrong_usage_is_told_in_a_line(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    ran = on_folder(tmp_path / "data").run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.complaint().startswith("verbatim: ")
    assert said in ran.complaint()
    assert not (tmp_path / "data").exists()


def test_group_without_a_command_shows_its_help(tmp_path: Path) -> None:
    ran = on_folder(tmp_path).run("events")
    assert ran.code == 2
    assert "replay" in ran.out
    assert ran.err == ""


@pytest.mark.parametrize("command", [("events", "list"), ("db", "migrate"), ("db", "check")])
def test_unreachable_database_is_told_in_a_line(command: tuple[str, ...]) -> None:
    line = on_database("postgresql://ada:secret@127.0.0.1:9/db")
    ran = line.run(*command, DATABASE_START_TIMEOUT_SECONDS="0.5")
    assert (ran.code, ran.out) == (1, "")
    assert "127.0.0.1:9/db" in ran.complaint()
    assert "DATABASE_URL" in ran.complaint()
    assert "secret" not in ran.err


async def test_wrong_event_key_is_told_in_a_line(database_url: str) -> None:
    await write_history(database_url)
    line = on_database(database_url)
    line.answer("projections", "status")
    other = "b3Rob3RvdGhvdGhvdGhvdGhvdGhvdGhvdGhvdGhvdGg="
    for command in (("events", "list"), ("projections", "rebuild"), ("db", "migrate")):
        ran = line.run(*command, EVENT_KEY=other)
        assert (ran.code, ran.out) == (1, "")
        assert "EVENT_KEY" in ran.complaint()
        assert other not in ran.err


def test_missing_settings_are_told_in_a_line_each() -> None:
    ran = CommandLine({"DATABASE_URL": "postgresql://nowhere/db"}).run("events", "list")
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint().startswith("verbatim: EVENT_KEY: ")


def test_folder_without_a_database_stays_as_it_is(tmp_path: Path) -> None:
    ran = on_folder(tmp_path / "typo").run("events", "list")
    assert (ran.code, ran.out) == (1, "")
    assert str(tmp_path / "typo") in ran.complaint()
    assert not (tmp_path / "typo").exists()
