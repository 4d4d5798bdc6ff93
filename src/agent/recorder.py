"""Records what a run does: first the events, then the frames that show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openai.types.responses import (
    Response,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
)

from agent import chatkit_events as ck
from agent.approvals import Approvals
from agent.call_frames import CallFrames, opened
from agent.claims import Claim
from agent.closed_calls import closed_calls
from agent.context import Context
from agent.errors import AgentError, RunStopped
from agent.frame_writer import RunFrames
from agent.frames import Frame, last_frames
from agent.leases import ending
from agent.model_output import call_of, code_of, usage_of
from agent.open_messages import OpenMessage, OpenPart, reply_of
from agent.open_work import OpenCall, OpenWork, add_usage, tokens_of
from agent.shown_items import begun_reply, shown_reply
from agent.tool_server import ToolResult
from commands import run as commands
from commands.approval import PauseRun
from commands.begin_tool import BeginTool
from commands.conversation import CONVERSATION
from commands.conversation_state import ConversationState
from commands.errors import Rejected
from commands.handle import CommandHandler, Companions, Origin
from events.conversation import AssistantMessagePosted, RunInterrupted, stream_of
from events.event import Event
from events.ids import new_id
from events.storable import make_storable, make_tree_storable
from events.stored import Companion


class RunRecorder:
    """One attempt's pen. Every command carries the attempt, so an old one writes nothing."""

    def __init__(
        self,
        handler: CommandHandler,
        claim: Claim,
        frames: RunFrames,
        *,
        approvals: Approvals,
        output_limit: int,
        earlier: OpenWork,
    ) -> None:
        self.claim = claim
        self.frames = frames
        #: Of all attempts.
        self.usage = earlier.usage
        self._charged_tokens = earlier.charged_tokens
        self._handler = handler
        self._approvals = approvals
        self._output_limit = output_limit
        self.shown_calls = CallFrames(frames, claim.conversation_id)
        self._origin = Origin(
            owner_id=claim.owner_id,
            actor=f"agent:{claim.run_id}",
            correlation_id=str(claim.run_id),
        )
        #: The provider's item id to the message it becomes.
        self._messages: dict[str, OpenMessage] = {}
        #: The provider's call id to our call, of the response in hand.
        self._calls: dict[str, OpenCall] = {}

    @property
    def run_id(self) -> str:
        return str(self.claim.run_id)

    @property
    def tokens(self) -> int:
        """What the run has used and nobody was charged with."""
        return tokens_of(self.usage) - self._charged_tokens

    async def start(self, model: str, context: Context, context_hash: str) -> None:
        await self._handle(
            commands.StartRun(
                run_id=self.run_id,
                attempt=self.claim.attempt,
                model=model,
                context_event_ids=context.event_ids,
                context_hash=context_hash,
                context_tokens=context.tokens,
            )
        )

    def call_of(self, provider_call_id: str) -> OpenCall | None:
        return self._calls.get(provider_call_id)

    @property
    def calls(self) -> Sequence[OpenCall]:
        return list(self._calls.values())

    def begin_message(self, provider_item_id: str) -> None:
        message = OpenMessage(str(new_id()))
        self._messages[provider_item_id] = message
        self.frames.emit(ck.item_added(begun_reply(self.claim.conversation_id, message.message_id)))

    def begin_part(self, provider_item_id: str, index: int) -> None:
        message = self._messages[provider_item_id]
        message.parts.append(OpenPart(ck.text_deltas(message.message_id, index)))
        self.frames.emit(ck.part_added(message.message_id, index))

    def add_text(self, provider_item_id: str, delta: str) -> None:
        part = self._messages[provider_item_id].parts[-1]
        delta = make_storable(delta, self._output_limit)[0]
        part.deltas.append(delta)
        self.frames.emit_body(part.body_of(delta))

    def end_part(self, provider_item_id: str, index: int) -> None:
        message = self._messages[provider_item_id]
        self.frames.emit(ck.part_done(message.message_id, index, message.parts[-1].text))

    async def respond(self, response: Response, model: str) -> None:
        """Stores a whole model response in one append, then shows it."""
        raw = [item.model_dump(mode="json", exclude_none=True) for item in response.output]
        items = make_tree_storable(raw, self._output_limit)
        replies = [
            reply_of(item, self._messages.get(item.id), self._output_limit)
            for item in response.output
            if isinstance(item, ResponseOutputMessage)
        ]
        calls = await self._approvals.mark(
            self.claim.owner_id,
            [
                call_of(item, self._output_limit)
                for item in response.output
                if isinstance(item, ResponseFunctionToolCall)
            ],
        )
        self.usage = add_usage(self.usage, usage_of(response))
        await self._handle(
            commands.RecordResponse(
                run_id=self.run_id,
                attempt=self.claim.attempt,
                response_id=str(new_id()),
                items=tuple(items),
                usage=usage_of(response),
                model=model,
                adjusted=("adjusted",) if items != raw else (),
                replies=tuple(reply for reply in replies if reply.text),
                calls=tuple(calls),
            )
        )
        self._show_response(replies, calls)

    async def begin_tool(self, call: OpenCall) -> None:
        await self._handle(BeginTool(**self._about(call)))

    async def finish_tool(self, call: OpenCall, result: ToolResult, *put: dict[str, Any]) -> str:
        """Stores a tool's result, with the thread items that come of it, and turns its badge;
        answers the text for the model."""
        text, adjusted = make_storable(result.text, self._output_limit)
        about = self._about(call)
        await self._handle(
            commands.FailTool(**about, error=text, adjusted=adjusted)
            if result.is_error
            else commands.CompleteTool(**about, output=text, adjusted=adjusted, put=put)
        )
        self.shown_calls.turn(call, "error" if result.is_error else "success", text)
        for item in put:
            self.frames.emit(ck.item_done(item))
        return text

    async def lose_tool(self, call: OpenCall, reason: str) -> str:
        """Stores that nobody knows whether the call took effect; answers the text for the model."""
        await self._handle(commands.LoseTool(**self._about(call), reason=reason))
        self.shown_calls.turn(call, "unknown", reason)
        return reason

    async def complete(self) -> None:
        await self._end(
            commands.CompleteRun(run_id=self.run_id, attempt=self.claim.attempt, usage=self.usage),
            None,
        )

    async def fail(self, error: AgentError) -> None:
        partial = self._close_partial()
        command = commands.FailRun(
            run_id=self.run_id,
            attempt=self.claim.attempt,
            code=code_of(error),
            message=error.message,
            can_retry=True,
            usage=self.usage,
            partial=partial,
        )
        await self._end(command, ck.error(error.message, can_retry=True))

    async def cancel(self) -> str:
        """Answers the outcome: cancelled, or interrupted where a newer message is the reason."""
        partial = self._close_partial()
        command = commands.CancelRun(
            run_id=self.run_id,
            attempt=self.claim.attempt,
            usage=self.usage,
            partial=partial,
        )
        ended = await self._end(command, None)
        return "interrupted" if isinstance(ended[-1], RunInterrupted) else "cancelled"

    async def interrupt(self, reason: str) -> None:
        command = commands.InterruptRun(run_id=self.run_id, reason=reason)
        await self._end(command, ck.error(reason, can_retry=True))

    async def pause(self) -> bool:
        """Gives the run up until the user decides; False when nothing is left to decide. Raises
        RunStopped when the run is to make way for a newer message."""
        await self.frames.end()
        seq = self.frames.next_seq
        mark = last_frames([], seq)
        command = PauseRun(run_id=self.run_id, attempt=self.claim.attempt, last_seq=seq)
        companions = ending(self.claim, self.frames.key, mark, self.tokens, "pause_lease")
        is_paused = False
        try:
            is_paused = bool(await self._handle(command, lambda events, state: companions))
        except Rejected as error:
            raise RunStopped(str(error)) from None
        finally:
            self.frames.is_ending = is_paused
        if is_paused:
            self.frames.live.publish(mark)
        return is_paused

    async def _end(
        self, command: commands.RunCommand, last: ck.StreamEvent | None
    ) -> Sequence[Event]:
        """The run's last events, its last frames and the end of its lease, in one transaction."""
        await self.frames.end()
        frames: list[Frame] = []

        def companions(events: Sequence[Event], state: ConversationState) -> list[Companion]:
            shown = closed_calls(events, state, self.claim.conversation_id)
            shown += [last] if last else []
            frames[:] = last_frames(shown, self.frames.next_seq)
            return ending(self.claim, self.frames.key, frames, self.tokens)

        ended = await self._handle(command, companions)
        self.frames.live.publish(frames)
        return ended

    def _about(self, call: OpenCall) -> dict[str, Any]:
        return {"run_id": self.run_id, "attempt": self.claim.attempt, "call_id": call.call_id}

    async def _handle(
        self,
        command: commands.RunCommand | BeginTool | PauseRun,
        companions: Companions | None = None,
    ) -> Sequence[Event]:
        stream_id = stream_of(self.claim.conversation_id)
        handled = await self._handler.handle(
            CONVERSATION, stream_id, command, self._origin, companions
        )
        return handled.events

    def _show_response(
        self, replies: Sequence[commands.Reply], calls: Sequence[commands.Call]
    ) -> None:
        shown = {message.message_id for message in self._messages.values()}
        for reply in replies:
            if reply.text:
                self._show_reply(reply)
            elif reply.message_id in shown:
                self.frames.emit(ck.item_removed(reply.message_id))
        self._messages.clear()
        self._calls = {call.provider_call_id: opened(call, self.run_id) for call in calls}
        for call in self._calls.values():
            self.shown_calls.begin(call)

    def _show_reply(self, reply: commands.Reply) -> None:
        posted = AssistantMessagePosted(
            run_id=self.run_id, message_id=reply.message_id, text=reply.text
        )
        self.frames.emit(ck.item_done(shown_reply(self.claim.conversation_id, posted)))

    def _close_partial(self) -> commands.Reply | None:
        """What was streamed of a message that no response completed."""
        partial: commands.Reply | None = None
        for message in self._messages.values():
            if not message.text:
                self.frames.emit(ck.item_removed(message.message_id))
                continue
            partial = commands.Reply(message_id=message.message_id, text=message.text)
            self._show_reply(partial)
        self._messages.clear()
        return partial
