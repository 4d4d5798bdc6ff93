"""ChatKit thread items, as plain JSON: the history shows exactly what was streamed.

Shapes as in chatkit.types: fields in its order, by alias, nulls left out, times ISO 8601 in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from events.conversation import AssistantMessagePosted, Attachment, UserMessagePosted
from events.ids import derived_id, minted_at
from projections.messages import OPEN_STATUSES, ToolCall

Item = dict[str, Any]

#: Kinds that ChatKit keeps for the model and never shows.
HIDDEN_KINDS = frozenset({"hidden_context_item", "sdk_hidden_context"})
SUCCESS_ICON = "check-circle"
FAILURE_ICON = "lucide:circle-x"
OUTCOME_CHARACTERS = 200
#: Actions of the widget that asks for approval.
APPROVE, DENY = "verbatim.approve", "verbatim.deny"
WAITING = "Waiting for approval"
INTERRUPTED = "The reply was interrupted before it was finished: try again."

_OUTCOMES = {
    "denied": "Not approved.",
    "interrupted": "Interrupted.",
    "unknown": "Whether this took effect is unknown.",
}


def user_message_item(
    conversation_id: str, posted: UserMessagePosted, created_at: datetime
) -> Item:
    item = _item("user_message", posted.message_id, conversation_id, created_at)
    item["content"] = list(posted.content) or [{"type": "input_text", "text": posted.text}]
    item["attachments"] = [_attachment(a, conversation_id) for a in posted.attachments]
    if posted.quoted_text is not None:
        item["quoted_text"] = posted.quoted_text
    item["inference_options"] = posted.inference_options
    return item


def assistant_item(
    conversation_id: str, posted: AssistantMessagePosted, created_at: datetime
) -> Item:
    item = _item("assistant_message", posted.message_id, conversation_id, created_at)
    item["content"] = [{"annotations": [], "text": posted.text, "type": "output_text"}]
    return item


def tool_item(conversation_id: str, call: ToolCall, created_at: datetime, *, run_id: str) -> Item:
    """A task item: loading while the call is open, complete with its outcome afterwards; but a
    widget while the call waits for the user's approval.

    `created_at` is when the call was recorded, also after its outcome.
    """
    if call.status == "requested":
        widget = approval_card(run_id, call)
        item = _item("widget", call.call_id, conversation_id, created_at)
        return item | {"widget": widget, "copy_text": f"{call.name}: {_subject(call)}"}
    is_open = call.status in OPEN_STATUSES
    task: Item = {
        "status_indicator": "loading" if is_open else "complete",
        "type": "custom",
        "title": call.name,
    }
    if not is_open:
        task["icon"] = SUCCESS_ICON if call.status == "success" else FAILURE_ICON
    if content := outcome_text(call):
        task["content"] = content
    return _item("task", call.call_id, conversation_id, created_at) | {"task": task}


def approval_card(run_id: str, call: ToolCall) -> Item:
    """What a call would do, and the buttons that decide about it."""
    return {
        "type": "Card",
        "children": [
            {"type": "Badge", "label": WAITING, "color": "warning"},
            {"type": "Title", "value": f"Allow {call.name}?", "size": "sm"},
            {"type": "Text", "value": _subject(call)},
        ],
        "size": "sm",
        "confirm": {"label": "Approve", "action": _action(APPROVE, run_id, call.call_id)},
        "cancel": {"label": "Deny", "action": _action(DENY, run_id, call.call_id)},
    }


def _action(kind: str, run_id: str, call_id: str) -> Item:
    return {
        "type": kind,
        "payload": {"run_id": run_id, "call_id": call_id},
        "handler": "server",
        "loadingBehavior": "auto",
        "streaming": True,
    }


def _subject(call: ToolCall) -> str:
    return _cut(call.subject or call.arguments or "{}")


def failure_item(conversation_id: str, run_id: str, sentence: str, created_at: datetime) -> Item:
    """What stands in a thread where a reply should have been."""
    task = {
        "status_indicator": "complete",
        "type": "custom",
        "title": sentence,
        "icon": FAILURE_ICON,
    }
    return _item("task", failure_id_of(run_id), conversation_id, created_at) | {"task": task}


def failure_id_of(run_id: str) -> str:
    return str(derived_id("failure", run_id))


def outcome_text(call: ToolCall) -> str:
    """One short line for a person; empty while there is nothing to say."""
    match call.status:
        case "success":
            return _cut(_meaning(call.output or ""))
        case "error":
            return _cut(call.error or "Failed.")
        case status:
            return _cut(" ".join(filter(None, (_OUTCOMES.get(status), call.error))))


def _item(kind: str, item_id: str, conversation_id: str, created_at: datetime) -> Item:
    # The time in the id itself, where there is one: a live frame knows no other yet.
    moment = minted_at(item_id) or created_at.astimezone(UTC)
    return {
        "id": item_id,
        "thread_id": conversation_id,
        "created_at": moment.isoformat().replace("+00:00", "Z"),
        "type": kind,
    }


def _attachment(attachment: Attachment, conversation_id: str) -> Item:
    return {
        "id": attachment.attachment_id,
        "name": attachment.name,
        "mime_type": attachment.mime_type,
        "thread_id": conversation_id,
        "type": "file",
    }


def _meaning(output: str) -> str:
    """The gist of a JSON output; any other text is its own."""
    try:
        value = msgspec.json.decode(output)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return output
    match value:
        case {"title": str(title), "status": str(status)}:
            return f"{title} ({status})"
        case {"title": str(text)} | {"message": str(text)} | str(text):
            return text
        case dict() if counts := [f"{len(v)} {k}" for k, v in value.items() if _is_list(v)]:
            return ", ".join(counts)
        case list():
            return "1 item" if len(value) == 1 else f"{len(value)} items"
        case _:
            return output


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _cut(text: str) -> str:
    return text if len(text) <= OUTCOME_CHARACTERS else text[: OUTCOME_CHARACTERS - 1] + "…"
