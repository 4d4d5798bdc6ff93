"""The messages of a conversation, tool calls included."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import StringConstraints

from api.conversations import ConversationId
from api.dependencies import NodeOf, PathUser, ReadsOf, UserRoute
from api.describing import user_problems
from api.message_shapes import MessagePage, shown
from api.ownership import own_conversation
from api.pages import DEFAULT_LIMIT, After, Limit, Order

router = APIRouter(route_class=UserRoute, tags=["conversations"])

BranchId = Annotated[str, StringConstraints(min_length=1, max_length=36, pattern=r"^[\w-]+$")]


@router.get("/api/{user_id}/conversations/{conversation_id}/messages", responses=user_problems(404))
async def list_messages(
    node: NodeOf,
    reads: ReadsOf,
    user: PathUser,
    conversation_id: ConversationId,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
    order: Order = "asc",
    branch: Annotated[
        BranchId | None, Query(description="`main`, or a branch that a message names.")
    ] = None,
) -> MessagePage:
    """Those of the active branch, or of a named one; further pages stay on the first one's."""
    conversation = await own_conversation(node, user, conversation_id, reads)
    page = await reads.messages_page(
        user.user_id, conversation.id, limit=limit, after=after, order=order, branch_id=branch
    )
    return MessagePage(
        data=[shown(row) for row in page.rows],
        has_more=page.has_more,
        after=page.after,
        stale=conversation.is_stale or page.is_stale,
        branch_id=page.branch_id or conversation.branch_id,
    )
