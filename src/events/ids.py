"""Identifiers: UUIDv7 (RFC 9562) for what is new, UUIDv8 for what must meet again."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from datetime import UTC, datetime, timedelta

_VERSION_7 = 0x7 << 76
_VERSION_8 = 0x8 << 76
_VARIANT = 0x2 << 62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id() -> uuid.UUID:
    return uuid.UUID(new_id_text())


def new_id_text() -> str:
    """A UUIDv7 whose 12 bits after the millisecond are its fraction (RFC 9562, method 3).

    An append mints one for each event: a UUID object around it would cost as much again.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = rest * 4096 // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | _VERSION_7 | fraction << 64
    digits = f"{value | _VARIANT | int.from_bytes(os.urandom(8)) >> 2:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def derived_id(*parts: str) -> uuid.UUID:
    """The same parts give the same UUIDv8, so that two retries of one request meet."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    value = int.from_bytes(digest.digest()[:16], "big")
    value &= ~(0xF << 76) & ~(0x3 << 62)
    return uuid.UUID(int=value | _VERSION_8 | _VARIANT)


def time_of(identifier: uuid.UUID) -> datetime:
    """When a UUIDv7 was minted."""
    return _EPOCH + timedelta(milliseconds=identifier.int >> 80)


def minted_at(text: str) -> datetime | None:
    """When an id was minted, if it is a UUIDv7."""
    try:
        identifier = uuid.UUID(text)
    except ValueError:
        return None
    return time_of(identifier) if identifier.version == 7 else None
