"""Frames: what a client is sent, one JSON event each, numbered within its run.

The frames of a run are the whole response body, so a prefix and its resumption are the whole.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from agent import statements
from events.cipher import DataKey
from events.stored import Companion


@dataclass(frozen=True, slots=True)
class Frame:
    seq: int
    #: JSON of a ChatKit stream event; empty for the mark that ends a run.
    body: bytes
    is_last: bool = False


def frame_body(event: dict[str, Any]) -> bytes:
    return orjson.dumps(event)


def seal_frame(key: DataKey, run_id: uuid.UUID, seq: int, body: bytes) -> bytes:
    return key.encrypt(body, _associated(run_id, seq))


def open_frame(key: DataKey, run_id: uuid.UUID, seq: int, sealed: bytes) -> bytes:
    return key.decrypt(sealed, _associated(run_id, seq))


def frame_companions(key: DataKey, run_id: uuid.UUID, frames: Sequence[Frame]) -> list[Companion]:
    """Frames to write in the transaction of an append."""
    return [
        Companion(
            statement=statements.load("insert_frame"),
            values=(run_id, f.seq, seal_frame(key, run_id, f.seq, f.body), f.is_last),
        )
        for f in frames
    ]


def _associated(run_id: uuid.UUID, seq: int) -> bytes:
    return f"frame|{run_id}|{seq}".encode()
