"""The leaf hash of an event as it is stored, the same bytes as `verbatim.leaf_hash` in SQL."""

from __future__ import annotations

import hashlib
import struct
from datetime import UTC, datetime

from events.stored import StoredEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = struct.Struct(">I").pack
_TWO_NUMBERS = struct.Struct(">II").pack
_VERSION_AND_ID = struct.Struct(">Q16sI").pack
_TIME_AND_NUMBER = struct.Struct(">qI").pack


def leaf_hash(stored: StoredEvent) -> bytes:
    """SHA-256 of 0x00 and the entry (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x00" + leaf_entry(stored)).digest()


def leaf_entry(stored: StoredEvent) -> bytes:
    """Every variable field is preceded by its length, so no two events share an entry."""
    stream_id, topic = stored.stream_id.encode(), stored.topic.encode()
    owner_id, metadata = stored.owner_id.encode(), stored.metadata.encode()
    since = stored.recorded_at - _EPOCH
    return b"".join(
        (
            _NUMBER(len(stream_id)),
            stream_id,
            _VERSION_AND_ID(stored.stream_version, stored.event_id.bytes, len(topic)),
            topic,
            _TWO_NUMBERS(stored.schema_version, len(owner_id)),
            owner_id,
            _NUMBER(len(metadata)),
            metadata,
            _TIME_AND_NUMBER(
                (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds,
                len(stored.state),
            ),
            stored.state,
        )
    )
