"""Recording what a conversation's beginning was about."""

from __future__ import annotations

from dataclasses import dataclass

from commands.conversation_state import ConversationState, Summary
from commands.errors import InvalidCommand
from events import conversation as c
from events.event import Event
from events.history import HistorySummarized
from events.storable import is_storable

SUMMARY_CHARACTERS = 4_000
NO_SUMMARY = Summary(0, 0, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSummary:
    #: The stream version of the summary that it goes on from; 0 for none.
    after_summary_version: int
    from_version: int
    through_version: int
    through_message_id: str
    text: str
    model: str
    usage: c.Usage


def summarize(command: RecordSummary, state: ConversationState) -> list[Event]:
    """Nothing where another summary came first, or another branch was made active."""
    if not command.text.strip() or len(command.text) > SUMMARY_CHARACTERS:
        raise InvalidCommand(f"A summary is text of at most {SUMMARY_CHARACTERS} characters.")
    if not is_storable(command.text):
        raise InvalidCommand("A summary is valid Unicode text without NUL characters.")
    former = state.summary or NO_SUMMARY
    is_current = state.branches.is_current(command.through_version)
    is_known = command.through_message_id in state.messages
    if former.version != command.after_summary_version or not is_current or not is_known:
        return []
    return [
        HistorySummarized(
            from_version=command.from_version,
            # A long answer may be recorded after a short one to a later message.
            through_version=max(command.through_version, former.through_version),
            through_message_id=command.through_message_id,
            text=command.text,
            model=command.model,
            usage=command.usage,
        )
    ]
