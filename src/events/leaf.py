"""The leaf hash of an event as it is stored, the same bytes as `verbatim.leaf_hash` in SQL."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from events.stored import StoredEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def leaf_hash(stored: StoredEvent) -> bytes:
    """SHA-256 of 0x00 and the entry (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x00" + leaf_entry(stored)).digest()


def leaf_entry(stored: StoredEvent) -> bytes:
    """Every variable field is preceded by its length, so no two events share an entry."""
    microseconds = (stored.recorded_at - _EPOCH) // timedelta(microseconds=1)
    return b"".join(
        (
            _sized(stored.stream_id.encode()),
            stored.stream_version.to_bytes(8, "big"),
            stored.event_id.bytes,
            _sized(stored.topic.encode()),
            stored.schema_version.to_bytes(4, "big"),
            _sized(stored.owner_id.encode()),
            _sized(stored.metadata.encode()),
            microseconds.to_bytes(8, "big", signed=True),
            _sized(stored.state),
        )
    )


def _sized(field: bytes) -> bytes:
    return len(field).to_bytes(4, "big") + field
