"""Conversations told in commands: each event is one that the decider allowed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from hypothesis import strategies as st

from agent.context import build_context, context_hash
from agent.notes import turns_after_summary, turns_to_sum_up
from agent.turns import Turn, turns_before
from commands.approval import DecideCall, PauseRun, StopWaiting
from commands.branching import RetryAfter, SwitchBranch
from commands.conversation import (
    CONVERSATION,
    ConversationCommand,
    EditMessage,
    PostMessage,
    RequestRun,
)
from commands.conversation_state import ConversationState
from commands.run import (
    Call,
    CancelRun,
    CompleteRun,
    CompleteTool,
    FailRun,
    FailTool,
    InterruptRun,
    LoseTool,
    RecordResponse,
    Reply,
    ResumeRun,
    StartRun,
)
from commands.summarizing import RecordSummary
from events import conversation as c
from events.cipher import DataKey
from events.event import Event
from events.stored import RecordedEvent

STREAM = c.stream_of("01980000-0000-7000-8000-000000000000")
KEY = DataKey(uuid.UUID(int=1), "ada", b"k" * 32)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
USAGE = c.Usage(requests=1, input_tokens=10, output_tokens=5)

Item = dict[str, Any]


class Story:
    def __init__(self, limit: int = 15) -> None:
        self.limit = limit
        self.state = ConversationState()
        self.recorded: list[RecordedEvent] = []
        self.numbers = 0

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def record(self, *events: Event) -> None:
        for event in events:
            version = len(self.recorded) + 1
            self.state = CONVERSATION.evolve(self.state, event, version)
            self.recorded.append(
                RecordedEvent(
                    stream_id=STREAM,
                    stream_version=version,
                    event_id=f"e{version}",
                    event=event,
                    owner_id="ada",
                    recorded_at=NOON,
                )
            )

    def do(self, command: ConversationCommand) -> None:
        self.record(*CONVERSATION.decide(command, self.state))

    def post(self, text: str = "hello", **fields: Any) -> str:
        """Returns the run that is to answer `m<n>`: `r<n>`."""
        number = self.number()
        self.do(
            PostMessage(
                message_id=f"m{number}", run_id=f"r{number}", text=text, may_start=True, **fields
            )
        )
        return f"r{number}"

    def retry(self, message_id: str) -> str:
        number = self.number()
        self.do(RetryAfter(message_id=message_id, run_id=f"r{number}", branch_id=f"b{number}"))
        return f"r{number}"

    def edit(self, message_id: str, text: str = "hello") -> str:
        """Returns the run that is to answer `m<n>`, which takes the message's place: `r<n>`."""
        n = self.number()
        new = PostMessage(message_id=f"m{n}", run_id=f"r{n}", text=text)
        self.do(EditMessage(edited_message_id=message_id, branch_id=f"b{n}", message=new))
        return f"r{n}"

    def switch(self, branch_id: str) -> None:
        self.do(SwitchBranch(branch_id=branch_id))

    def request(self, trigger: str = "tool_output") -> str:
        """Another run for the last message, as when the user answered an item."""
        number = self.number()
        self.do(RequestRun(run_id=f"r{number}", trigger=trigger))
        return f"r{number}"

    def attempt(self, run_id: str) -> int:
        return self.state.runs[run_id].attempt

    def start(self, run_id: str) -> None:
        context = build_context(self.recorded, run_id, self.limit, summary=self.summary())
        self.do(
            StartRun(
                run_id=run_id,
                attempt=self.attempt(run_id),
                model="test",
                context_event_ids=context.event_ids,
                context_hash=context_hash(KEY, context),
                context_tokens=context.tokens,
            )
        )

    def respond(
        self, run_id: str, *items: Item, needs_approval: Callable[[], bool] = lambda: False
    ) -> list[str]:
        """Returns our ids of the calls in it."""
        calls = [item for item in items if item["type"] == "function_call"]
        ours = [json.loads(call["arguments"]).get("ours") or f"t{self.number()}" for call in calls]
        self.do(
            RecordResponse(
                run_id=run_id,
                attempt=self.attempt(run_id),
                response_id=f"resp{self.number()}",
                items=items,
                usage=USAGE,
                model="test",
                adjusted=(),
                replies=tuple(
                    Reply(message_id=f"a{self.number()}", text=item["content"][0]["text"])
                    for item in items
                    if item["type"] == "message" and item["content"]
                ),
                calls=tuple(
                    Call(
                        call_id=call_id,
                        provider_call_id=call["call_id"],
                        name=call["name"],
                        arguments=call["arguments"],
                        needs_approval=needs_approval(),
                    )
                    for call, call_id in zip(calls, ours, strict=True)
                ),
            )
        )
        return ours

    def finish_tool(self, run_id: str, call_id: str, output: str = "done") -> None:
        attempt = self.attempt(run_id)
        self.do(CompleteTool(run_id=run_id, attempt=attempt, call_id=call_id, output=output))

    def fail_tool(self, run_id: str, call_id: str, error: str) -> None:
        attempt = self.attempt(run_id)
        self.do(FailTool(run_id=run_id, attempt=attempt, call_id=call_id, error=error))

    def lose_tool(self, run_id: str, call_id: str, reason: str = "") -> None:
        attempt = self.attempt(run_id)
        self.do(LoseTool(run_id=run_id, attempt=attempt, call_id=call_id, reason=reason))

    def deny(self, run_id: str, call_id: str, reason: str = "") -> None:
        self.record(c.ToolApprovalDenied(run_id=run_id, call_id=call_id, reason=reason))

    def decide(self, run_id: str, call_id: str, *, is_granted: bool) -> None:
        self.do(DecideCall(run_id=run_id, call_id=call_id, is_granted=is_granted))

    def complete(self, run_id: str) -> None:
        self.do(CompleteRun(run_id=run_id, attempt=self.attempt(run_id), usage=USAGE))

    def cancel(self, run_id: str, partial: str = "") -> None:
        reply = Reply(message_id=f"p{self.number()}", text=partial)
        attempt = self.attempt(run_id)
        self.do(CancelRun(run_id=run_id, attempt=attempt, usage=USAGE, partial=reply))

    def fail(self, run_id: str, partial: str = "") -> None:
        self.do(
            FailRun(
                run_id=run_id,
                attempt=self.attempt(run_id),
                code="model_unavailable",
                message="The model does not answer.",
                can_retry=True,
                usage=USAGE,
                partial=Reply(message_id=f"p{self.number()}", text=partial),
            )
        )

    def interrupt(self, run_id: str) -> None:
        self.do(InterruptRun(run_id=run_id, reason="nobody worked on it"))

    def resume(self, run_id: str) -> None:
        self.do(ResumeRun(run_id=run_id, attempt=self.attempt(run_id) + 1))

    def summary(self) -> RecordedEvent | None:
        newest = self.state.summary
        return self.recorded[newest.version - 1] if newest else None

    def sum_up(self, run_id: str, text: str = "They said hello.") -> bool:
        """What the next context would not hold, after a run; whether there was anything."""
        former = self.summary()
        turns: Sequence[Turn] = turns_before(self.recorded, run_id)
        turns = turns_after_summary(turns, former) if former else turns
        covered = turns_to_sum_up(turns, self.limit) if turns else ()
        if covered:
            self.do(
                RecordSummary(
                    after_summary_version=former.stream_version if former else 0,
                    from_version=covered[0].recorded.stream_version,
                    through_version=max(turn.last_version for turn in covered),
                    through_message_id=covered[-1].message.message_id,
                    text=text,
                    model="test",
                    usage=USAGE,
                )
            )
        return bool(covered)

    def exchange(self, text: str, reply: str) -> str:
        """A message and its completed reply."""
        run_id = self.post(text)
        self.start(run_id)
        self.respond(run_id, message(reply, f"msg_{run_id}"))
        self.complete(run_id)
        return run_id


def message(text: str, item_id: str = "msg_1", **fields: Any) -> Item:
    parts = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    whole = {"type": "message", "role": "assistant", "id": item_id, "status": "completed"}
    return {**whole, "content": parts, **fields}


def call(call_id: str, ours: str = "", item_id: str | None = None, **fields: Any) -> Item:
    return {
        "type": "function_call",
        "id": item_id,
        "call_id": call_id,
        "name": "add_task",
        "arguments": json.dumps({"ours": ours}),
        "status": "completed",
        **fields,
    }


def reasoning(item_id: str = "rs_1", encrypted_content: str | None = "c2VjcmV0") -> Item:
    return {
        "type": "reasoning",
        "id": item_id,
        "summary": [],
        "encrypted_content": encrypted_content,
        "status": None,
    }


def stories() -> st.SearchStrategy[Story]:
    """Queued messages, runs side by side, retries, takeovers and every end of runs and tools."""
    steps = st.tuples(st.sampled_from(_STEPS), st.integers(0, 2**16))
    return st.builds(_tell, st.integers(1, 15), st.lists(steps, min_size=40, max_size=120))


def _tell(limit: int, steps: Sequence[tuple[Callable[[Story, Random], None], int]]) -> Story:
    story = Story(limit)
    story.post("first")
    for place, (step, seed) in enumerate(steps):
        # With the place in it, because generated seeds are very often 0.
        step(story, Random(f"{place} {seed}"))
    return story


def _post(story: Story, random: Random) -> None:
    if len(story.state.runs) < 3:
        attachment = c.Attachment(
            attachment_id="f", name="list.txt", mime_type="text/plain", size_bytes=9
        )
        story.post(
            random.choice(
                ("add milk", "what is left?", "Grüße 🥛", "🧑🏽‍🚀 a\u0301 \u202eright", "x" * 5_000)
            ),
            quoted_text=random.choice((None, None, "said before\nand more")),
            attachments=random.choice(((), (), (attachment,))),
        )


def _retry(story: Story, random: Random) -> None:
    if not story.state.runs:
        story.retry(random.choice(list(story.state.messages)))


def _edit(story: Story, random: Random) -> None:
    if not story.state.runs:
        story.edit(random.choice(list(story.state.messages)))


def _switch(story: Story, random: Random) -> None:
    if not story.state.runs:
        story.switch(random.choice([c.MAIN_BRANCH, *story.state.branches.forks]))


def _request(story: Story, random: Random) -> None:
    if not story.state.runs:
        story.request(random.choice(("tool_output", "structured_input", "action")))


def _start(story: Story, random: Random) -> None:
    if waiting := [run for run in story.state.runs.values() if run.status == "requested"]:
        story.start(random.choice(waiting).run_id)


def _respond(story: Story, random: Random) -> None:
    if running := [run for run in story.state.runs.values() if run.status == "running"]:
        items = [
            item for _ in range(random.randint(1, 3)) for item in _said(story, random)
        ] + random.choice(([], [], [reasoning(f"rs_{story.number()}")]))
        run_id = random.choice(running).run_id
        story.respond(run_id, *items, needs_approval=lambda: random.random() < 0.3)


def _said(story: Story, random: Random) -> list[Item]:
    thought = reasoning(
        f"rs_{random.randrange(20)}", random.choice(("c2VjcmV0", "c2VjcmV0", None, "c2Vj…"))
    )
    spoken = message(f"reply {story.number()}", f"msg_{random.randrange(8)}")
    # Few ids, so that a provider repeats them within a response, a run and a conversation.
    ours = f"t{story.number()}"
    called = call(f"call_{random.randrange(3)}", ours, random.choice((None, "fc_1", "fc_2")))
    twin = called | {"arguments": json.dumps({"ours": f"{ours}b"})}
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    empty = {"type": "message", "role": "assistant", "id": "msg_e", "content": []}
    return random.choice(
        (
            [spoken],
            [thought, spoken],
            [called],
            [called, twin],
            [thought, called],
            [thought, thought],
            [thought, search],
            [thought, empty],
            [thought, search, spoken],
        )
    )


def _answer(story: Story, random: Random) -> None:
    waiting = [
        (run.run_id, call_id)
        for run in story.state.runs.values()
        for call_id, status in run.calls.items()
        if status != "done"
    ]
    if not waiting:
        return
    run_id, call_id = random.choice(waiting)
    if story.state.runs[run_id].calls[call_id] == "requested":
        story.decide(run_id, call_id, is_granted=random.random() < 0.6)
        return
    match random.randrange(6):
        case 0:
            story.fail_tool(run_id, call_id, f"result of {call_id}")
        case 1:
            story.lose_tool(run_id, call_id, f"result of {call_id}")
        case 2:
            story.deny(run_id, call_id, f"result of {call_id}")
        case _:
            story.finish_tool(run_id, call_id, f"result of {call_id}")


def _end(story: Story, random: Random) -> None:
    if not story.state.runs:
        return
    run = random.choice(list(story.state.runs.values()))
    partial = random.choice(("", "well, I"))
    match random.randrange(8):
        case 0 | 1 if run.status == "waiting":
            story.do(StopWaiting(run_id=run.run_id))
        case _ if run.status == "waiting":
            pass
        case 0:
            story.fail(run.run_id, partial)
        case 1:
            story.cancel(run.run_id, partial)
        case 2:
            story.interrupt(run.run_id)
        case _ if all(status == "done" for status in run.calls.values()):
            story.complete(run.run_id)


def _resume(story: Story, random: Random) -> None:
    if running := [run for run in story.state.runs.values() if run.status == "running"]:
        run_id = random.choice(running).run_id
        story.resume(run_id)
        story.start(run_id)


def _sum_up(story: Story, random: Random) -> None:
    requested = {
        one.event.run_id: one.stream_version
        for one in story.recorded
        if isinstance(one.event, c.RunRequested)
    }
    current = [r for r, version in requested.items() if story.state.branches.is_current(version)]
    if ended := [run_id for run_id in current if run_id not in story.state.runs]:
        story.sum_up(ended[-1], f"notes {story.number()}")


def _pause(story: Story, random: Random) -> None:
    for run in story.state.runs.values():
        if run.status == "running":
            story.do(PauseRun(run_id=run.run_id, attempt=run.attempt, last_seq=story.number()))
            return


def _aside(story: Story, random: Random) -> None:
    story.record(
        random.choice(
            (
                c.Renamed(title="groceries"),
                c.FeedbackGiven(item_ids=("a1",), kind="positive"),
                c.ThreadItemPut(item={"id": "w1", "type": "widget"}),
            )
        )
    )


_STEPS = (
    *(_post, _post, _start, _start, _start, _respond, _respond, _respond),
    *(_respond, _answer, _answer, _answer, _answer, _answer, _end, _end, _end, _retry, _retry),
    *(_edit, _switch, _switch, _request, _resume, _pause, _pause, _aside, _sum_up, _sum_up),
)
