"""The user's decision about a tool call that waits: by its own route, and as a widget's action."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from chatkit.actions import Action
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from agent.approving import Decision
from api.accepting import wants_stream
from api.dependencies import NodeOf, PathUser, UserRoute
from api.describing import user_problems
from api.errors import UnusableRequest
from api.ownership import own_run
from api.positions import tell_position
from api.runs import RunId, preamble_of, run_stream_of
from api.sse import event_stream
from commands.approval import REASON_CHARACTERS
from events.conversation import stream_of
from projections.chatkit_items import APPROVE, DENY

router = APIRouter(route_class=UserRoute, tags=["runs"])

CallId = Annotated[UUID, Path(description="As a message's tool call with status requested has it.")]


class DecisionRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    decision: Literal["approve", "deny"]
    #: Why not; the model reads it.
    reason: str = Field("", max_length=REASON_CHARACTERS)


class Decided(BaseModel):
    run_id: str
    call_id: str
    decision: Literal["approve", "deny"]
    #: False when the same had been decided before.
    is_first: bool


@router.post(
    "/api/{user_id}/runs/{run_id}/approvals/{call_id}",
    response_model=Decided,
    responses=user_problems(404, 409, 410, 413)
    | run_stream_of("What was decided, or the rest of the run as events."),
)
async def decide_call(
    request: Request,
    response: Response,
    node: NodeOf,
    user: PathUser,
    run_id: RunId,
    call_id: CallId,
    decided: DecisionRequest,
) -> Any:
    """The first decision counts: the same one again changes nothing, the opposite is a conflict.

    `Accept: text/event-stream` streams how the run goes on; anything else is answered at once.
    """
    run = await own_run(node, user, run_id)
    decision = Decision(
        run_id=run_id,
        call_id=str(call_id),
        is_granted=decided.decision == "approve",
        reason=decided.reason,
    )
    sent = await node.approver.decide(user.user_id, run.conversation_id, decision)
    if wants_stream(request.headers.getlist("accept")):
        preamble = preamble_of(sent.conversation_id, sent.message_id, run_id)
        stream = await event_stream(
            node, run_id, user.user_id, sent.after_seq, is_beginning=True, preamble=preamble
        )
        tell_position(request, stream, stream_of(sent.conversation_id), sent.version)
        return stream
    tell_position(request, response, stream_of(sent.conversation_id), sent.version)
    return Decided(
        run_id=str(run_id),
        call_id=str(call_id),
        decision=decided.decision,
        is_first=not sent.is_replay,
    )


def is_decision(action: Action[str, Any]) -> bool:
    return action.type in (APPROVE, DENY)


def decision_of(action: Action[str, Any], item_id: str | None) -> Decision:
    """What the buttons of the question send. Raises UnusableRequest."""
    payload = action.payload if isinstance(action.payload, dict) else {}
    try:
        run_id, call_id = UUID(str(payload.get("run_id"))), str(UUID(str(payload.get("call_id"))))
    except ValueError:
        raise UnusableRequest("A decision names the run_id and the call_id it is about.") from None
    if item_id is not None and item_id != call_id:
        raise UnusableRequest("A decision is sent from the item that asks for it.")
    return Decision(run_id=run_id, call_id=call_id, is_granted=action.type == APPROVE)
