"""Rows of a page with which of the messages in their place they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from projections.messages import MessageRow
from projections.rows import ReadRow, Siblings
from projections.thread_items import ThreadItemRow


def with_siblings(row: ReadRow | None, record: Mapping[str, Any]) -> ReadRow | None:
    if isinstance(row, MessageRow):
        message_id: str | None = row.id
    elif isinstance(row, ThreadItemRow):
        message_id = row.message_id
    else:
        return row
    if message_id is None or record.get("sibling_count", 0) < 2:
        return row
    siblings = Siblings(
        message_id=message_id,
        number=record["sibling_number"],
        count=record["sibling_count"],
        previous_id=record["previous_id"],
        next_id=record["next_id"],
    )
    return replace(row, siblings=siblings)
