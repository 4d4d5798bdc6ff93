"""What is made of a conversation's history, in its own stream."""

from __future__ import annotations

from events.conversation import Usage
from events.event import Event, event


@event("conversation.history_summarized")
class HistorySummarized(Event, frozen=True, kw_only=True):
    """Notes on the beginning of a branch, for contexts that do not hold it any more."""

    #: The stream version of the first message that is new in them; what came before was in
    #: the notes that they replace.
    from_version: int
    #: The last version they cover: branches that do not hold it have another history.
    through_version: int
    #: The last user message they cover.
    through_message_id: str
    text: str
    model: str
    usage: Usage = Usage()
