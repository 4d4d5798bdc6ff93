"""What `verbatim events` does once the database is known. It brings the store's libraries along."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from cli.branch_marks import BranchMarks
from cli.errors import CliError
from cli.moments import Moment
from cli.opened import OpenLog, open_log
from cli.past_events import pages_until, read_all
from cli.replay import erased_json, erased_line, json_of, line_of
from cli.terminal import print_json, print_text
from events.conversation import CATEGORY, stream_of
from events.group_commit import DISCONNECTED
from events.stored import RecordedEvent, StoredEvent
from events.subscription import subscribe
from runtime.settings import Settings

#: How often a follower looks by itself where no LISTEN is to be had.
FOLLOW_SECONDS = 1.0


async def read_rows(
    settings: Settings, url: str, after: int, limit: int, categories: Sequence[str] | None
) -> list[dict[str, Any]]:
    async with open_log(settings, url) as log:
        stored = await log.store.read_log(after, limit=limit, categories=categories)
        return [_row_of(event) for event in stored]


async def read_event(settings: Settings, url: str, position: int) -> dict[str, Any]:
    async with open_log(settings, url) as log:
        stored = await log.store.read_log(position - 1, up_to_position=position, limit=1)
        if not stored:
            raise CliError(f"There is no event at position {position}.")
        ((_, recorded),) = await read_all(log, stored)
        if recorded is None:
            return erased_json(stored[0])
        return json_of(recorded, await _branch_of(log, recorded))


async def replay_stream(
    log: OpenLog, conversation_id: str, moment: Moment, follow: bool, as_json: bool
) -> None:
    stream_id = stream_of(conversation_id)
    marks = BranchMarks()
    version = await _print_stream(log, stream_id, 0, moment, as_json, marks)
    if version is None and not follow:
        raise CliError(f"There is no conversation {conversation_id}.")
    if follow:
        async with _listening(log):
            await _follow_stream(log, stream_id, version or 0, as_json, marks)


async def follow_log(
    settings: Settings, url: str, after: int | None, categories: Sequence[str] | None, as_json: bool
) -> None:
    async with open_log(settings, url) as log, _listening(log):
        head, _ = await log.store.head()
        log.signal.advance(head)
        start = head if after is None else after
        async for batch in subscribe(log.store, log.signal, start, categories=categories):
            for event in batch:
                row = _row_of(event)
                if as_json:
                    print_json(row)
                else:
                    print_text("\t".join(str(value) for value in row.values()))


async def _follow_stream(
    log: OpenLog, stream_id: str, version: int, as_json: bool, marks: BranchMarks
) -> None:
    while True:
        head = log.signal.head
        last = await _print_stream(log, stream_id, version, Moment(), as_json, marks)
        version = last or version
        await log.signal.wait_beyond(head)


async def _print_stream(
    log: OpenLog,
    stream_id: str,
    after_version: int,
    moment: Moment,
    as_json: bool,
    marks: BranchMarks,
) -> int | None:
    """Prints a stream from a version to a point.

    The last version printed; None when the stream has nothing after the first one.
    """
    version = None
    async for page in pages_until(log, stream_id, moment, after_version):
        version = version or after_version
        for stored, recorded in page:
            _print_event(stored, recorded, as_json, marks)
            version = stored.stream_version
    return version


def _print_event(
    stored: StoredEvent, recorded: RecordedEvent | None, as_json: bool, marks: BranchMarks
) -> None:
    if recorded is None:
        print_json(erased_json(stored)) if as_json else print_text(erased_line(stored))
        return
    branch_id = marks.branch_of(recorded)
    if as_json:
        print_json(json_of(recorded, branch_id))
    else:
        print_text(line_of(recorded, marks.mark_of(branch_id)))


async def _branch_of(log: OpenLog, recorded: RecordedEvent) -> str | None:
    """As the events before it tell; None for what is no conversation's."""
    if recorded.category != CATEGORY:
        return None
    marks = BranchMarks()
    earlier = await log.store.read_stream(recorded.stream_id, up_to_version=recorded.stream_version)
    return [marks.branch_of(one) for one in earlier][-1]


@asynccontextmanager
async def _listening(log: OpenLog) -> AsyncIterator[None]:
    """Meanwhile the log's signal follows the log's head."""
    listening = asyncio.create_task(log.listener.run() if log.listener else _look_forever(log))
    try:
        yield
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _look_forever(log: OpenLog) -> None:
    while True:
        with contextlib.suppress(*DISCONNECTED):
            log.signal.advance((await log.store.head())[0])
        await asyncio.sleep(FOLLOW_SECONDS)


def _row_of(event: StoredEvent) -> dict[str, Any]:
    return {
        "position": event.position,
        "recorded_at": event.recorded_at.isoformat(timespec="milliseconds"),
        "stream_id": event.stream_id,
        "version": event.stream_version,
        "topic": event.topic,
    }
