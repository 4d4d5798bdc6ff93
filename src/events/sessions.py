"""What sessions of the OpenAI Agents SDK do to a conversation, in its own stream."""

from __future__ import annotations

from typing import Any

from events.event import Event, event


@event("conversation.session_items_added")
class SessionItemsAdded(Event, frozen=True, kw_only=True):
    """What was added from outside; the events after it show it in the conversation.

    It is part of the branches that hold what shows it.
    """

    #: Exactly as they were given, in the Responses API's form.
    items: tuple[dict[str, Any], ...]
    #: The user message posted for them, or the run recorded for them, where one can show them.
    shown_message_id: str | None = None
    shown_run_id: str | None = None


@event("conversation.session_item_removed")
class SessionItemRemoved(Event, frozen=True, kw_only=True):
    """An item that sessions hand out no more; what it said stays in the conversation."""

    #: The stream version of the event that brought it, and its place among what that brought.
    version: int
    place: int


@event("conversation.session_cleared")
class SessionCleared(Event, frozen=True, kw_only=True):
    """Sessions hand out nothing of what came before; the conversation keeps it."""
