"""POST /chatkit: the ChatKit protocol; and its runs, which are resumed and stopped by id."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from chatkit.types import (
    AttachmentsCreateReq,
    ItemsListReq,
    ThreadsGetByIdReq,
    ThreadsListReq,
    is_streaming_req,
)
from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from api.addresses import base_url_of
from api.branches import WantedBranch, switch
from api.chatkit_requests import ID_CHARACTERS, parse_request
from api.chatkit_server import VerbatimChatKit
from api.chatkit_store import ChatContext
from api.dependencies import AnnouncementLimit, ChatKitUser, NodeOf
from api.describing import event_stream_of, problems
from api.ownership import own_run
from api.positions import position_of, tell_position
from api.sse import BRANCH_HEADER, RUN_HEADER, STALE_HEADER, chatkit_stream, seq_after
from commands.conversation import SEND_POLICIES
from events.conversation import stream_of

OPERATIONS = (
    "threads.create",
    "threads.add_user_message",
    "threads.add_client_tool_output",
    "threads.add_structured_input",
    "threads.retry_after_item",
    "threads.custom_action",
    "threads.get_by_id",
    "threads.list",
    "threads.update",
    "threads.delete",
    "items.list",
    "items.feedback",
    "attachments.create",
    "attachments.delete",
    "input.transcribe",
    "threads.sync_custom_action",
)
REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["type", "params"],
                "properties": {
                    "type": {"type": "string", "enum": list(OPERATIONS)},
                    "params": {"type": "object"},
                    "metadata": {
                        "type": "object",
                        "properties": {
                            "idempotency_key": {"type": "string", "minLength": 1, "maxLength": 255},
                            "policy": {"type": "string", "enum": list(SEND_POLICIES)},
                            "undo": {"type": "boolean"},
                            "branch_id": {"type": "string", "maxLength": ID_CHARACTERS},
                            "edited_item_id": {"type": "string", "maxLength": ID_CHARACTERS},
                        },
                    },
                },
            }
        }
    },
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The operation's JSON, or the run's stream of ChatKit events.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/event-stream": {"schema": {"type": "string"}},
        },
    },
}

#: `id`: each event carries an id to resume from, and a comment marks the end.
FramesWanted = Annotated[str | None, Header(alias="Verbatim-Frames")]
#: `full`: items tell beyond the protocol what stands in the same place, and their feedback.
ItemsWanted = Annotated[str | None, Header(alias="Verbatim-Items")]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID")]
#: `stop`: leaving this response before its end stops the run. Otherwise leaving stops nothing.
AbortMeans = Annotated[str | None, Header(alias="Verbatim-Abort")]

#: The operations that change nothing.
SHOWING = (ThreadsGetByIdReq, ThreadsListReq, ItemsListReq)

router = APIRouter(prefix="/chatkit", tags=["chatkit"])


@router.post(
    "",
    response_class=Response,
    responses=ANSWERS | problems(401, 403, 404, 409, 410, 413, 422, 429, 501, 503),
    openapi_extra={"requestBody": REQUEST_BODY},
)
async def chatkit(
    request: Request,
    node: NodeOf,
    user: ChatKitUser,
    announcements: AnnouncementLimit,
    verbatim_frames: FramesWanted = None,
    verbatim_items: ItemsWanted = None,
    verbatim_abort: AbortMeans = None,
) -> Response:
    """One operation of the ChatKit protocol."""
    parsed = parse_request(await request.body())
    server = VerbatimChatKit(node)
    context = ChatContext(
        user, base_url=base_url_of(request), tells_more=_is(verbatim_items, "full")
    )
    if isinstance(parsed, SHOWING):
        context.reads = node.reads.for_client(position_of(request))
    if isinstance(parsed, AttachmentsCreateReq):
        announcements.admit(user.user_id)
    if not is_streaming_req(parsed):
        body = await server.answer(parsed, context)
        answer = Response(body, media_type="application/json", headers=_headers(context))
        if context.handled is not None:
            tell_position(request, answer, context.handled.stream_id, context.handled.version)
        return answer
    sent = await server.begin(parsed, context)
    stream = await chatkit_stream(
        node,
        sent.run_id,
        user.user_id,
        sent.after_seq,
        is_beginning=True,
        with_ids=_is(verbatim_frames, "id"),
        abort_stops=_is(verbatim_abort, "stop"),
    )
    tell_position(request, stream, stream_of(sent.conversation_id), sent.version)
    return stream


@router.get(
    "/runs/{run_id}/stream",
    response_class=Response,
    responses=problems(401, 403, 404, 410, 422, 503)
    | event_stream_of("The run's ChatKit events from the first or after Last-Event-ID, then live."),
)
async def resume(
    run_id: uuid.UUID,
    node: NodeOf,
    user: ChatKitUser,
    verbatim_frames: FramesWanted = None,
    verbatim_abort: AbortMeans = None,
    last_event_id: LastEventId = None,
) -> Response:
    """The rest of a run's stream, after the event that the client has seen last."""
    after_seq = seq_after(last_event_id, run_id) or 0
    await own_run(node, user, run_id)
    return await chatkit_stream(
        node,
        run_id,
        user.user_id,
        after_seq,
        with_ids=_is(verbatim_frames, "id"),
        abort_stops=_is(verbatim_abort, "stop"),
    )


@router.delete("/runs/{run_id}", status_code=204, responses=problems(401, 403, 404, 422, 503))
async def stop(run_id: uuid.UUID, node: NodeOf, user: ChatKitUser) -> Response:
    """Stops a run; what it has said so far is kept. A run that is over stays as it is."""
    run = await own_run(node, user, run_id)
    await node.stopper.stop(user.user_id, run.conversation_id, run_id)
    return Response(status_code=204)


@router.put(
    "/threads/{thread_id}/branch",
    status_code=204,
    responses=problems(401, 403, 404, 409, 413, 422, 503),
)
async def show_branch(
    request: Request, thread_id: uuid.UUID, node: NodeOf, user: ChatKitUser, wanted: WantedBranch
) -> Response:
    """Shows another branch of a thread, for every client of it, and goes on there."""
    switched = await switch(node, user, str(thread_id), wanted)
    response = Response(status_code=204)
    tell_position(request, response, switched.stream_id, switched.version)
    return response


def _is(header: str | None, wanted: str) -> bool:
    return header is not None and header.strip().lower() == wanted


def _headers(context: ChatContext) -> dict[str, str]:
    """The run that is still at work on the conversation that was asked for, the branch of it that
    is shown, and whether newer events are missing: the protocol has no place for them."""
    conversation = context.conversation
    run_id = conversation.active_run_id if conversation else None
    is_waiting = conversation is not None and conversation.waiting_run_id == run_id
    told = {
        RUN_HEADER: None if is_waiting else run_id,
        BRANCH_HEADER: context.branch_id,
        STALE_HEADER: "true" if context.is_stale else None,
    }
    return {name: value for name, value in told.items() if value}
