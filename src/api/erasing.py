"""A user's own erasure."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from agent.erasing import Eraser
from api.dependencies import NodeOf, PathUser, UserRoute
from api.describing import user_problems
from api.errors import UnusableRequest

router = APIRouter(route_class=UserRoute, tags=["session"])


class Erased(BaseModel):
    #: How many data keys were destroyed, and how many runs were stopped for it.
    keys: int
    runs: int


@router.delete("/api/{user_id}", responses=user_problems(404, 409))
async def erase_user(
    node: NodeOf,
    user: PathUser,
    confirm: Annotated[str, Query(description="The user's id once more.", max_length=1024)],
) -> Erased:
    """Make everything the user wrote and read unreadable, for good. They may come back, afresh."""
    if confirm != user.user_id:
        raise UnusableRequest("To erase a user, confirm is the user's id.")
    erasure = await Eraser(node.database.direct, node.store).erase(
        user.user_id, f"user:{user.user_id}"
    )
    return Erased(keys=erasure.keys, runs=erasure.runs)
