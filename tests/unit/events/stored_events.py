"""Events as they stand in the database, without one."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from events.cipher import DataKey
from events.codec import associated_data
from events.event import Event
from events.store import encode_append
from events.stored import Append, StoredEvent

STREAM = "conversation-0198d3f0-0000-7000-8000-000000000001"
MOMENT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


def data_key(owner_id: str = "ada", *, secret: bytes = b"s" * 32) -> DataKey:
    return DataKey(uuid.UUID(int=7), owner_id, secret)


KEY = data_key()


def stored_event(
    event: Event,
    *,
    key: DataKey = KEY,
    stream_id: str = STREAM,
    version: int = 1,
    position: int | None = None,
    **changes: Any,
) -> StoredEvent:
    append = Append(
        stream_id=stream_id,
        expected_version=version - 1,
        owner_id=key.owner_id,
        events=[event],
        actor=f"user:{key.owner_id}",
        **changes,
    )
    encoded = encode_append(append, key)
    return StoredEvent(
        stream_id,
        version,
        uuid.UUID(encoded.event_ids[0]),
        encoded.topics[0],
        encoded.schema_versions[0],
        encoded.states[0],
        encoded.owner_id,
        encoded.metadata[0],
        MOMENT,
        position,
    )


def written_elsewhere(topic: str, schema_version: int, state: bytes) -> StoredEvent:
    """The event at version 3, position 12, in the words of another release."""
    place = associated_data(STREAM, 3)
    metadata = f'{{"actor":"user:ada","key_id":"{KEY.key_id}"}}'
    return StoredEvent(
        STREAM,
        3,
        uuid.UUID(int=1),
        topic,
        schema_version,
        KEY.encrypt(state, place),
        KEY.owner_id,
        metadata,
        MOMENT,
        12,
    )
