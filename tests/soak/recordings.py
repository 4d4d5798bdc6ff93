"""What a client saw, one JSON object a line: each message sent, each byte of the answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import msgspec


class Send(msgspec.Struct, tag="send", frozen=True, kw_only=True):
    """One POST. Under the same key it may have been tried before, on any node."""

    user: str
    key: str
    text: str
    #: None: the message begins a conversation.
    conversation_id: str | None
    began_ns: int
    #: When its response began; None when it was lost, and nobody knows whether it was accepted.
    answered_ns: int | None = None
    status: int | None = None
    run_id: str | None = None


class Stream(msgspec.Struct, tag="stream", frozen=True, kw_only=True):
    """One response's body, as far as it was read."""

    user: str
    run_id: str
    node: str
    #: The frame that the client had seen last; 0 is none.
    after_seq: int
    #: Each byte as the character of its number.
    body: str
    #: Whether the server ended it; else the client or the connection did.
    is_ended: bool


class Stop(msgspec.Struct, tag="stop", frozen=True, kw_only=True):
    user: str
    run_id: str
    status: int


class Look(msgspec.Struct, tag="look", frozen=True, kw_only=True):
    """The history, read after a message was accepted, perhaps on another node."""

    user: str
    conversation_id: str
    run_id: str
    item_ids: tuple[str, ...]


class Intrusion(msgspec.Struct, tag="intrusion", frozen=True, kw_only=True):
    """A request for what is another user's, or with no token (user: none)."""

    user: str | None
    request: str
    status: int


class Kill(msgspec.Struct, tag="kill", frozen=True, kw_only=True):
    node: str
    #: kill | stop (for a while; it wakes up later)
    how: str
    at_ns: int


class Surprise(msgspec.Struct, tag="surprise", frozen=True, kw_only=True):
    """What no law foresees: an answer that makes no sense, a reply that never ends."""

    user: str
    what: str


Entry = Send | Stream | Stop | Look | Intrusion | Kill | Surprise


class Recording:
    """An append-only file; a line is written as soon as its entry is known."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def add(self, entry: Entry) -> None:
        self._file.write(json.dumps(msgspec.to_builtins(entry)) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def read_recordings(folder: Path) -> Iterator[Entry]:
    decoder: Any = msgspec.json.Decoder(Entry)
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as lines:
            for line in lines:
                yield decoder.decode(line)
