"""The read model of search: which words stand in each title and message, as keyed hashes.

A row for each title and for each text that was posted, on whatever branch: what a branch that is
not shown holds can be reached by switching to it, so it is found. See decision 0013.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import BigInteger, Column, Index, Table
from sqlalchemy.dialects.postgresql import ARRAY

from events import conversation as events
from events.stored import RecordedEvent
from projections.rows import Key, ReadRow, Rows
from projections.tables import ReadModel, identifier, metadata, sealed
from projections.words import words_of

#: What holds text that is searched; asked first, because most events hold none.
_WITH_TEXT = frozenset(
    {
        events.Started,
        events.Renamed,
        events.UserMessagePosted,
        events.AssistantMessagePosted,
    }
)
#: Of what was inserted last and is not in the index's tree yet; each search reads all of it.
PENDING_KILOBYTES = 256


class SearchRow(ReadRow, frozen=True, kw_only=True):
    conversation_id: str
    #: The message's, or the conversation's for its title.
    id: str
    #: Of the words, each once, in their own order; only the owner's data key leads to them.
    hashes: list[int]


TABLE = Table(
    "search",
    metadata,
    identifier("conversation_id", primary_key=True),
    identifier("id", primary_key=True),
    identifier("owner_id"),
    Column("hashes", ARRAY(BigInteger), nullable=False),
    *sealed(),
    Index(
        "search_hashes",
        "hashes",
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": PENDING_KILOBYTES},
    ),
)


def search_key(conversation_id: str, text_id: str) -> Key:
    return (TABLE.name, conversation_id, text_id)


def _text_of(event: RecordedEvent) -> tuple[str, str] | None:
    """The id of what the event says, and its text."""
    if type(event.event) not in _WITH_TEXT:
        return None
    match event.event:
        case events.Started(title=title) if title:
            return events.id_of(event.stream_id), title
        case events.Renamed(title=title):
            return events.id_of(event.stream_id), title
        case events.UserMessagePosted(message_id=message_id, text=text):
            return message_id, text
        case events.AssistantMessagePosted(message_id=message_id, text=text):
            return message_id, text
        case _:
            return None


def _keys(event: RecordedEvent) -> Iterable[Key]:
    if (said := _text_of(event)) is not None:
        yield search_key(events.id_of(event.stream_id), said[0])


def _apply(rows: Rows, event: RecordedEvent) -> None:
    if (said := _text_of(event)) is None:
        return
    text_id, text = said
    hashes = rows.data_key(event.owner_id).word_hashes(words_of(text))
    row = SearchRow(
        conversation_id=events.id_of(event.stream_id),
        id=text_id,
        owner_id=event.owner_id,
        hashes=sorted(hashes),
    )
    rows.put(search_key(row.conversation_id, text_id), row)


MODEL = ReadModel(
    table=TABLE,
    row=SearchRow,
    content=(),
    keys=_keys,
    apply=_apply,
    events=(
        events.Started,
        events.Renamed,
        events.UserMessagePosted,
        events.AssistantMessagePosted,
    ),
    is_write_only=True,
)
