"""What a session of the Agents SDK holds of a conversation, as a pure function of the events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.input_items import UniqueIds, run_items, user_item
from agent.replayed_items import Item
from agent.turns import active_turns
from commands.branches import Branches
from events.conversation import RunRequested, UserMessagePosted
from events.sessions import SessionCleared, SessionItemRemoved, SessionItemsAdded
from events.stored import RecordedEvent

#: Outputs were cut when they were stored.
WHOLE = 2**31


@dataclass(frozen=True, slots=True)
class PlacedItem:
    #: The stream version of the event that brought it, and its place among what that brought.
    version: int
    place: int
    item: Item


def session_items(recorded: Sequence[RecordedEvent], branches: Branches) -> list[PlacedItem]:
    """What sessions added and what the conversation's own runs said, on the active branch.

    `recorded` is a whole stream.
    """
    cleared = max(
        (one.stream_version for one in recorded if isinstance(one.event, SessionCleared)), default=0
    )
    removed = {
        (one.event.version, one.event.place)
        for one in recorded
        if isinstance(one.event, SessionItemRemoved)
    }
    placed = [*_added_items(recorded, branches), *_own_items(recorded)]
    kept = (p for p in placed if p.version > cleared and (p.version, p.place) not in removed)
    return sorted(kept, key=lambda p: (p.version, p.place))


def _added_items(recorded: Sequence[RecordedEvent], branches: Branches) -> Iterator[PlacedItem]:
    shown_at = {
        one.event.message_id
        if isinstance(one.event, UserMessagePosted)
        else one.event.run_id: one.stream_version
        for one in recorded
        if isinstance(one.event, UserMessagePosted | RunRequested)
    }
    for one in recorded:
        if isinstance(one.event, SessionItemsAdded):
            shown_id = one.event.shown_message_id or one.event.shown_run_id or ""
            if branches.is_current(shown_at.get(shown_id, one.stream_version)):
                for place, item in enumerate(one.event.items):
                    yield PlacedItem(one.stream_version, place, item)


def _own_items(recorded: Sequence[RecordedEvent]) -> Iterator[PlacedItem]:
    """Of messages and runs that no session added; of runs what they said once they ended."""
    added = [one.event for one in recorded if isinstance(one.event, SessionItemsAdded)]
    message_ids = {event.shown_message_id for event in added}
    run_ids = {event.shown_run_id for event in added}
    ids = UniqueIds()
    for turn in active_turns(recorded):
        if turn.message.message_id not in message_ids:
            yield PlacedItem(turn.recorded.stream_version, 0, user_item(turn.message))
        for run in turn.runs:
            if run.is_ended and run.recorded and run.run_id not in run_ids:
                version = run.recorded[0].stream_version
                for place, item in enumerate(run_items(run, ids, WHOLE)):
                    yield PlacedItem(version, place, item)
