"""What a takeover sends first, so that a half-sent reply becomes whole or disappears."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from agent import chatkit_events as ck
from agent.frames import Frame
from agent.open_work import OpenCall
from agent.shown_items import shown_call, shown_reply
from events import conversation as c
from events.event import Event
from projections.chatkit_items import Item


def mend(
    frames: Sequence[Frame], events: Iterable[Event], conversation_id: str, run_id: str
) -> list[ck.StreamEvent]:
    """Items that were begun and not ended: ended if the events know how, else removed.

    Also shows what the events hold and no frame was sent for.
    """
    begun, ended = _items_of(frames)
    known = _items_known(events, conversation_id, run_id)
    mended: list[ck.StreamEvent] = []
    for item_id, (item, is_open) in known.items():
        if is_open and item_id not in begun | ended:
            mended.append(ck.item_added(item))
        elif not is_open and item_id not in ended:
            mended.append(ck.item_done(item))
    return mended + [ck.item_removed(i) for i in sorted(begun - ended - known.keys())]


def _items_of(frames: Sequence[Frame]) -> tuple[set[str], set[str]]:
    begun: set[str] = set()
    ended: set[str] = set()
    for frame in frames:
        event = orjson.loads(frame.body) if frame.body else {}
        match event.get("type"):
            case "thread.item.added":
                begun.add(event["item"]["id"])
            case "thread.item.done":
                ended.add(event["item"]["id"])
            case "thread.item.removed":
                ended.add(event["item_id"])
    return begun, ended


def _items_known(
    events: Iterable[Event], conversation_id: str, run_id: str
) -> dict[str, tuple[Item, bool]]:
    """Item id to the item and whether it is still open, for one run."""
    known: dict[str, tuple[Item, bool]] = {}
    calls: dict[str, OpenCall] = {}

    def tool(call_id: str, status: str, outcome: str) -> None:
        item = shown_call(conversation_id, calls[call_id], status, outcome)
        known[call_id] = (item, status == "running")

    for event in events:
        if getattr(event, "run_id", None) != run_id:
            continue
        match event:
            case c.AssistantMessagePosted():
                known[event.message_id] = (shown_reply(conversation_id, event), False)
            case c.ToolCalled():
                calls[event.call_id] = OpenCall(event.call_id, event.name, event.arguments)
                tool(event.call_id, "running", "")
            case c.ToolCompleted():
                tool(event.call_id, "success", event.output)
            case c.ToolFailed():
                tool(event.call_id, "error", event.error)
            case c.ToolOutcomeUnknown():
                tool(event.call_id, "unknown", event.reason)
            case c.ToolApprovalDenied():
                tool(event.call_id, "denied", event.reason)
    return known
