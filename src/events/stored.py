"""An event before it is stored, as it is stored, and as it is read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from events.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """A row written in the append's own transaction, when the append wins.

    `statement` is static SQL; `values` are its parameters.
    """

    statement: str
    values: tuple[Any, ...]
    #: What the statement locks beside new rows: a batch locks in this order, so no two wait for
    #: each other.
    lock: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Events for one stream at an exact expected version."""

    stream_id: str
    #: 0 for a stream that must not exist yet.
    expected_version: int
    owner_id: str
    events: Sequence[Event]
    #: user:<id>, agent:<run id> or system.
    actor: str
    correlation_id: str | None = None
    causation_id: str | None = None
    idempotency_key: str | None = None
    #: What makes two requests the same one; stored only as a keyed hash.
    request_body: bytes | None = None
    companions: Sequence[Companion] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """The stored outcome of an append; `is_replay` when an idempotency key brought it back."""

    stream_id: str
    first_version: int
    last_version: int
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A row of the log as it stands in the database, content encrypted."""

    stream_id: str
    stream_version: int
    event_id: uuid.UUID
    topic: str
    schema_version: int
    state: bytes
    owner_id: str
    #: Canonical JSON.
    metadata: str
    recorded_at: datetime
    #: 1-based in the whole log; None until sealed (or when it was not asked for).
    position: int | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> StoredEvent:
        return cls(
            row["stream_id"],
            row["stream_version"],
            row["event_id"],
            row["topic"],
            row["schema_version"],
            row["state"],
            row["owner_id"],
            row["metadata"],
            row["recorded_at"],
            row["position"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """A stored event, decrypted and decoded."""

    stream_id: str
    stream_version: int
    event_id: str
    event: Event
    owner_id: str
    recorded_at: datetime
    position: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def category(self) -> str:
        return self.stream_id.partition("-")[0]

    @property
    def idempotency_key(self) -> str | None:
        return self.metadata.get("idempotency_key")
