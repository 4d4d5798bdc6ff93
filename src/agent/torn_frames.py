"""What a takeover sends first, so that a half-sent reply becomes whole or disappears."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from agent import chatkit_events as ck
from agent.frames import Frame
from agent.open_work import OpenCall, is_handed_over, note_call
from agent.shown_items import TOOL_CALL, shown_call, shown_reply, told_call
from events import conversation as c
from events.event import Event
from projections.chatkit_items import Item

#: How far an item is: a call that needs approval is whole at once and replaced by what comes of it.
OPEN, ENDED, ASKED = "open", "ended", "asked"


def mend(
    frames: Sequence[Frame], events: Iterable[Event], conversation_id: str, run_id: str
) -> list[ck.StreamEvent]:
    """Items that were begun and not ended: ended if the events know how, else removed.

    Also shows what the events hold and no frame was sent for.
    """
    begun, ended, told = _items_of(frames)
    known = _items_known(events, conversation_id, run_id)
    mended: list[ck.StreamEvent] = []
    for item_id, (item, state, effect) in known.items():
        if state == OPEN and item_id not in begun | ended.keys():
            mended.append(ck.item_added(item))
        elif state != OPEN and item_id not in ended:
            mended.append(ck.item_done(item))
        elif state == ASKED and ended[item_id] != item:
            mended.append(ck.item_replaced(item))
        if effect and told.get(item_id) != effect["data"]:
            mended.append(effect)
    return mended + [ck.item_removed(i) for i in sorted(begun - ended.keys() - known.keys())]


def _items_of(
    frames: Sequence[Frame],
) -> tuple[set[str], dict[str, Item | None], dict[str, Item]]:
    """The ids of begun items, the ended ones as they were shown last (None: removed), and what
    pages were told of each call last."""
    begun: set[str] = set()
    ended: dict[str, Item | None] = {}
    told: dict[str, Item] = {}
    for frame in frames:
        event = orjson.loads(frame.body) if frame.body else {}
        match event.get("type"):
            case "thread.item.added":
                begun.add(event["item"]["id"])
            case "thread.item.done" | "thread.item.replaced":
                ended[event["item"]["id"]] = event["item"]
            case "thread.item.removed":
                ended[event["item_id"]] = None
            case "client_effect" if event["name"] == TOOL_CALL:
                told[event["data"]["call_id"]] = event["data"]
    return begun, ended, told


def _items_known(
    events: Iterable[Event], conversation_id: str, run_id: str
) -> dict[str, tuple[Item, str, ck.StreamEvent | None]]:
    """Item id to the item, its state and what pages are told of it, for one run."""
    known: dict[str, tuple[Item, str, ck.StreamEvent | None]] = {}
    calls: dict[str, OpenCall] = {}

    def tool(call_id: str, status: str, outcome: str = "") -> None:
        call = calls[call_id]
        state = OPEN if status == "running" else ENDED
        item = shown_call(conversation_id, call, status, outcome)
        effect = None if status == "requested" else told_call(call, status)
        known[call_id] = (item, ASKED if call.approval else state, effect)

    for event in events:
        if isinstance(event, c.ThreadItemPut) and is_handed_over(event, calls):
            known[event.item["id"]] = (event.item, ENDED, None)
        if getattr(event, "run_id", None) != run_id:
            continue
        note_call(calls, event)
        match event:
            case c.AssistantMessagePosted():
                known[event.message_id] = (shown_reply(conversation_id, event), ENDED, None)
            case c.ToolCalled() | c.ToolApprovalGranted():
                tool(event.call_id, "running")
            case c.ToolApprovalRequested():
                tool(event.call_id, "requested")
            case c.ToolCompleted():
                tool(event.call_id, "success", event.output)
            case c.ToolFailed():
                tool(event.call_id, "error", event.error)
            case c.ToolOutcomeUnknown():
                tool(event.call_id, "unknown", event.reason)
            case c.ToolApprovalDenied():
                tool(event.call_id, "denied", event.reason)
    return known
