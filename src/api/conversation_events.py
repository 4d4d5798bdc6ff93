"""The event stream of a conversation, as it is recorded."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Header
from starlette.responses import Response

from api.conversations import ConversationId
from api.dependencies import NodeOf, PathUser, UserRoute
from api.describing import event_stream_of, user_problems
from api.ownership import own_conversation
from api.sse import STREAM_HEADERS, event_source
from api.tailing import follow
from events.conversation import Deleted, stream_of
from events.stored import RecordedEvent, StoredEvent
from runtime.node import Node

MAX_VERSION = 2**63 - 1

router = APIRouter(route_class=UserRoute, tags=["conversations"])


@router.get(
    "/api/{user_id}/conversations/{conversation_id}/events",
    response_class=Response,
    responses=user_problems(404, 410)
    | event_stream_of(
        "Every event of the conversation, then new ones as they are recorded. Its name is the "
        "event's topic, its id the stream version; the data has version, position, topic, "
        "event_id, recorded_at and data."
    ),
)
async def tail_events(
    node: NodeOf,
    user: PathUser,
    conversation_id: ConversationId,
    last_event_id: Annotated[
        int | None,
        Header(
            alias="Last-Event-ID",
            ge=0,
            le=MAX_VERSION,
            description="The stream version to go on after.",
        ),
    ] = None,
) -> Response:
    """Ends after five minutes without an event, and after the conversation's deletion."""
    conversation = await own_conversation(node, user, conversation_id)
    tail = _Tail(node, stream_of(conversation.id), last_event_id or 0)
    first = await tail.read()
    return event_source(follow(node, tail, first), STREAM_HEADERS)


class _Tail:
    def __init__(self, node: Node, stream_id: str, version: int) -> None:
        self._node = node
        self._stream_id = stream_id
        self._version = version
        self.is_over = False

    async def read(self) -> bytes:
        async for page in self._node.store.stored_stream(
            self._stream_id, after_version=self._version
        ):
            sealed = _sealed(page)
            recorded = await self._node.store.decode(sealed)
            if recorded:
                self._version = recorded[-1].stream_version
                self.is_over = isinstance(recorded[-1].event, Deleted)
            return b"".join(_form(event) for event in recorded)
        return b""


def _sealed(page: list[StoredEvent]) -> list[StoredEvent]:
    """Up to the first event that has no position yet; it comes with the next read."""
    for index, event in enumerate(page):
        if event.position is None:
            return page[:index]
    return page


def _form(recorded: RecordedEvent) -> bytes:
    topic = recorded.event.topic
    told = {
        "version": recorded.stream_version,
        "position": recorded.position,
        "topic": topic,
        "event_id": recorded.event_id,
        "recorded_at": recorded.recorded_at,
        "data": msgspec.structs.asdict(recorded.event),
    }
    body = msgspec.json.encode(told)
    return b"event: %b\nid: %d\ndata: %b\n\n" % (topic.encode(), recorded.stream_version, body)
