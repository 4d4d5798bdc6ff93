"""How messages and tool calls are shown: over HTTP, and by a replay of what was."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from api.pages import Page
from projections import messages as rows

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


def shown_call(call: rows.ToolCall) -> ToolCall:
    return ToolCall.model_validate(call, from_attributes=True)


def shown(row: rows.MessageRow) -> Message:
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
