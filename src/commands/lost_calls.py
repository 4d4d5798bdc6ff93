"""What an ending run says of the calls that were being carried out."""

from __future__ import annotations

from commands.conversation_state import Run
from events import conversation as c
from events.event import Event

LOST_REASON = "The reply ended before the tool server answered."


def lost_calls(run: Run) -> list[Event]:
    """Ours too: the worker that began one may have been killed between its effect and its result,
    or be stalled and carry it out yet."""
    return [
        c.ToolOutcomeUnknown(run_id=run.run_id, call_id=call_id, reason=LOST_REASON)
        for call_id, status in run.calls.items()
        if status in ("running", "begun")
    ]
