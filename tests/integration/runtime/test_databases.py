"""The fixtures that the tests of every other room stand on."""

from __future__ import annotations

import asyncpg

from runtime.embedded import EmbeddedServer
from tests.databases import cloned, execute


async def test_database_url_is_migrated(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        tables = await connection.fetchval(
            "SELECT count(*) FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'"
        )
    finally:
        await connection.close()
    assert tables > 0


async def test_clone_is_apart_and_dropped_with_its_sessions(postgres: EmbeddedServer) -> None:
    async with cloned(postgres, "template1") as url:
        await execute(url, "CREATE TABLE mine ()")
        session = await asyncpg.connect(url)
        async with cloned(postgres, "template1") as other_url:
            other = await asyncpg.connect(other_url)
            assert await other.fetchval("SELECT to_regclass('mine')") is None
            await other.close()
    assert session.is_closed() or await is_gone(session)


async def is_gone(session: asyncpg.Connection) -> bool:
    try:
        await session.execute("SELECT 1")
    except (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError):
        return True
    return False
