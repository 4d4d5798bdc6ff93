"""What a run's attempts were given, derived again from the events and held against the record."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from agent.context import Context, context_hash, rederive
from commands.conversation import CONVERSATION
from commands.conversation_state import ConversationState
from commands.errors import NotFound
from events import conversation as c
from events.errors import ContentErased
from events.keys import KeyRing
from events.stored import RecordedEvent


@dataclass(frozen=True, slots=True)
class GivenContext:
    """One run_started event and the context that its model was given."""

    recorded: RecordedEvent
    started: c.RunStarted
    #: None when the events do not lead to any.
    context: Context | None
    #: The keyed hash of that context; empty when there is none.
    derived_hash: str

    @property
    def is_proved(self) -> bool:
        """Whether the events still lead to what was recorded, by hash and by event ids."""
        return (
            self.context is not None
            and self.derived_hash == self.started.context_hash
            and self.context.event_ids == self.started.context_event_ids
        )


async def given_contexts(
    recorded: Sequence[RecordedEvent], run_id: str, keys: KeyRing
) -> list[GivenContext]:
    """In the order the model was asked; `recorded` is a whole stream.

    Raises ContentErased.
    """
    found = []
    for place, one in enumerate(recorded):
        if isinstance(one.event, c.RunStarted) and one.event.run_id == run_id:
            found.append(await _given(recorded[:place], one, one.event, keys))
    return found


def is_on_active_branch(recorded: Sequence[RecordedEvent], run_id: str) -> bool:
    """Whether what the user sees now holds the run."""
    state = CONVERSATION.fold(ConversationState(), (one.event for one in recorded))
    return any(
        state.branches.is_current(one.stream_version)
        for one in recorded
        if isinstance(one.event, c.RunRequested) and one.event.run_id == run_id
    )


async def _given(
    before: Sequence[RecordedEvent], one: RecordedEvent, started: c.RunStarted, keys: KeyRing
) -> GivenContext:
    key_id = uuid.UUID(one.metadata["key_id"])
    key = (await keys.load([key_id])).get(key_id)
    if key is None:
        raise ContentErased(one.owner_id)
    try:
        context = rederive(before, started)
    except NotFound:
        return GivenContext(one, started, None, "")
    return GivenContext(one, started, context, context_hash(key, context))
