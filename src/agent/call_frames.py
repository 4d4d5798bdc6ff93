"""The frames that show a run's tool calls, from the first badge or question to the outcome."""

from __future__ import annotations

from collections.abc import Sequence

from agent import chatkit_events as ck
from agent.frame_writer import RunFrames
from agent.open_work import OpenCall, OpenWork
from agent.shown_items import shown_call, told_call
from commands.run import Call


class CallFrames:
    def __init__(self, frames: RunFrames, conversation_id: str) -> None:
        self._frames = frames
        self._conversation_id = conversation_id

    def begin(self, call: OpenCall) -> None:
        """A badge, or the whole question whether the call may be carried out."""
        if call.approval:
            self._frames.emit(ck.item_done(self._item(call, "requested")))
        else:
            self._frames.emit(ck.item_added(self._item(call)))
            self._frames.emit(told_call(call, "running"))

    def turn(self, call: OpenCall, status: str, outcome: str = "") -> None:
        """What was a question is replaced, because it was whole before."""
        item = self._item(call, status, outcome)
        self._frames.emit(ck.item_replaced(item) if call.approval else ck.item_done(item))
        self._frames.emit(told_call(call, status))

    def decide(self, asked: Sequence[OpenCall], work: OpenWork) -> None:
        """What has become of the questions while the run was at work."""
        for call in asked:
            if call.call_id in work.denied:
                self.turn(call, "denied", work.denied[call.call_id])
        for call in work.calls:
            if call.approval == "granted":
                self.turn(call, "running")

    def _item(self, call: OpenCall, status: str = "running", outcome: str = "") -> ck.StreamEvent:
        return shown_call(self._conversation_id, call, status, outcome)


def opened(call: Call, run_id: str) -> OpenCall:
    approval = "requested" if call.needs_approval else ""
    return OpenCall(
        call.call_id,
        call.name,
        call.arguments,
        run_id=run_id,
        approval=approval,
        subject=call.subject,
    )
