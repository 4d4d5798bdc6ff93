"""Brings a backup up in an empty database: all of it and verified, or nothing."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import asyncpg

from events.group_commit import DISCONNECTED
from projections.generations import schema_of
from projections.statements import drop_schema
from runtime import statements
from runtime.backup.reading import BackupFile, Page, Progress
from runtime.backup.verifying import verify_attachments, verify_log
from runtime.errors import BackupUnreadable, DatabaseNotEmpty

_SCHEMA = "verbatim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    #: The newest position; the next event gets the one after it.
    head: int
    attachments: int
    data_keys: int
    #: Users whose content cannot be read any more, because their key was destroyed.
    unreadable_owners: int


async def find_use(connection: asyncpg.Connection) -> bool:
    """Whether a server has left keys or attachments. Raises DatabaseNotEmpty for events."""
    try:
        use = await connection.fetchrow(_sql("find_use"))
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return False
    if use["has_events"]:
        raise DatabaseNotEmpty
    return bool(use["has_keys"])


async def restore_backup(
    connection: asyncpg.Connection,
    log: BackupFile,
    keys: BackupFile | None,
    *,
    on_load: Progress = lambda done, total: None,
    on_verify: Progress = lambda done, total: None,
) -> Restored:
    """In one transaction. The database is at this release's schema, and no server uses it.

    Raises DatabaseNotEmpty, BackupUnreadable and LogDamaged. Both callbacks are told events.
    """
    async with connection.transaction():
        await connection.execute(_sql("lock_tables"))
        await find_use(connection)
        await _clear(connection)
        await _load(connection, log, on_load)
        if keys is not None:
            await _load(connection, keys)
        await connection.execute(_sql("analyze_tables"))
        await verify_log(connection, log.header.head, on_verify)
        await verify_attachments(connection)
        await connection.execute(_sql("rebuild_heads"))
        await connection.execute(_sql("rebuild_idempotency"))
        await connection.execute(_sql("continue_inbox"), log.header.inbox_id)
        unreadable: int = await connection.fetchval(_sql("count_unreadable_owners"))
    return Restored(
        head=log.header.head,
        attachments=log.rows["attachments"],
        data_keys=keys.rows["data_keys"] if keys else 0,
        unreadable_owners=unreadable,
    )


async def _clear(connection: asyncpg.Connection) -> None:
    """What a server that was started once has left: no events, but perhaps keys and read tables."""
    for row in await connection.fetch(_sql("list_generations")):
        await connection.execute(drop_schema(schema_of(row["generation"])))
    await connection.execute(_sql("clear_tables"))


async def _load(
    connection: asyncpg.Connection,
    backup: BackupFile,
    on_load: Progress = lambda done, total: None,
) -> None:
    for item in backup.items():
        if isinstance(item, uuid.UUID):
            await connection.execute(_sql("delete_attachment"), item)
            continue
        await _load_page(connection, backup, item)
        on_load(backup.rows["log"], backup.header.head)


async def _load_page(connection: asyncpg.Connection, backup: BackupFile, page: Page) -> None:
    try:
        status: str = await connection.copy_to_table(
            page.table,
            schema_name=_SCHEMA,
            columns=backup.header.tables[page.table],
            source=_streamed(page.content),
            format="binary",
        )
    except DISCONNECTED:
        raise
    except asyncpg.PostgresError as error:
        reason = getattr(error, "detail", None) or str(error).splitlines()[0]
        raise BackupUnreadable(
            f"{backup.path} cannot be loaded into {page.table} ({reason})."
        ) from error
    if int(status.rpartition(" ")[2]) != page.rows:
        raise BackupUnreadable(f"{backup.path} has a page of {page.table} with other rows.")


async def _streamed(content: Iterator[bytes]) -> AsyncIterator[bytes]:
    for part in content:
        yield part


def _sql(name: str) -> str:
    return statements.load(f"backup/{name}")
