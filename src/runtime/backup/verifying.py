"""Whether a log that was loaded is the one that was sealed."""

from __future__ import annotations

import asyncpg

from runtime import statements
from runtime.backup.reading import Progress
from runtime.errors import BackupUnreadable, LogDamaged

BATCH_EVENTS = 20_000


async def verify_log(connection: asyncpg.Connection, head: int, on_progress: Progress) -> None:
    """Positions 1..head, each stream's versions in order, each event the one of its leaf hash.

    Raises LogDamaged, with the first position that is wrong.
    """
    on_progress(0, head)
    await _verify_order(connection, head)
    for after in range(0, head, BATCH_EVENTS):
        up_to = min(after + BATCH_EVENTS, head)
        await _verify_leaves(connection, after, up_to)
        on_progress(up_to, head)


async def verify_attachments(connection: asyncpg.Connection) -> None:
    attachment_id = await connection.fetchval(_sql("find_attachment_fault"))
    if attachment_id is not None:
        raise BackupUnreadable(f"Attachment {attachment_id} is not whole in the backup.")


async def _verify_order(connection: asyncpg.Connection, head: int) -> None:
    fault = await connection.fetchrow(_sql("find_order_fault"))
    if fault is not None:
        if fault["position"] != fault["expected_position"]:
            raise LogDamaged(fault["expected_position"], "there is no event at it")
        raise LogDamaged(
            fault["position"],
            f"it holds version {fault['stream_version']} of {fault['stream_id']} where "
            f"{fault['expected_version']} was expected",
        )
    count = await connection.fetchrow(_sql("count_rows"))
    if count["log"] != head:
        raise LogDamaged(min(count["log"], head) + 1, f"the log should end at {head}")
    if count["events"] > count["log"]:
        raise BackupUnreadable("The backup holds events that have no position in the log.")


async def _verify_leaves(connection: asyncpg.Connection, after: int, up_to: int) -> None:
    fault = await connection.fetchrow(_sql("find_leaf_fault"), after, up_to)
    if fault is None:
        return
    place = f"version {fault['stream_version']} of {fault['stream_id']}"
    if fault["is_missing"]:
        raise LogDamaged(fault["position"], f"{place} is missing")
    raise LogDamaged(fault["position"], f"{place} is not the event that was sealed there")


def _sql(name: str) -> str:
    return statements.load(f"backup/{name}")
