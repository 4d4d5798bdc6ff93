"""Reads as much of a conversation as a context needs, newest events first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.context import OUTPUT_CHARACTERS, Context, build_context
from agent.notes import turns_after_summary
from agent.turns import Turn, last_turns, turns_before
from commands.errors import NotFound
from events import conversation as c
from events.store import MAX_VERSION, EventStore
from events.stored import RecordedEvent

#: The first page; each further one is twice as long, so that a far search stays linear.
PAGE_EVENTS = 128
LONGEST_PAGE_EVENTS = 8_192


async def load_context(
    store: EventStore,
    conversation_id: str,
    run_id: str,
    limit: int,
    *,
    output_characters: int = OUTPUT_CHARACTERS,
    page_events: int = PAGE_EVENTS,
    summary: RecordedEvent | None = None,
) -> Context:
    """`build_context` over the whole stream, of which only the needed end is read.

    Raises NotFound when the conversation has no such run.
    """
    recorded = await _read_back(
        store,
        c.stream_of(conversation_id),
        MAX_VERSION,
        page_events,
        lambda found: _is_settled(found, run_id, limit, summary),
    )
    return build_context(recorded, run_id, limit, output_characters, summary)


async def load_turns(
    store: EventStore, conversation_id: str, run_id: str, summary: RecordedEvent | None, limit: int
) -> Sequence[Turn]:
    """Those up to a run's that a summary does not cover; of very many the last `limit` messages."""
    recorded = await _read_back(
        store,
        c.stream_of(conversation_id),
        MAX_VERSION,
        PAGE_EVENTS,
        lambda found: _is_settled(found, run_id, limit, summary),
    )
    turns = turns_before(recorded, run_id)
    uncovered = turns_after_summary(turns, summary) if summary else turns
    return last_turns(uncovered, limit).turns if uncovered else ()


async def _read_back(
    store: EventStore,
    stream_id: str,
    before_version: int,
    page_events: int,
    is_enough: Callable[[Sequence[RecordedEvent]], bool],
) -> list[RecordedEvent]:
    """The end of a stream in version order: the shortest run of pages that is enough, or all."""
    found: list[RecordedEvent] = []
    while before_version > 1 and not is_enough(found):
        page = await store.read_stream_backwards(
            stream_id, page_events, before_version=before_version
        )
        if not page:
            break
        found = [*reversed(page), *found]
        before_version = page[-1].stream_version
        page_events = min(page_events * 2, LONGEST_PAGE_EVENTS)
    return found


def _is_settled(
    found: Sequence[RecordedEvent], run_id: str, limit: int, summary: RecordedEvent | None
) -> bool:
    try:
        turns: Sequence[Turn] = turns_before(found, run_id)
    except NotFound:
        return False
    if summary is not None:
        later = turns_after_summary(turns, summary)
        if len(later) < len(turns):
            return True
    return last_turns(turns, limit).is_settled
