"""The fold: one event into the rows, the same for the projector, a rebuild and a check."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from events import conversation, task, user
from events.event import Event
from events.stored import RecordedEvent
from projections import (
    branches,
    conversations,
    messages,
    runs,
    search,
    tasks,
    thread_items,
    usage,
)
from projections.rows import Key, ReadRow, Rows
from projections.tables import ReadModel

#: Raise it whenever the fold makes other rows of the same events; the tables' DDL counts by itself.
FOLD_VERSION = 5

#: In the order they are applied. Branches read the conversation as it was before the event, which
#: then reads theirs; runs read messages as they were before it, messages count in the conversation;
#: usage reads runs as they were before it; thread items show tool calls as they are after it.
CONVERSATION_MODELS: tuple[ReadModel, ...] = (
    branches.MODEL,
    conversations.MODEL,
    usage.MODEL,
    runs.MODEL,
    messages.MODEL,
    thread_items.MODEL,
    search.MODEL,
)
TASK_MODELS: tuple[ReadModel, ...] = (tasks.MODEL,)
MODELS = CONVERSATION_MODELS + TASK_MODELS

#: Every row is made by the events of one stream: so streams can be folded apart from each other.
BY_CATEGORY = {conversation.CATEGORY: CONVERSATION_MODELS, task.CATEGORY: TASK_MODELS}

_STREAM_OF = {
    m.name: (f"{c}-", m.stream_column) for c, models in BY_CATEGORY.items() for m in models
}


def stream_of(table: str, row: ReadRow | None) -> str:
    """The stream whose events made the row."""
    category, column = _STREAM_OF[table]
    return f"{category}{getattr(row, column)}"


def keys(event: RecordedEvent) -> Iterable[Key]:
    """The rows an event may read or change, as far as it names them itself."""
    for model in BY_CATEGORY.get(event.category, ()):
        yield from model.keys(event)


def fold(rows: Rows, event: RecordedEvent) -> None:
    """Apply an event, wholly or (when it raises) not at all; a second time changes nothing."""
    with rows.attempt():
        category = event.category
        if _accepts(rows, event, category):
            for model in _concerned(category, type(event.event)):
                model.apply(rows, event)
        elif isinstance(event.event, user.Erased):
            rows.sweep_owner(event.stream_id.removeprefix(user.stream_of("")))


@cache
def _concerned(category: str, kind: type[Event]) -> tuple[ReadModel, ...]:
    return tuple(m for m in BY_CATEGORY[category] if not m.events or issubclass(kind, m.events))


def _accepts(rows: Rows, event: RecordedEvent, category: str) -> bool:
    match category:
        case conversation.CATEGORY:
            return conversations.accepts(rows, event)
        case task.CATEGORY:
            return tasks.accepts(rows, event)
        case _:
            return False
