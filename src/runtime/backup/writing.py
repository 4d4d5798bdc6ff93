"""Writes the truth to a file, as of one position of the log, while the server goes on.

Everything committed is sealed first, so that the log up to its head is one consistent point: each
stream whole up to a version, and nothing before what it was caused by. What is sealed never
changes, so it can be copied in pages, and no snapshot is held longer than one of them takes.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from events.sealer import Sealer
from events.signal import LogSignal
from runtime import statements
from runtime.backup.drafts import Draft
from runtime.backup.format import FileKind, Header, tables_of
from runtime.backup.reading import Progress
from runtime.errors import LogDamaged

PAGE_EVENTS = 5_000
PAGE_KEYS = 20_000
#: Attachments of a page, and how large they are together at most, unless a single one is larger.
PAGE_ATTACHMENTS = 100
PAGE_ATTACHMENT_BYTES = 16 * 1024 * 1024
PAGE_CHUNKS = 64

_FIRST = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    head: int
    taken_at: datetime
    #: Of both files, by table.
    rows: Mapping[str, int]
    size_bytes: int
    is_encrypted: bool


async def write_backup(
    connection: asyncpg.Connection,
    path: Path,
    keys_path: Path,
    *,
    on_progress: Progress = lambda done, total: None,
) -> Written:
    """Both files get their names once both are whole. Raises BackupNotWritten and LogDamaged.

    `on_progress` is told events.
    """
    head = await Sealer(connection, LogSignal()).seal()
    point = dict(await connection.fetchrow(_sql("backup_point")))
    with (
        Draft(path, _header("log", head, point)) as log,
        Draft(keys_path, _header("keys", head, point)) as keys,
    ):
        await _write_log(connection, log, head, on_progress)
        await _write_attachments(connection, log, point["taken_at"])
        await _copy(connection, log, "checkpoints", head)
        await _copy(connection, log, "facts")
        log.finish()
        # Last, so that a key which is destroyed meanwhile is in no file.
        await _write_keys(connection, keys)
        keys.finish()
        keys.publish()
        log.publish()
    return Written(
        head=head,
        taken_at=point["taken_at"],
        rows={**log.rows, **keys.rows},
        size_bytes=log.size_bytes,
        is_encrypted=point["event_key_fingerprint"] is not None,
    )


async def _write_log(
    connection: asyncpg.Connection, draft: Draft, head: int, on_progress: Progress
) -> None:
    on_progress(0, head)
    for after in range(0, head, PAGE_EVENTS):
        up_to = min(after + PAGE_EVENTS, head)
        for table in ("events", "log"):
            rows = await _copy(connection, draft, table, after, up_to)
            if rows != up_to - after:
                raise LogDamaged(
                    await connection.fetchval(_sql("find_missing_event"), after, up_to) or up_to,
                    "its event is missing",
                )
        on_progress(up_to, head)


async def _write_attachments(
    connection: asyncpg.Connection, draft: Draft, created_until: datetime
) -> None:
    """Those uploaded by the point of the backup; what is deleted while it runs is left out."""
    after = _FIRST
    while True:
        page = await connection.fetch(
            _sql("next_attachments"), after, created_until, PAGE_ATTACHMENTS, PAGE_ATTACHMENT_BYTES
        )
        if not page:
            return
        attachment_ids = [row["attachment_id"] for row in page]
        await _copy(connection, draft, "attachments", attachment_ids)
        await _write_chunks(connection, draft, attachment_ids)
        for row in await connection.fetch(_sql("find_withdrawn_attachments"), attachment_ids):
            draft.withdraw(row["attachment_id"])
        after = attachment_ids[-1]


async def _write_chunks(
    connection: asyncpg.Connection, draft: Draft, attachment_ids: list[uuid.UUID]
) -> None:
    # Whole attachments never change their chunks, so pages of them belong together.
    chunk = 0
    while await _copy(
        connection, draft, "attachment_chunks", attachment_ids, chunk, chunk + PAGE_CHUNKS
    ):
        chunk += PAGE_CHUNKS


async def _write_keys(connection: asyncpg.Connection, draft: Draft) -> None:
    after = _FIRST
    while True:
        last = await connection.fetchval(_sql("last_data_key_of_page"), after, PAGE_KEYS)
        if last is None:
            return
        await _copy(connection, draft, "data_keys", after, last)
        after = last


async def _copy(connection: asyncpg.Connection, draft: Draft, table: str, *arguments: Any) -> int:
    """One page of a table; answers its rows."""
    draft.begin(table)
    status: str = await connection.copy_from_query(
        _sql(f"copy_{table}"), *arguments, output=draft.add, format="binary"
    )
    rows = int(status.rpartition(" ")[2])
    draft.end(rows)
    return rows


def _header(kind: FileKind, head: int, point: Mapping[str, Any]) -> Header:
    return Header(kind=kind, head=head, tables=dict(tables_of(kind)), **point)


def _sql(name: str) -> str:
    return statements.load(f"backup/{name}")
