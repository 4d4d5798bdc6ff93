"""The runs of a user: how one stands, its stream again, and Stop."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, Header, Path, Response
from pydantic import BaseModel

from api.dependencies import NodeOf, PathUser, UserRoute
from api.describing import Responses, event_stream_of, user_problems
from api.ownership import own_run
from api.sse import RUN_HEADER, event_stream, seq_after
from projections.runs import RunRow

router = APIRouter(route_class=UserRoute, tags=["runs"])
log = structlog.get_logger()

RunId = Annotated[UUID, Path(description="As the header `Verbatim-Run` names it.")]
RunStatus = Literal[
    "requested", "running", "waiting", "completed", "failed", "cancelled", "interrupted"
]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="The id of the last event received; without it from the first event.",
    ),
]


class RunUsage(BaseModel):
    #: Calls of the model.
    requests: int
    input_tokens: int
    output_tokens: int


class RunError(BaseModel):
    code: str
    message: str


class Run(BaseModel):
    id: str
    conversation_id: str
    #: The user message it answers.
    message_id: str
    status: RunStatus
    #: How many workers have had it.
    attempt: int
    model: str
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    usage: RunUsage
    error: RunError | None


def run_stream_of(description: str) -> Responses:
    header = {"description": "The run's id.", "schema": {"type": "string", "format": "uuid"}}
    described = event_stream_of(description)
    described[200]["headers"] = {RUN_HEADER: header}
    return described


@router.get("/api/{user_id}/runs/{run_id}", responses=user_problems(404))
async def get_run(node: NodeOf, user: PathUser, run_id: RunId) -> Run:
    return _shown(await own_run(node, user, run_id))


@router.get(
    "/api/{user_id}/runs/{run_id}/stream",
    response_class=Response,
    responses=user_problems(404, 410)
    | run_stream_of("The run's events from the first or after Last-Event-ID, then live."),
)
async def stream_run(
    node: NodeOf, user: PathUser, run_id: RunId, last_event_id: LastEventId = None
) -> Response:
    """The same events, with the same ids, as the POST that began the run was answered with."""
    seq = seq_after(last_event_id, run_id)
    run = await own_run(node, user, run_id)
    preamble = None if seq is not None else preamble_of(run.conversation_id, run.message_id, run_id)
    return await event_stream(node, run_id, user.user_id, seq or 0, preamble=preamble)


@router.delete(
    "/api/{user_id}/runs/{run_id}",
    status_code=204,
    response_class=Response,
    responses=user_problems(404),
)
async def stop_run(node: NodeOf, user: PathUser, run_id: RunId) -> Response:
    """Also fine when the run is over: then nothing is left to stop."""
    run = await own_run(node, user, run_id)
    is_stopping = await node.stopper.stop(user.user_id, run.conversation_id, run_id)
    log.info("run_stop_requested", run_id=str(run_id), is_stopping=is_stopping)
    return Response(status_code=204)


def preamble_of(conversation_id: str, message_id: str, run_id: UUID) -> dict[str, object]:
    """The first event of a run's stream."""
    return {"conversation_id": conversation_id, "message_id": message_id, "run_id": str(run_id)}


def error_of(run: RunRow) -> RunError | None:
    if run.error_code is None:
        return None
    return RunError(code=run.error_code, message=run.error_message)


def _shown(run: RunRow) -> Run:
    return Run.model_validate(
        {
            "id": run.id,
            "conversation_id": run.conversation_id,
            "message_id": run.message_id,
            "status": run.status,
            "attempt": run.attempt,
            "model": run.model,
            "requested_at": run.requested_at,
            "started_at": run.started_at,
            "ended_at": run.ended_at,
            "usage": {
                "requests": run.requests,
                "input_tokens": run.input_tokens,
                "output_tokens": run.output_tokens,
            },
            "error": error_of(run),
        }
    )
