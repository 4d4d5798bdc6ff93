"""Frames: what a client is sent, one JSON event each, numbered within its run.

The frames of a run are the whole response body, so a prefix and its resumption are the whole.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from agent import statements
from events.cipher import DataKey
from events.stored import Companion


class Frame(NamedTuple):
    seq: int
    #: JSON of a ChatKit stream event; empty for the mark that ends a run.
    body: bytes
    is_last: bool = False


def frame_body(event: dict[str, Any]) -> bytes:
    return orjson.dumps(event)


def last_frames(shown: Sequence[dict[str, Any]], first_seq: int) -> list[Frame]:
    """The frames that end a run's answer: at least one, and the last of them says so."""
    bodies = [frame_body(event) for event in shown] or [b""]
    return [
        Frame(first_seq + n, body, is_last=n == len(bodies) - 1) for n, body in enumerate(bodies)
    ]


class FrameSeal:
    """Encrypts and decrypts the frames of one run, each bound to its run and number."""

    def __init__(self, key: DataKey, run_id: uuid.UUID) -> None:
        self._key = key
        self._run = f"frame|{run_id}|".encode()

    def seal(self, seq: int, body: bytes) -> bytes:
        return self._key.encrypt(body, b"%b%d" % (self._run, seq))

    def open(self, seq: int, sealed: bytes) -> bytes:
        return self._key.decrypt(sealed, b"%b%d" % (self._run, seq))


def frame_companions(key: DataKey, run_id: uuid.UUID, frames: Sequence[Frame]) -> list[Companion]:
    """Frames to write in the transaction of an append."""
    seal = FrameSeal(key, run_id)
    return [
        Companion(
            statement=statements.load("insert_frame"),
            values=(run_id, f.seq, seal.seal(f.seq, f.body), f.is_last),
        )
        for f in frames
    ]
