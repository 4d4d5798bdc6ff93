"""Thread items for live frames, by the builders that the history uses.

An item's time is the one in its own id (a UUIDv7), so history and stream agree on it.
"""

from __future__ import annotations

import uuid

from agent import chatkit_events as ck
from agent.open_work import OpenCall
from events.conversation import AssistantMessagePosted, UserMessagePosted
from events.ids import time_of
from projections.chatkit_items import Item, assistant_item, tool_item, user_message_item
from projections.messages import ToolCall


def shown_message(conversation_id: str, posted: UserMessagePosted) -> Item:
    moment = time_of(uuid.UUID(posted.message_id))
    return user_message_item(conversation_id, posted, moment)


def shown_reply(conversation_id: str, posted: AssistantMessagePosted) -> Item:
    return assistant_item(conversation_id, posted, time_of(uuid.UUID(posted.message_id)))


def begun_reply(conversation_id: str, message_id: str) -> Item:
    """A reply whose content is still to come."""
    posted = AssistantMessagePosted(run_id="", message_id=message_id, text="")
    return shown_reply(conversation_id, posted) | {"content": []}


def shown_call(
    conversation_id: str, call: OpenCall, status: str = "running", outcome: str = ""
) -> Item:
    """By its status: a badge, or the question whether it may be carried out."""
    shown = ToolCall(
        call_id=call.call_id,
        name=call.name,
        arguments=call.arguments,
        status=status,
        subject=call.subject,
        output=outcome if status == "success" else None,
        error=None if status == "success" else outcome,
    )
    moment = time_of(uuid.UUID(call.call_id))
    return tool_item(conversation_id, shown, moment, run_id=call.run_id)


#: The client effect by which a page hears of a tool call, to draw a badge of its own.
TOOL_CALL = "tool_call"


def told_call(call: OpenCall, status: str) -> ck.StreamEvent:
    """What a page is told beside a badge: running, success, failure, denied or unknown."""
    told = "failure" if status == "error" else status
    data = {"call_id": call.call_id, "title": call.name, "status": told}
    return ck.client_effect(TOOL_CALL, data)
