"""Pages of a list, and the cursors that lead from one to the next."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

import msgspec

from events.storable import is_storable
from projections.errors import InvalidCursor
from projections.rows import ReadRow

Order = Literal["asc", "desc"]
RowType = TypeVar("RowType", bound=ReadRow)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_ORDINAL = 2**63 - 1
_moments = msgspec.json.Decoder(tuple[int, str])
_keys = msgspec.json.Decoder(tuple[str])
_ordinals = msgspec.json.Decoder(tuple[int, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[RowType]):
    rows: tuple[RowType, ...]
    has_more: bool
    #: Leads to the next page; None after the last row of all.
    after: str | None
    #: The log position that the page was read at.
    position: int
    #: True when a stream of these rows is parked.
    is_stale: bool = False
    #: Of a conversation's pages: the branch that was read.
    branch_id: str | None = None


def moment_cursor(created_at: datetime, row_id: str) -> str:
    return _encode((created_at - _EPOCH) // _MICROSECOND, row_id)


def parse_moment_cursor(cursor: str) -> tuple[datetime, str]:
    """Raises InvalidCursor."""
    try:
        microseconds, row_id = _moments.decode(_decode(cursor))
        created_at = _EPOCH + timedelta(microseconds=microseconds)
    except (msgspec.MsgspecError, OverflowError):
        raise InvalidCursor from None
    return created_at, checked_id(row_id)


def moment_parameters(cursor: str | None) -> dict[str, Any]:
    """after_at and after_id where there is a cursor. Raises InvalidCursor."""
    if cursor is None:
        return {}
    after_at, after_id = parse_moment_cursor(cursor)
    return {"after_at": after_at, "after_id": after_id}


def key_cursor(key: str) -> str:
    return _encode(key)


def parse_key_cursor(cursor: str) -> str:
    """Raises InvalidCursor."""
    try:
        (key,) = _keys.decode(_decode(cursor))
    except msgspec.MsgspecError:
        raise InvalidCursor from None
    return checked_id(key)


def ordinal_cursor(ordinal: int, branch_id: str) -> str:
    return _encode(ordinal, branch_id)


def parse_ordinal_cursor(cursor: str) -> tuple[int, str]:
    """The ordinal and the branch. Raises InvalidCursor."""
    try:
        ordinal, branch_id = _ordinals.decode(_decode(cursor))
    except msgspec.MsgspecError:
        raise InvalidCursor from None
    if not 0 <= ordinal <= _MAX_ORDINAL:
        raise InvalidCursor
    return ordinal, checked_id(branch_id)


def checked_id(row_id: str) -> str:
    """Raises InvalidCursor for text that no id can be."""
    if not is_storable(row_id):
        raise InvalidCursor
    return row_id


def _encode(*parts: int | str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def _decode(cursor: str) -> bytes:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidCursor from None
