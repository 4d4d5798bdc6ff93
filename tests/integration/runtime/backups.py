"""Backups taken and brought up by tests, and what is in them afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from runtime.backup import BackupFile, Restored, Written, check_keys, restore_backup, write_backup
from runtime.backup.drafts import Draft
from runtime.backup.reading import Page

TRUTH = {
    "events": "SELECT * FROM verbatim.events ORDER BY stream_id, stream_version",
    "log": "SELECT * FROM verbatim.log ORDER BY position",
    "data_keys": "SELECT * FROM verbatim.data_keys ORDER BY key_id",
    "facts": "SELECT * FROM verbatim.facts ORDER BY name",
    "checkpoints": "SELECT * FROM verbatim.checkpoints ORDER BY tree_size",
    "attachments": "SELECT attachment_id, owner_id, key_id, description, size_bytes, is_complete, "
    "conversation_id, created_at FROM verbatim.attachments ORDER BY attachment_id",
    "chunks": "SELECT * FROM verbatim.attachment_chunks ORDER BY attachment_id, chunk",
}
DERIVED = {
    "heads": "SELECT stream_id, version, owner_id FROM verbatim.heads ORDER BY stream_id",
    "idempotency": "SELECT * FROM verbatim.idempotency ORDER BY stream_id, idempotency_key",
}


async def back_up(url: str, folder: Path, name: str = "backup", **options: Any) -> Written:
    async with connected(url) as connection:
        path = folder / name
        return await write_backup(connection, path, keys_of(path), **options)


async def bring_up(url: str, path: Path, keys: Path | None = None) -> Restored:
    with (
        BackupFile(path, "log") as log,
        BackupFile(keys or keys_of(path), "keys") as data_keys,
    ):
        check_keys(log, data_keys)
        async with connected(url) as connection:
            return await restore_backup(connection, log, data_keys)


def keys_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.keys")


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def rows(url: str, *queries: str) -> list[list[tuple[Any, ...]]]:
    async with connected(url) as connection:
        return [[tuple(row) for row in await connection.fetch(query)] for query in queries]


async def as_owner(url: str, *statements: str) -> None:
    """What no trigger stops: an owner of the tables who means harm."""
    async with connected(url) as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            await connection.execute(statement)


Pages = list[tuple[str, bytes, int]]


async def rewritten(path: Path, into: Path, change: Callable[[Pages], Sequence[Any]]) -> None:
    """The same backup with other pages, and a checksum that fits."""
    with BackupFile(path, "log") as backup:
        pages: Pages = []
        for item in backup.items():
            assert isinstance(item, Page)
            content = b"".join(item.content)
            pages.append((item.table, content, item.rows))
        with Draft(into, backup.header) as draft:
            for table, content, count in change(pages):
                draft.begin(table)
                await draft.add(content)
                draft.end(count)
            draft.finish()
            draft.publish()
