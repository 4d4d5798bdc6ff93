"""What every list has in common."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from fastapi import Query
from pydantic import BaseModel

MAX_LIMIT = 100
DEFAULT_LIMIT = 30
CURSOR_CHARACTERS = 512

Shown = TypeVar("Shown")

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many at most.")]
After = Annotated[
    str | None,
    Query(max_length=CURSOR_CHARACTERS, description="The `after` of the page before."),
]
Order = Annotated[Literal["asc", "desc"], Query(description="Oldest or newest first.")]


class Page(BaseModel, Generic[Shown]):
    data: list[Shown]
    has_more: bool
    #: Leads to the next page; null on the last one.
    after: str | None
