"""The tasks that the assistant keeps for a user."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.dependencies import NodeOf, PathUser, ReadsOf, UserRoute
from api.describing import event_stream_of, user_problems
from api.pages import MAX_LIMIT, After, Limit, Order, Page
from api.sse import STREAM_HEADERS, event_source
from api.tailing import follow
from auth.principal import Principal
from runtime.node import Node

router = APIRouter(route_class=UserRoute, tags=["tasks"])

TaskStatus = Literal["pending", "completed"]


class Task(BaseModel):
    id: str
    title: str
    notes: str
    status: TaskStatus
    created_at: datetime
    completed_at: datetime | None
    #: True when newer events of it could not be shown.
    stale: bool = Field(validation_alias="is_stale")


@router.get("/api/{user_id}/tasks", responses=user_problems())
async def list_tasks(
    reads: ReadsOf,
    user: PathUser,
    status: Annotated[TaskStatus | None, Query(description="Only these.")] = None,
    limit: Limit = MAX_LIMIT,
    after: After = None,
    order: Order = "asc",
) -> Page[Task]:
    """By creation."""
    page = await reads.tasks_list(
        user.user_id, status=status, limit=limit, after=after, order=order
    )
    data = [Task.model_validate(row, from_attributes=True) for row in page.rows]
    return Page(data=data, has_more=page.has_more, after=page.after)


@router.get(
    "/api/{user_id}/tasks/stream",
    response_class=Response,
    responses=user_problems()
    | event_stream_of("The first page of the list, whole, and again with each change."),
)
async def follow_tasks(node: NodeOf, user: PathUser) -> Response:
    """Ends after five minutes without a change."""
    tail = _Tail(node, user)
    return event_source(follow(node, tail, await tail.read()), STREAM_HEADERS)


class _Tail:
    """Sends the list and no differences: it is short, and a client that missed one lost nothing."""

    def __init__(self, node: Node, user: Principal) -> None:
        self.is_over = False
        self._node = node
        self._user = user
        self._sent = ""

    async def read(self) -> bytes:
        page = (await list_tasks(self._node.reads, self._user)).model_dump_json()
        if page == self._sent:
            return b""
        self._sent = page
        return b"data: %b\n\n" % page.encode()
