"""The conversations of a user: list, read, rename, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from agent import deleting
from api.dependencies import NodeOf, PathUser, ReadsOf, UserRoute
from api.describing import user_problems
from api.ownership import own_conversation
from api.pages import DEFAULT_LIMIT, After, Limit, Order, Page
from api.positions import tell_position
from commands.conversation import CONVERSATION, Rename
from commands.conversation_state import ConversationState
from commands.handle import Handled, Origin
from commands.titles import TITLE_CHARACTERS
from events.conversation import stream_of
from projections.conversations import ConversationRow
from projections.searching import MAX_WORDS
from runtime.node import Node

router = APIRouter(route_class=UserRoute, tags=["conversations"])
log = structlog.get_logger()

SEARCH_CHARACTERS = 200

SearchFor = Annotated[
    str | None,
    Query(min_length=1, max_length=SEARCH_CHARACTERS, description=f"At most {MAX_WORDS} words."),
]
ConversationId = Annotated[UUID, Path(description="Also its ChatKit thread id.")]


class Conversation(BaseModel):
    id: str
    #: Empty until it is named.
    title: str
    status: Literal["active"]
    created_at: datetime
    updated_at: datetime
    #: The branch that is shown and goes on.
    branch_id: str
    message_count: int
    last_message_at: datetime | None
    #: How many events it consists of.
    version: int
    metadata: dict[str, Any]
    #: The run that writes, or will next.
    active_run_id: str | None
    last_run_status: str | None
    #: True when newer events of it could not be shown.
    stale: bool


class NewTitle(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=TITLE_CHARACTERS)


@router.get("/api/{user_id}/conversations", responses=user_problems())
async def list_conversations(
    reads: ReadsOf,
    user: PathUser,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
    order: Order = "desc",
    q: SearchFor = None,
) -> Page[Conversation]:
    """By creation. With `q` those whose title and messages hold each of its words: whole ones, in
    any case, with or without accents, on any branch."""
    page = await reads.conversations_page(
        user.user_id, limit=limit, after=after, order=order, query=q
    )
    data = [shown(row) for row in page.rows]
    return Page(data=data, has_more=page.has_more, after=page.after)


@router.get("/api/{user_id}/conversations/{conversation_id}", responses=user_problems(404))
async def get_conversation(
    node: NodeOf, reads: ReadsOf, user: PathUser, conversation_id: ConversationId
) -> Conversation:
    return shown(await own_conversation(node, user, conversation_id, reads))


@router.patch(
    "/api/{user_id}/conversations/{conversation_id}", responses=user_problems(404, 409, 413)
)
async def rename_conversation(
    request: Request,
    response: Response,
    node: NodeOf,
    user: PathUser,
    conversation_id: ConversationId,
    new: NewTitle,
) -> Conversation:
    renamed = await _rename(node, user.user_id, conversation_id, new.title)
    tell_position(request, response, renamed.stream_id, renamed.version)
    return shown(await own_conversation(node, user, conversation_id))


@router.delete(
    "/api/{user_id}/conversations/{conversation_id}",
    status_code=204,
    response_class=Response,
    responses=user_problems(404, 409),
)
async def delete_conversation(
    request: Request, node: NodeOf, user: PathUser, conversation_id: ConversationId
) -> Response:
    """Its runs stop, its attachments go. What was said stays in the log until erasure."""
    deleted = await deleting.delete_conversation(
        node.handler, node.leases, user.user_id, str(conversation_id)
    )
    log.info("conversation_deleted", conversation_id=str(conversation_id))
    response = Response(status_code=204)
    tell_position(request, response, deleted.stream_id, deleted.version)
    return response


async def _rename(
    node: Node, owner_id: str, conversation_id: UUID, title: str
) -> Handled[ConversationState]:
    origin = Origin(owner_id=owner_id, actor=f"user:{owner_id}")
    stream_id = stream_of(str(conversation_id))
    return await node.handler.handle(CONVERSATION, stream_id, Rename(title=title), origin)


def shown(row: ConversationRow) -> Conversation:
    return Conversation(
        id=row.id,
        title=row.title,
        status="active",
        created_at=row.created_at,
        updated_at=row.updated_at,
        branch_id=row.branch_id,
        message_count=row.message_count,
        last_message_at=row.last_message_at,
        version=row.version,
        metadata=row.metadata,
        active_run_id=row.active_run_id,
        last_run_status=row.last_run_status,
        stale=row.is_stale,
    )
