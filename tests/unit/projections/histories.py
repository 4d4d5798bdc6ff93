"""Valid histories for the law tests: several conversations and tasks, interleaved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from events import conversation as c
from events import task as t
from events.event import Event
from events.stored import RecordedEvent

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
OWNERS = ("ada", "bob")


@dataclass(frozen=True)
class Step:
    stream_id: str
    owner_id: str
    actor: str
    event: Event


def recorded(steps: Iterable[Step]) -> list[RecordedEvent]:
    """The steps as the log would hand them out: positions from 1, a millisecond apart."""
    versions: dict[str, int] = {}
    events: list[RecordedEvent] = []
    for position, step in enumerate(steps, start=1):
        versions[step.stream_id] = versions.get(step.stream_id, 0) + 1
        events.append(
            RecordedEvent(
                stream_id=step.stream_id,
                stream_version=versions[step.stream_id],
                event_id=str(position),
                event=step.event,
                owner_id=step.owner_id,
                recorded_at=NOON + timedelta(milliseconds=position),
                position=position,
                metadata={"actor": step.actor},
            )
        )
    return events


def conversation_events(
    *events: Event, conversation_id: str = "c1", owner_id: str = "ada", actor: str = "user:ada"
) -> list[RecordedEvent]:
    stream_id = c.stream_of(conversation_id)
    return recorded(Step(stream_id, owner_id, actor, event) for event in events)


def posted(message_id: str, text: str = "hello", **fields: Any) -> c.UserMessagePosted:
    return c.UserMessagePosted(message_id=message_id, text=text, **fields)


def requested(run_id: str, message_id: str, trigger: str = "message") -> c.RunRequested:
    return c.RunRequested(run_id=run_id, message_id=message_id, trigger=trigger)


def run_started(run_id: str, attempt: int = 1) -> c.RunStarted:
    return c.RunStarted(
        run_id=run_id,
        attempt=attempt,
        model="scripted",
        context_event_ids=(),
        context_hash="",
        context_tokens=0,
    )


def called(run_id: str, call_id: str, name: str = "add_task") -> c.ToolCalled:
    return c.ToolCalled(
        run_id=run_id,
        attempt=1,
        call_id=call_id,
        provider_call_id=f"p-{call_id}",
        name=name,
        arguments='{"title":"Milk"}',
    )


def replied(run_id: str, message_id: str, text: str = "Done.") -> c.AssistantMessagePosted:
    return c.AssistantMessagePosted(run_id=run_id, message_id=message_id, text=text)


@dataclass
class _Run:
    run_id: str
    calls: list[str] = field(default_factory=list)


@dataclass
class _Conversation:
    conversation_id: str
    owner_id: str
    #: The messages of each branch, oldest branch first.
    branches: dict[str, list[str]] = field(default_factory=lambda: {c.MAIN_BRANCH: []})
    branch_id: str = c.MAIN_BRANCH
    runs: list[_Run] = field(default_factory=list)
    ended: list[_Run] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    is_deleted: bool = False

    @property
    def messages(self) -> list[str]:
        """Of the active branch."""
        return self.branches[self.branch_id]

    @property
    def all_messages(self) -> list[str]:
        return list(dict.fromkeys(m for line in self.branches.values() for m in line))


class _World:
    """What the deciders would allow next, and how it looks when it happens."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._ids = 0
        self.conversations: list[_Conversation] = []
        self.tasks: dict[str, tuple[str, str]] = {}
        self.steps: list[Step] = []

    def new_id(self, kind: str) -> str:
        self._ids += 1
        return f"{kind}{self._ids}"

    def pick(self, options: Sequence[Any]) -> Any:
        return self._draw(st.sampled_from(options))

    def act(self) -> None:
        if not self.conversations or self.pick((False,) * 9 + (True,)):
            self._start()
        elif self.pick((False,) * 5 + (True,)):
            self._work_on_task()
        elif living := [x for x in self.conversations if not x.is_deleted]:
            self._converse(self.pick(living))

    def _start(self) -> None:
        begun = _Conversation(self.new_id("c"), self.pick(OWNERS))
        self.conversations.append(begun)
        self._say(begun, c.Started(title=self.pick(("", "Groceries"))))

    def _say(self, where: _Conversation, *events: Event, actor: str | None = None) -> None:
        by = actor or f"user:{where.owner_id}"
        stream_id = c.stream_of(where.conversation_id)
        self.steps += (Step(stream_id, where.owner_id, by, event) for event in events)

    def _converse(self, where: _Conversation) -> None:
        actions = [self._post, self._post, self._rename, self._put]
        if where.runs:
            actions += [self._work, self._work, self._work, self._work, self._end, self._end]
        elif where.all_messages:
            actions += [self._retry, self._edit, self._switch]
        if where.ended:
            actions.append(self._say_late)
        if where.items:
            actions += [self._remove, self._put_again]
        if len(self.steps) > 15:
            actions.append(self._delete)
        self.pick(actions)(where)

    def _post(self, where: _Conversation) -> None:
        message_id, run = self.new_id("m"), _Run(self.new_id("r"))
        where.messages.append(message_id)
        where.runs.append(run)
        self._say(where, posted(message_id), requested(run.run_id, message_id))

    def _rename(self, where: _Conversation) -> None:
        self._say(where, c.Renamed(title=self.pick(("One", "Two"))))

    def _put(self, where: _Conversation) -> None:
        item_id = self.new_id("i")
        where.items.append(item_id)
        self._put_item(where, item_id)

    def _put_again(self, where: _Conversation) -> None:
        self._put_item(where, self.pick(where.items))

    def _put_item(self, where: _Conversation, item_id: str) -> None:
        runs = [*where.runs, *where.ended]
        actor = self.pick([None, *(f"agent:{run.run_id}" for run in runs)])
        kind = self.pick(("widget", "end_of_turn", "hidden_context_item"))
        item = {"id": item_id, "type": kind, "n": len(self.steps)}
        self._say(where, c.ThreadItemPut(item=item), actor=actor)

    def _remove(self, where: _Conversation) -> None:
        item_id = self.pick(where.items)
        where.items.remove(item_id)
        self._say(where, c.ThreadItemRemoved(item_id=item_id))

    def _work(self, where: _Conversation) -> None:
        run = self.pick(where.runs)
        event = self._call_event(run) if run.calls and self.pick((True, False)) else None
        self._say(where, event or self._run_event(run))

    def _run_event(self, run: _Run) -> Event:
        match self.pick(("start", "resume", "pause", "respond", "call", "reply")):
            case "pause":
                return c.RunPaused(run_id=run.run_id, attempt=1, last_seq=7)
            case "start":
                return run_started(run.run_id)
            case "resume":
                return c.RunResumed(run_id=run.run_id, attempt=2)
            case "respond":
                usage = c.Usage(requests=1, input_tokens=7, output_tokens=3)
                return c.ModelResponded(
                    run_id=run.run_id, attempt=1, response_id="x", items=(), usage=usage
                )
            case "call":
                run.calls.append(self.new_id("k"))
                return called(run.run_id, run.calls[-1])
            case _:
                return replied(run.run_id, self.new_id("a"))

    def _call_event(self, run: _Run) -> Event:
        of = {"run_id": run.run_id, "call_id": self.pick(run.calls)}
        return self.pick(
            (
                c.ToolApprovalRequested(**of),
                c.ToolApprovalGranted(**of),
                c.ToolApprovalDenied(**of, reason="no"),
                c.ToolCompleted(**of, output='{"title":"Milk","status":"pending"}'),
                c.ToolFailed(**of, error="broken"),
                c.ToolOutcomeUnknown(**of, reason="lost"),
                called(**of),
            )
        )

    def _end(self, where: _Conversation) -> None:
        run = self.pick(where.runs)
        where.runs.remove(run)
        where.ended.append(run)
        self._say(where, self._ending(run.run_id))

    def _ending(self, run_id: str) -> Event:
        return self.pick(
            (
                c.RunCompleted(run_id=run_id, usage=c.Usage(requests=2, input_tokens=9)),
                c.RunFailed(run_id=run_id, code="internal", message="It broke."),
                c.RunCancelled(run_id=run_id),
                c.RunInterrupted(run_id=run_id, reason="no heartbeat"),
            )
        )

    def _say_late(self, where: _Conversation) -> None:
        """What arrives after its run ended, on the active branch or on one left behind."""
        run = self.pick(where.ended)
        late: list[Event] = [replied(run.run_id, self.new_id("a")), self._ending(run.run_id)]
        late += [self._call_event(run)] if run.calls else []
        self._say(where, self.pick(late))

    def _retry(self, where: _Conversation) -> None:
        fork, run = self._fork(where, "after"), _Run(self.new_id("r"))
        where.runs.append(run)
        self._say(where, fork, requested(run.run_id, fork.message_id, "retry"))

    def _edit(self, where: _Conversation) -> None:
        fork = self._fork(where, "before")
        message_id, run = self.new_id("m"), _Run(self.new_id("r"))
        where.messages.append(message_id)
        where.runs.append(run)
        self._say(where, fork, posted(message_id), requested(run.run_id, message_id))

    def _fork(self, where: _Conversation, side: str) -> c.BranchForked:
        message_id, branch_id = self.pick(where.all_messages), self.new_id("b")
        # The branch it was posted on is the oldest one that has it.
        parent_id, line = next((b, m) for b, m in where.branches.items() if message_id in m)
        where.branches[branch_id] = line[: line.index(message_id) + (side == "after")]
        where.branch_id = branch_id
        return c.BranchForked(
            branch_id=branch_id, parent_id=parent_id, message_id=message_id, side=side
        )

    def _switch(self, where: _Conversation) -> None:
        left, where.branch_id = where.branch_id, self.pick(list(where.branches))
        if left != where.branch_id:
            self._say(where, c.BranchSwitched(branch_id=where.branch_id, from_branch_id=left))

    def _delete(self, where: _Conversation) -> None:
        where.is_deleted = True
        ends = [c.RunCancelled(run_id=run.run_id) for run in where.runs]
        self._say(where, *ends, c.Deleted())

    def _work_on_task(self) -> None:
        if not self.tasks or self.pick((True, False, False)):
            self.tasks[self.new_id("t")] = (self.pick(OWNERS), "none")
        task_id = self.pick(sorted(self.tasks))
        owner_id, status = self.tasks[task_id]
        if status == "deleted":
            return
        event, after = self.pick(_TASK_EVENTS[status])
        self.tasks[task_id] = (owner_id, after)
        self.steps.append(Step(t.stream_of(task_id), owner_id, f"user:{owner_id}", event))


_TASK_EVENTS: Mapping[str, list[tuple[Event, str]]] = {
    "none": [(t.Added(title="Milk", notes="two"), "pending")],
    "pending": [
        (t.Completed(), "completed"),
        (t.Renamed(title="Bread", notes=""), "pending"),
        (t.Deleted(), "deleted"),
    ],
    "completed": [(t.Reopened(), "pending"), (t.Deleted(), "deleted")],
}


@st.composite
def histories(draw: st.DrawFn, max_actions: int = 60) -> list[Step]:
    world = _World(draw)
    for _ in range(draw(st.integers(1, max_actions))):
        world.act()
    return world.steps
