"""The messages of a conversation, tool calls included."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, StringConstraints

from api.conversations import ConversationId
from api.dependencies import NodeOf, PathUser, ReadsOf, UserRoute
from api.describing import user_problems
from api.ownership import own_conversation
from api.pages import DEFAULT_LIMIT, After, Limit, Order, Page
from projections import messages as rows

router = APIRouter(route_class=UserRoute, tags=["conversations"])

BranchId = Annotated[str, StringConstraints(min_length=1, max_length=36, pattern=r"^[\w-]+$")]
ToolStatus = Literal["requested", "running", "success", "error", "denied", "interrupted", "unknown"]


class ToolCall(BaseModel):
    call_id: str
    name: str
    #: JSON text, as the model wrote it.
    arguments: str
    #: What a call is about that waits, or waited, for approval: the title of the task.
    subject: str
    status: ToolStatus
    output: str | None
    error: str | None
    started_at: datetime | None
    ended_at: datetime | None


class Siblings(BaseModel):
    """Which one it is of the messages in its place: edits of it, or replies to the same one."""

    #: From 1, in the order they were sent.
    number: int
    count: int
    previous_id: str | None
    next_id: str | None


class Message(BaseModel):
    id: str
    #: The branch that it was said on.
    branch_id: str
    role: Literal["user", "assistant"]
    content: str
    tool_calls: list[ToolCall]
    #: The run that wrote it; null for the user's own.
    run_id: str | None
    status: Literal["completed", "running", "waiting", "failed", "cancelled", "interrupted"]
    created_at: datetime
    #: Null where there is no other one.
    siblings: Siblings | None


class MessagePage(Page[Message]):
    #: True when newer events of the conversation could not be shown.
    stale: bool
    #: The branch that the page is of.
    branch_id: str


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
        data=[_shown(row) for row in page.rows],
        has_more=page.has_more,
        after=page.after,
        stale=conversation.is_stale or page.is_stale,
        branch_id=page.branch_id or conversation.branch_id,
    )


def shown_call(call: rows.ToolCall) -> ToolCall:
    return ToolCall.model_validate(call, from_attributes=True)


def _shown(row: rows.MessageRow) -> Message:
    return Message.model_validate(
        {
            "id": row.id,
            "role": row.role,
            "content": row.content,
            "tool_calls": [shown_call(call) for call in row.tool_calls],
            "run_id": row.run_id,
            "status": row.status,
            "created_at": row.created_at,
            "branch_id": row.branch_id,
            "siblings": asdict(row.siblings) if row.siblings else None,
        }
    )
