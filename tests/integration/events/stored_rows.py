"""Rows of the log as earlier releases stored them, kept as data in fixtures/.

A file holds the data keys (wrapped by the EVENT_KEY of tests.log_node) and the events, each with
its leaf hash and, for whoever reads the file, with what its encrypted state says. Rows are added,
never changed.
"""

from __future__ import annotations

import json
import uuid
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from events.stored import StoredEvent

FIXTURES = Path(__file__).parent / "fixtures"

_INSERT_KEY = """
INSERT INTO verbatim.data_keys (key_id, owner_id, generation, wrapped) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
"""
_INSERT_EVENT = """
INSERT INTO verbatim.events (stream_id, stream_version, event_id, topic, schema_version, state,
    owner_id, metadata, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_MOVE_HEAD = """
INSERT INTO verbatim.heads (stream_id, version, appended, owner_id) VALUES ($1, $2, 1, $3)
ON CONFLICT (stream_id) DO UPDATE SET version = excluded.version
"""
_QUEUE = """
INSERT INTO verbatim.inbox (stream_ids, first_versions, last_versions, owner_ids)
VALUES (ARRAY[$1], ARRAY[$2::bigint], ARRAY[$2::bigint], ARRAY[$3])
"""


@dataclass(frozen=True)
class StoredRow:
    event: StoredEvent
    leaf: bytes
    says: Mapping[str, Any]


@dataclass(frozen=True)
class StoredRows:
    data_keys: Sequence[tuple[uuid.UUID, str, int, bytes]]
    rows: Sequence[StoredRow]

    @property
    def events(self) -> list[StoredEvent]:
        return [row.event for row in self.rows]


def load(name: str) -> StoredRows:
    kept = json.loads((FIXTURES / f"{name}.json").read_text())
    return StoredRows(
        [
            (uuid.UUID(k["key_id"]), k["owner_id"], k["generation"], b64decode(k["wrapped"]))
            for k in kept["data_keys"]
        ],
        [_to_row(row) for row in kept["events"]],
    )


async def put_back(pool: asyncpg.Pool, kept: StoredRows) -> None:
    """As the release that wrote them left them: committed and not yet sealed."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.executemany(_INSERT_KEY, kept.data_keys)
        for event in kept.events:
            await put_event(connection, event)


async def put_event(connection: asyncpg.Connection | asyncpg.Pool, event: StoredEvent) -> None:
    await connection.execute(
        _INSERT_EVENT,
        event.stream_id,
        event.stream_version,
        event.event_id,
        event.topic,
        event.schema_version,
        event.state,
        event.owner_id,
        event.metadata,
        event.recorded_at,
    )
    await connection.execute(_MOVE_HEAD, event.stream_id, event.stream_version, event.owner_id)
    await connection.execute(_QUEUE, event.stream_id, event.stream_version, event.owner_id)


def _to_row(row: Mapping[str, Any]) -> StoredRow:
    event = StoredEvent(
        row["stream_id"],
        row["stream_version"],
        uuid.UUID(row["event_id"]),
        row["topic"],
        row["schema_version"],
        b64decode(row["state"]),
        row["owner_id"],
        row["metadata"],
        datetime.fromisoformat(row["recorded_at"]),
    )
    return StoredRow(event, bytes.fromhex(row["leaf"]), row["says"])
