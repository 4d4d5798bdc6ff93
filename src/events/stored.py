"""An event before it is stored, as it is stored, and as it is read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

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


class StoredEvent(msgspec.Struct, frozen=True):
    """A row of the log as it stands in the database, content encrypted.

    A struct and no dataclass, as is RecordedEvent: many are made for each that is changed.
    """

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
        """From a row whose columns stand in the order of the fields."""
        return cls(*row.values())


class RecordedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A stored event, decrypted and decoded."""

    stream_id: str
    stream_version: int
    event_id: str
    event: Event
    owner_id: str
    recorded_at: datetime
    position: int | None = None
    metadata: Mapping[str, Any] = msgspec.field(default_factory=dict)

    @property
    def category(self) -> str:
        return self.stream_id.partition("-")[0]

    @property
    def idempotency_key(self) -> str | None:
        return self.metadata.get("idempotency_key")
