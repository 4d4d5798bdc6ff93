"""The schema's history. Alembic runs it, under a lock, past any pooler."""

from __future__ import annotations

import asyncpg

from runtime.connecting import UNREACHABLE, connect_patiently, reason_of
from runtime.errors import DatabaseUnreachable, MigrationNeeded
from runtime.urls import ConnectArguments, database_urls

#: The newest revision in versions/; a test compares it with Alembic's own view.
HEAD = "0001"
START_SECONDS = 30.0
_LOCK = 7308325537102294
_CURRENT = "SELECT version_num FROM verbatim.schema_version"


async def current(url: str, patience_seconds: float = START_SECONDS) -> str | None:
    """The revision the database is at, or None when it was never migrated.

    Raises DatabaseUnreachable.
    """
    connection = await _connect(database_urls(url).direct, patience_seconds)
    try:
        found: str | None = await connection.fetchval(_CURRENT)
        return found
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return None
    finally:
        await connection.close()


async def migrate(url: str, patience_seconds: float = START_SECONDS) -> bool:
    """Bring the database to HEAD; False when it was there already."""
    if await current(url, patience_seconds) == HEAD:
        return False
    arguments = database_urls(url).direct
    lock = await _connect(arguments, patience_seconds)
    try:
        await lock.execute("SELECT pg_advisory_lock($1::bigint)", _LOCK)
        await lock.execute("CREATE SCHEMA IF NOT EXISTS verbatim")
        await _upgrade(arguments)
    finally:
        await lock.close()
    return True


async def check(url: str) -> None:
    """Raises MigrationNeeded unless the database is at HEAD."""
    found = await current(url)
    if found != HEAD:
        raise MigrationNeeded(found, HEAD)


async def check_on(pool: asyncpg.Pool) -> None:
    """The same on a pool that is open already."""
    try:
        found = await pool.fetchval(_CURRENT)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        found = None
    if found != HEAD:
        raise MigrationNeeded(found, HEAD)


async def _connect(arguments: ConnectArguments, patience_seconds: float) -> asyncpg.Connection:
    try:
        return await connect_patiently(arguments, patience_seconds)
    except UNREACHABLE as error:
        raise DatabaseUnreachable(reason_of(error, arguments), arguments.setting) from error


async def _upgrade(arguments: ConnectArguments) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", "runtime:migrations")

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async def connect() -> asyncpg.Connection:
        return await _connect(arguments, START_SECONDS)

    engine = create_async_engine("postgresql+asyncpg://", poolclass=NullPool, async_creator=connect)
    async with engine.connect() as connection:
        await connection.run_sync(upgrade)
        await connection.commit()
    await engine.dispose()
