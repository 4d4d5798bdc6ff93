"""The events of a conversation's link to one kept elsewhere: stream `link-<conversation id>`.

Under the system's key, so that erasing a user does not lose what has to be deleted there too. The
stream takes turns: what is linked is unlinked before it can be linked anew.
"""

from __future__ import annotations

from events.event import Event, event

CATEGORY = "link"


def stream_of(conversation_id: str) -> str:
    return f"{CATEGORY}-{conversation_id}"


@event("link.opened")
class Opened(Event, frozen=True, kw_only=True):
    #: openai
    provider: str
    #: The conversation's id over there.
    foreign_id: str


@event("link.closed")
class Closed(Event, frozen=True, kw_only=True):
    """The conversation over there was deleted."""

    foreign_id: str
    #: deleted | erased | cleared
    reason: str
