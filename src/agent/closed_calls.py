"""The frames of the calls that a run leaves without a result: what has ended shows none at work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent import chatkit_events as ck
from agent.open_work import OpenCall
from agent.shown_items import shown_call, told_call
from commands.conversation_state import ConversationState
from events import conversation as c
from events.event import Event


def closed_calls(
    events: Iterable[Event], state: ConversationState, conversation_id: str
) -> list[ck.StreamEvent]:
    """How the calls look that the events close; `state` is the one before them."""
    names = {call_id: n for run in state.runs.values() for call_id, n in run.names.items()}
    asked = {call_id for _, call_id in state.decisions}
    shown: list[ck.StreamEvent] = []
    for call_id, status, outcome in _closings(events):
        call = OpenCall(call_id, names[call_id], "{}")
        item = shown_call(conversation_id, call, status, outcome)
        # What was a question is replaced, because it was whole before.
        was_question = status == "denied" or call_id in asked
        shown.append(ck.item_replaced(item) if was_question else ck.item_done(item))
        shown.append(told_call(call, status))
    return shown


def _closings(events: Iterable[Event]) -> Iterator[tuple[str, str, str]]:
    """Call id, status and outcome."""
    for event in events:
        match event:
            case c.ToolApprovalDenied():
                yield event.call_id, "denied", event.reason
            case c.ToolOutcomeUnknown():
                yield event.call_id, "unknown", event.reason
