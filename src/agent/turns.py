"""A conversation's events as turns: a user message and the runs that answered it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from agent.told_items import is_told
from commands.errors import NotFound
from events import conversation as c
from events.stored import RecordedEvent

#: What a run leaves for the model to read.
SPOKEN = (
    c.ModelResponded
    | c.AssistantMessagePosted
    | c.ToolCalled
    | c.ToolCompleted
    | c.ToolFailed
    | c.ToolOutcomeUnknown
    | c.ToolApprovalDenied
)
ENDING = c.RunCompleted | c.RunFailed | c.RunCancelled | c.RunInterrupted


@dataclass(slots=True)
class TurnRun:
    #: Empty for what the user did or answered between two runs.
    run_id: str
    recorded: list[RecordedEvent] = field(default_factory=list)
    is_ended: bool = False

    @property
    def message_count(self) -> int:
        return sum(isinstance(r.event, c.AssistantMessagePosted) for r in self.recorded)


@dataclass(slots=True)
class Turn:
    message: c.UserMessagePosted
    recorded: RecordedEvent
    #: In the order they were requested.
    runs: list[TurnRun] = field(default_factory=list)

    @property
    def message_count(self) -> int:
        return 1 + sum(run.message_count for run in self.runs)

    @property
    def is_unanswered(self) -> bool:
        """Whether it has runs and none of them has ended."""
        runs = [run for run in self.runs if run.run_id]
        return bool(runs) and not any(run.is_ended for run in runs)

    @property
    def last_version(self) -> int:
        """Of what was recorded in it, in the stream."""
        recorded = [r.stream_version for run in self.runs for r in run.recorded]
        return max([self.recorded.stream_version, *recorded])

    @property
    def event_ids(self) -> list[str]:
        return [
            self.recorded.event_id,
            *(r.event_id for run in self.runs for r in run.recorded),
        ]


@dataclass(frozen=True, slots=True)
class Window:
    turns: Sequence[Turn]
    #: Whether events older than the given ones could not change the window.
    is_settled: bool


def turns_before(recorded: Iterable[RecordedEvent], run_id: str) -> list[Turn]:
    """What a run may see, its own turn last: ended runs, and of its own turn no later run.

    An earlier turn whose runs are all unfinished is left out whole, because its message would
    look unanswered and the model would carry it out a second time.

    Of a conversation with branches it sees the one it was requested on. Raises NotFound when the
    run, or the message it answers, is not among the events.
    """
    branches = _Branches()
    for one in recorded:
        branches.apply(one)
    seen: list[Turn] = []
    for turn in branches.of_run(run_id):
        ids = [run.run_id for run in turn.runs]
        if run_id in ids:
            own = ids.index(run_id)
            runs = [run for run in turn.runs[:own] if run.is_ended]
            return [*seen, Turn(turn.message, turn.recorded, [*runs, turn.runs[own]])]
        if not turn.is_unanswered:
            ended = [run for run in turn.runs if run.is_ended]
            seen.append(Turn(turn.message, turn.recorded, ended))
    raise NotFound(f"Run {run_id} answers no message of the conversation.")


def active_turns(recorded: Iterable[RecordedEvent]) -> list[Turn]:
    """Those of the active branch, with what is still unfinished."""
    branches = _Branches()
    for one in recorded:
        branches.apply(one)
    return branches.active


def turns_after(turns: Sequence[Turn], message_id: str) -> Sequence[Turn]:
    """Those after a message's; all when it is not among them, for then it is older."""
    ids = [turn.message.message_id for turn in turns]
    return turns[ids.index(message_id) + 1 :] if message_id in ids else turns


def last_turns(turns: Sequence[Turn], limit: int) -> Window:
    """The last turn, and whole turns before it while all messages together are within `limit`."""
    kept = [turns[-1]]
    count = turns[-1].message_count
    for turn in reversed(turns[:-1]):
        count += turn.message_count
        if count > limit:
            break
        kept.append(turn)
    return Window(turns=kept[::-1], is_settled=count >= limit)


class _Branch:
    """The turns of one branch, by message id; those of its parents come first."""

    def __init__(self, turns: Iterable[Turn] = ()) -> None:
        self.turns = {turn.message.message_id: turn for turn in turns}

    def until(self, message_id: str) -> list[Turn]:
        """The turns before a message's; all of them when it has none here."""
        return list(takewhile(lambda t: t.message.message_id != message_id, self.turns.values()))


class _Branches:
    """Of events that begin in the middle of a conversation, the end of each branch is known."""

    def __init__(self) -> None:
        self._active = _Branch()
        self._named: dict[str, _Branch] = {}
        self._of_message: dict[str, _Branch] = {}
        self._of_run: dict[str, _Branch] = {}
        self._runs: dict[str, TurnRun] = {}

    @property
    def active(self) -> list[Turn]:
        return list(self._active.turns.values())

    def of_run(self, run_id: str) -> Iterable[Turn]:
        branch = self._of_run.get(run_id)
        return branch.turns.values() if branch else ()

    def apply(self, recorded: RecordedEvent) -> None:
        match recorded.event:
            case c.UserMessagePosted() as posted:
                self._active.turns[posted.message_id] = Turn(posted, recorded)
                self._of_message[posted.message_id] = self._active
            case c.RunRequested() as requested:
                self._request(requested)
            case c.ThreadItemPut(item=item) if self._active.turns and is_told(item):
                last = next(reversed(self._active.turns.values()))
                last.runs.append(TurnRun("", [recorded], is_ended=True))
            case c.BranchForked() as forked:
                self._fork(forked)
            case c.BranchSwitched() as switched:
                self._named.setdefault(switched.from_branch_id, self._active)
                self._active = self._named.setdefault(switched.branch_id, _Branch())
            case event if isinstance(event, ENDING) and event.run_id in self._runs:
                self._runs[event.run_id].is_ended = True
            case event if isinstance(event, SPOKEN) and event.run_id in self._runs:
                self._runs[event.run_id].recorded.append(recorded)

    def _request(self, requested: c.RunRequested) -> None:
        turn = self._active.turns.get(requested.message_id)
        if turn is not None:
            run = TurnRun(requested.run_id)
            turn.runs.append(run)
            self._runs[run.run_id] = run
            self._of_run[run.run_id] = self._active

    def _fork(self, forked: c.BranchForked) -> None:
        # A message that is not among the given events is older than all of them, so none stays.
        parent = self._of_message.get(forked.message_id)
        if parent is not None and forked.parent_id:
            self._named.setdefault(forked.parent_id, parent)
        kept = parent.until(forked.message_id) if parent else []
        if parent is not None and forked.side == "after":
            message = parent.turns[forked.message_id]
            kept.append(Turn(message.message, message.recorded))
        self._active = self._named[forked.branch_id] = _Branch(kept)
