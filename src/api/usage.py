"""What a user's runs have used: tokens, calls of models, runs."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import NodeOf, PathUser, UserRoute
from api.describing import user_problems
from api.errors import UnusableRequest
from api.pages import MAX_LIMIT, After, Limit
from projections.usage_days import DAYS, first_day
from projections.usage_totals import Asked

router = APIRouter(route_class=UserRoute, tags=["usage"])

By = Literal["day", "conversation", "model"]


class Used(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    #: That ended, however they did.
    runs: int
    #: Calls of a model.
    requests: int
    input_tokens: int
    output_tokens: int


class UsedBy(Used):
    #: The day, the conversation's id (of a deleted one too) or the model's name, which is empty for
    #: runs that ended before they asked one.
    key: str


class Usage(BaseModel):
    by: By
    from_: date = Field(serialization_alias="from")
    to: date
    #: By key.
    data: list[UsedBy]
    has_more: bool
    #: Leads to the next page; null on the last one.
    after: str | None
    #: Of all pages.
    total: Used
    #: True when newer events of the user could not be counted.
    stale: bool


@router.get("/api/{user_id}/usage", responses=user_problems())
async def get_usage(
    node: NodeOf,
    user: PathUser,
    from_: Annotated[
        date | None,
        Query(alias="from", description=f"The first day, in UTC; {DAYS} days without."),
    ] = None,
    to: Annotated[date | None, Query(description="The last day; today without.")] = None,
    by: By = "day",
    limit: Limit = MAX_LIMIT,
    after: After = None,
) -> Usage:
    """Of runs that ended in these days. Deleted conversations count as well."""
    to = to or datetime.now(UTC).date()
    from_ = from_ or first_day(to)
    if from_ > to:
        raise UnusableRequest(f"The first day, {from_}, lies after the last, {to}.")
    asked = Asked(by=by, from_day=from_, to_day=to, owner_id=user.user_id)
    found = await node.reads.usage(asked, limit=limit, after=after)
    return Usage(
        by=by,
        from_=from_,
        to=to,
        data=[UsedBy.model_validate(row) for row in found.rows],
        has_more=found.after is not None,
        after=found.after,
        total=Used.model_validate(found.total),
        stale=found.is_stale,
    )
