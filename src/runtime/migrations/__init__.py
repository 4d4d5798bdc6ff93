"""The schema's history. Alembic runs it, under a lock, on the direct connection."""

from __future__ import annotations

import asyncpg

from runtime.errors import MigrationNeeded

#: The newest revision in versions/; a test compares it with Alembic's own view.
HEAD = "0001"
_LOCK = 7308325537102294
_CURRENT = "SELECT version_num FROM verbatim.schema_version"


async def current(url: str) -> str | None:
    """The revision the database is at, or None when it was never migrated."""
    connection = await asyncpg.connect(url)
    try:
        found: str | None = await connection.fetchval(_CURRENT)
        return found
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return None
    finally:
        await connection.close()


async def migrate(url: str) -> bool:
    """Bring the database to HEAD; False when it was there already."""
    if await current(url) == HEAD:
        return False
    lock = await asyncpg.connect(url)
    try:
        await lock.execute("SELECT pg_advisory_lock($1::bigint)", _LOCK)
        await lock.execute("CREATE SCHEMA IF NOT EXISTS verbatim")
        await _upgrade(url)
    finally:
        await lock.close()
    return True


async def check(url: str) -> None:
    """Raises MigrationNeeded unless the database is at HEAD."""
    found = await current(url)
    if found != HEAD:
        raise MigrationNeeded(found, HEAD)


async def _upgrade(url: str) -> None:
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
        return await asyncpg.connect(url)

    engine = create_async_engine("postgresql+asyncpg://", poolclass=NullPool, async_creator=connect)
    async with engine.connect() as connection:
        await connection.run_sync(upgrade)
        await connection.commit()
    await engine.dispose()
