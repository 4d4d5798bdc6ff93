"""What a takeover sends first, wherever the frames before it break off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from agent.frames import Frame, frame_body
from agent.torn_frames import mend
from events import conversation as c
from events.event import Event
from events.ids import new_id

CONVERSATION, RUN, CALL = str(new_id()), str(new_id()), str(new_id())
CALLED = c.ToolCalled(
    run_id=RUN,
    attempt=1,
    call_id=CALL,
    provider_call_id="call_1",
    name="add_task",
    arguments='{"title": "buy milk"}',
)
ASKED = c.ToolApprovalRequested(run_id=RUN, call_id=CALL, subject="buy milk")
GRANTED = c.ToolApprovalGranted(run_id=RUN, call_id=CALL)
OUTCOMES: dict[str, Event] = {
    "success": c.ToolCompleted(run_id=RUN, call_id=CALL, output="done"),
    "failure": c.ToolFailed(run_id=RUN, call_id=CALL, error="No."),
    "unknown": c.ToolOutcomeUnknown(run_id=RUN, call_id=CALL, reason="Who knows."),
}


def mended(frames: Sequence[dict[str, Any]], *events: Event) -> list[dict[str, Any]]:
    sent = [Frame(seq, frame_body(event)) for seq, event in enumerate(frames, start=1)]
    return mend(sent, events, CONVERSATION, RUN)


def told(frames: Sequence[dict[str, Any]]) -> list[str]:
    return [f["data"]["status"] for f in frames if f["type"] == "client_effect"]


@pytest.mark.parametrize("outcome", list(OUTCOMES))
@pytest.mark.parametrize("kept", [0, 1, 2, 3, 4])
def test_page_is_told_the_outcome_once_wherever_the_frames_broke_off(
    outcome: str, kept: int
) -> None:
    whole = mended([], CALLED)
    whole += mended(whole, CALLED, OUTCOMES[outcome])
    assert told(whole) == ["running", outcome]
    resumed = whole[:kept] + mended(whole[:kept], CALLED, OUTCOMES[outcome])
    assert resumed[-1]["data"] == {"call_id": CALL, "title": "add_task", "status": outcome}
    assert told(resumed).count(outcome) == 1
    assert [f["item"]["task"]["status_indicator"] for f in resumed if "item" in f][-1] == "complete"


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_call_that_is_still_open_is_told_as_running_once(kept: int) -> None:
    whole = mended([], CALLED)
    resumed = whole[:kept] + mended(whole[:kept], CALLED)
    assert resumed == whole
    assert told(resumed) == ["running"]


def test_page_is_told_of_a_question_when_it_was_answered() -> None:
    asked = mended([], CALLED, ASKED)
    assert told(asked) == []
    assert told(mended(asked, CALLED, ASKED, GRANTED)) == ["running"]
    denied = c.ToolApprovalDenied(run_id=RUN, call_id=CALL, reason="Keep it.")
    assert told(mended(asked, CALLED, ASKED, denied)) == ["denied"]


def test_call_of_the_page_is_put_once_wherever_the_frames_broke_off() -> None:
    call = {"id": str(new_id()), "type": "client_tool_call", "status": "pending", "call_id": CALL}
    foreign = c.ThreadItemPut(item=call | {"id": str(new_id()), "call_id": str(new_id())})
    events = (CALLED, OUTCOMES["success"], c.ThreadItemPut(item=call), foreign)
    whole = mended([], CALLED)
    whole += mended(whole, *events)
    for kept in range(len(whole) + 1):
        resumed = whole[:kept] + mended(whole[:kept], *events)
        assert [frame.get("item") for frame in resumed].count(call) == 1
        assert foreign.item not in [frame.get("item") for frame in resumed]


def test_whole_stream_is_not_mended() -> None:
    events = (CALLED, OUTCOMES["success"])
    whole = mended([], CALLED)
    whole += mended(whole, *events)
    assert mended(whole, *events) == []
