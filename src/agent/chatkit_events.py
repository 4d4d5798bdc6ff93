"""ChatKit stream events as plain trees, in the shapes of `chatkit.types`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from projections.chatkit_items import Item

StreamEvent = dict[str, Any]


def thread_created(conversation_id: str, title: str, created_at: str) -> StreamEvent:
    thread = {
        **({"title": title} if title else {}),
        "id": conversation_id,
        "created_at": created_at,
        "status": {"type": "active"},
        "metadata": {},
        "items": {"data": [], "has_more": False},
    }
    return {"type": "thread.created", "thread": thread}


def thread_updated(conversation_id: str, title: str, created_at: str) -> StreamEvent:
    return {**thread_created(conversation_id, title, created_at), "type": "thread.updated"}


def stream_options() -> StreamEvent:
    return {"type": "stream_options", "stream_options": {"allow_cancel": True}}


def item_added(item: Item) -> StreamEvent:
    return {"type": "thread.item.added", "item": item}


def item_done(item: Item) -> StreamEvent:
    return {"type": "thread.item.done", "item": item}


def item_replaced(item: Item) -> StreamEvent:
    return {"type": "thread.item.replaced", "item": item}


def item_removed(item_id: str) -> StreamEvent:
    return {"type": "thread.item.removed", "item_id": item_id}


def part_added(item_id: str, index: int) -> StreamEvent:
    return _update(
        item_id,
        {
            "type": "assistant_message.content_part.added",
            "content_index": index,
            "content": {"annotations": [], "text": "", "type": "output_text"},
        },
    )


def text_delta(item_id: str, index: int, delta: str) -> StreamEvent:
    return _update(
        item_id,
        {
            "type": "assistant_message.content_part.text_delta",
            "content_index": index,
            "delta": delta,
        },
    )


def text_deltas(item_id: str, index: int) -> Callable[[str], bytes]:
    """The JSON of a part's `text_delta` events, which differ in nothing but the text."""
    end = b"}}"
    begin = orjson.dumps(text_delta(item_id, index, "")).removesuffix(b'""' + end)

    def body(delta: str) -> bytes:
        return b"%b%b%b" % (begin, orjson.dumps(delta), end)

    return body


def part_done(item_id: str, index: int, text: str) -> StreamEvent:
    return _update(
        item_id,
        {
            "type": "assistant_message.content_part.done",
            "content_index": index,
            "content": {"annotations": [], "text": text, "type": "output_text"},
        },
    )


def client_effect(name: str, data: dict[str, Any]) -> StreamEvent:
    return {"type": "client_effect", "name": name, "data": data}


def error(message: str, *, can_retry: bool) -> StreamEvent:
    return {"type": "error", "code": "custom", "message": message, "allow_retry": can_retry}


def _update(item_id: str, update: dict[str, Any]) -> StreamEvent:
    return {"type": "thread.item.updated", "item_id": item_id, "update": update}
