"""Send a message; the reply comes as events while it is written, or as JSON when it is done."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from agent.errors import FramesGone
from agent.sending import Message, Sent
from api.accepting import wants_stream
from api.dependencies import NodeOf, PathUser, SettingsOf, UserRoute
from api.describing import user_problems
from api.errors import NotFound
from api.message_shapes import ToolCall, shown_call
from api.messages import BranchId
from api.ownership import NO_RUN
from api.positions import tell_position
from api.run_feed import RunFeed
from api.runs import RunError, RunStatus, error_of, preamble_of, run_stream_of
from api.sse import event_stream
from auth.principal import Principal
from commands.conversation import TEXT_CHARACTERS
from events.conversation import reply_id_of, stream_of
from runtime.node import Node

router = APIRouter(route_class=UserRoute, tags=["chat"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Visible ASCII. The same key with the same body sends the message once.",
    ),
]


SendPolicy = Literal["enqueue", "reject", "interrupt"]


class ChatRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    message: str = Field(min_length=1, max_length=TEXT_CHARACTERS)
    #: Without it a new conversation is started.
    conversation_id: UUID | None = None
    #: The branch that it goes on with; by default the active one.
    branch_id: BranchId | None = None
    #: What becomes of the message while a reply is being written; by default the server decides.
    policy: SendPolicy | None = None


class ChatAnswer(BaseModel):
    conversation_id: str
    #: The message that was sent.
    message_id: str
    run_id: str
    #: How the run ended.
    status: RunStatus
    #: The reply's text, as far as it was written.
    response: str
    tool_calls: list[ToolCall]
    error: RunError | None


@router.post(
    "/api/{user_id}/chat",
    response_model=ChatAnswer,
    responses=user_problems(404, 409, 410, 413, 429)
    | run_stream_of("The reply: JSON when the run has ended, or its events from the first on."),
)
async def send_message(
    request: Request,
    response: Response,
    node: NodeOf,
    settings: SettingsOf,
    user: PathUser,
    chat: ChatRequest,
    idempotency_key: IdempotencyKey = None,
) -> Any:
    """`Accept: text/event-stream` streams; anything else waits. Leaving early stops nothing.

    The stream begins with the event `conversation`, which has the ids; the others are ChatKit's
    events under their types' names. An event's id continues the stream at the run's address.
    """
    sent = await node.sender.send(
        user.user_id,
        str(chat.conversation_id) if chat.conversation_id else None,
        Message(
            text=chat.message,
            branch_id=chat.branch_id,
            policy=chat.policy or settings.verbatim_multiple_sends,
        ),
        idempotency_key=idempotency_key,
        request_body=canonical(chat),
    )
    return await respond(request, response, node, user, sent)


async def respond(
    request: Request, response: Response, node: Node, user: Principal, sent: Sent
) -> Any:
    """The run's stream, or its outcome when it has ended, as the client accepts."""
    if wants_stream(request.headers.getlist("accept")):
        preamble = preamble_of(sent.conversation_id, sent.message_id, sent.run_id)
        response = await event_stream(node, sent.run_id, user.user_id, preamble=preamble)
        tell_position(request, response, stream_of(sent.conversation_id), sent.version)
        return response
    tell_position(request, response, stream_of(sent.conversation_id), sent.version)
    await _wait_for_end(node, sent, user.user_id)
    return await _answer(node, sent, user.user_id)


def canonical(request: BaseModel, **about: str) -> bytes:
    """What makes two requests the same one, however they were spelled."""
    sent = request.model_dump(mode="json", exclude_none=True) | about
    return orjson.dumps(sent, option=orjson.OPT_SORT_KEYS)


async def _wait_for_end(node: Node, sent: Sent, owner_id: str) -> None:
    feed = RunFeed(node.frames, sent.run_id, owner_id)
    # A replay may be of a run whose frames are gone: it is over, and its messages are kept.
    with suppress(FramesGone):
        await feed.begin()
        async for _ in feed.batches():
            pass


async def _answer(node: Node, sent: Sent, owner_id: str) -> ChatAnswer:
    run = await node.reads.run(owner_id, str(sent.run_id))
    if run is None:
        raise NotFound(NO_RUN)
    reply = await node.reads.message(owner_id, sent.conversation_id, reply_id_of(str(sent.run_id)))
    return ChatAnswer.model_validate(
        {
            "conversation_id": sent.conversation_id,
            "message_id": sent.message_id,
            "run_id": run.id,
            "status": run.status,
            "response": reply.content if reply else "",
            "tool_calls": [shown_call(call) for call in reply.tool_calls] if reply else [],
            "error": error_of(run),
        }
    )
