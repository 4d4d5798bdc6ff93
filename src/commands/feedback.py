"""What a user thinks of items of a conversation."""

from __future__ import annotations

from dataclasses import dataclass

from commands.errors import InvalidCommand
from events import conversation as c
from events.event import Event
from events.storable import is_tree_storable

FEEDBACK_ITEMS = 100
#: Feedback that was taken back.
WITHDRAWN = "withdrawn"
FEEDBACK_KINDS = ("positive", "negative", WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveFeedback:
    item_ids: tuple[str, ...]
    kind: str


def give_feedback(command: GiveFeedback) -> list[Event]:
    if command.kind not in FEEDBACK_KINDS:
        raise InvalidCommand(f"Feedback is one of {', '.join(FEEDBACK_KINDS)}.")
    if not 0 < len(command.item_ids) <= FEEDBACK_ITEMS:
        raise InvalidCommand(f"Feedback names 1 to {FEEDBACK_ITEMS} items.")
    if not is_tree_storable(command.item_ids):
        raise InvalidCommand("What is sent must be valid Unicode text without NUL characters.")
    return [c.FeedbackGiven(item_ids=command.item_ids, kind=command.kind)]
