"""What the two files of a backup are made of, as docs/backup-format.md describes it.

A magic line, then frames: one byte of kind, four bytes of length, the payload. The rows of a page
are PostgreSQL's own binary COPY stream, cut into data frames. The last 32 bytes are the SHA-256 of
everything before them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

MAGIC = b"VERBATIM-BACKUP\n"
FORMAT = 1

HEADER = b"H"
PAGE = b"P"
DATA = b"D"
PAGE_END = b"E"
WITHDRAWN = b"X"
TRAILER = b"T"

FRAME = struct.Struct(">cI")
COUNT = struct.Struct(">Q")
FRAME_BYTES = 1024 * 1024
DIGEST_BYTES = 32
ID_BYTES = 16

FileKind = Literal["log", "keys"]
Tables = Mapping[str, tuple[str, ...]]

#: In an order in which they can be loaded.
LOG_TABLES: Tables = {
    "events": (
        "stream_id",
        "stream_version",
        "event_id",
        "topic",
        "schema_version",
        "state",
        "owner_id",
        "metadata",
        "recorded_at",
    ),
    "log": ("position", "stream_id", "stream_version", "owner_id", "leaf"),
    "attachments": (
        "attachment_id",
        "owner_id",
        "key_id",
        "description",
        "size_bytes",
        "is_complete",
        "conversation_id",
        "created_at",
    ),
    "attachment_chunks": ("attachment_id", "chunk", "body"),
    "checkpoints": ("tree_size", "root", "note", "signed_at"),
    "facts": ("name", "value"),
}
KEY_TABLES: Tables = {
    "data_keys": ("key_id", "owner_id", "generation", "wrapped", "created_at"),
}


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the header that every later format keeps."""

    format: int
    revision: str


class Header(msgspec.Struct, frozen=True, kw_only=True):
    format: int = FORMAT
    kind: FileKind
    #: When everything committed had been sealed.
    taken_at: datetime
    #: The database's schema revision.
    revision: str
    #: Of the EVENT_KEY that wraps the data keys; None where nothing is encrypted.
    event_key_fingerprint: str | None
    #: The newest position of the log.
    head: int
    #: The last inbox id that was given out.
    inbox_id: int
    #: The columns of each table's rows, in their order.
    tables: dict[str, tuple[str, ...]]


class Trailer(msgspec.Struct, frozen=True, kw_only=True):
    #: How many rows the file holds of each table.
    rows: dict[str, int]


def tables_of(kind: FileKind) -> Tables:
    return LOG_TABLES if kind == "log" else KEY_TABLES
