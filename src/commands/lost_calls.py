"""What an ending run says of the calls that a server of others was carrying out."""

from __future__ import annotations

from commands.conversation_state import Run
from events import conversation as c
from events.event import Event

LOST_REASON = "The reply ended before the tool server answered."


def lost_calls(run: Run) -> list[Event]:
    return [
        c.ToolOutcomeUnknown(run_id=run.run_id, call_id=call_id, reason=LOST_REASON)
        for call_id, status in run.calls.items()
        if status == "begun"
    ]
