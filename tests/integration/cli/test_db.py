from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from runtime.embedded import EmbeddedServer
from runtime.migrations import HEAD
from tests.databases import cloned
from tests.integration.cli.command_line import on_database


@pytest.fixture
async def empty_database(postgres: EmbeddedServer) -> AsyncIterator[str]:
    async with cloned(postgres, "template0") as url:
        yield url


def test_migrate_builds_schema_and_read_tables(empty_database: str) -> None:
    line = on_database(empty_database)
    assert line.answer("db", "migrate").err == f"The database is at schema {HEAD}.\n"
    (generation,) = line.answer("projections", "status", "--json").rows()
    assert (generation["state"], generation["is_current"]) == ("live", True)
    assert line.answer("db", "migrate").err == f"The database is at schema {HEAD} already.\n"


def test_check_finds_a_database_that_was_never_migrated(empty_database: str) -> None:
    line = on_database(empty_database)
    ran = line.run("db", "check")
    assert ran.code == 1
    assert ran.out == f"schema none, this release needs {HEAD}\n"
    assert "verbatim db migrate" in ran.complaint()
    ran = line.run("events", "list")
    assert (ran.code, ran.out) == (1, "")
    assert "verbatim db migrate" in ran.complaint()


def test_check_is_content_with_this_releases_schema(database_url: str) -> None:
    ran = on_database(database_url).answer("db", "check", "--json")
    assert ran.rows() == [{"found": HEAD, "wanted": HEAD}]
    assert ran.err == ""
