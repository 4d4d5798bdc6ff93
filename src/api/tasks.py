"""The tasks that the assistant keeps for a user."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.dependencies import NodeOf, PathUser, UserRoute
from api.describing import user_problems
from api.pages import MAX_LIMIT, After, Limit, Order, Page

router = APIRouter(route_class=UserRoute, tags=["tasks"])

TaskStatus = Literal["pending", "completed"]


class Task(BaseModel):
    id: str
    title: str
    notes: str
    status: TaskStatus
    created_at: datetime
    completed_at: datetime | None


@router.get("/api/{user_id}/tasks", responses=user_problems())
async def list_tasks(
    node: NodeOf,
    user: PathUser,
    status: Annotated[TaskStatus | None, Query(description="Only these.")] = None,
    limit: Limit = MAX_LIMIT,
    after: After = None,
    order: Order = "asc",
) -> Page[Task]:
    """By creation."""
    page = await node.reads.tasks_list(
        user.user_id, status=status, limit=limit, after=after, order=order
    )
    data = [Task.model_validate(row, from_attributes=True) for row in page.rows]
    return Page(data=data, has_more=page.has_more, after=page.after)
