"""A conversation's events as turns: a user message and the runs that answered it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

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

    Raises NotFound when the run, or the message it answers, is not on the active branch.
    """
    branch = _ActiveBranch()
    for one in recorded:
        branch.apply(one)
    seen: list[Turn] = []
    for turn in branch.turns.values():
        ids = [run.run_id for run in turn.runs]
        if run_id in ids:
            own = ids.index(run_id)
            runs = [run for run in turn.runs[:own] if run.is_ended]
            return [*seen, Turn(turn.message, turn.recorded, [*runs, turn.runs[own]])]
        if not turn.is_unanswered:
            ended = [run for run in turn.runs if run.is_ended]
            seen.append(Turn(turn.message, turn.recorded, ended))
    raise NotFound(f"Run {run_id} answers no message of the conversation's active branch.")


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


class _ActiveBranch:
    def __init__(self) -> None:
        #: By message id, in the order the messages were posted.
        self.turns: dict[str, Turn] = {}
        self._runs: dict[str, TurnRun] = {}

    def apply(self, recorded: RecordedEvent) -> None:
        match recorded.event:
            case c.UserMessagePosted() as posted:
                self.turns[posted.message_id] = Turn(posted, recorded)
            case c.RunRequested() as requested:
                self._request(requested)
            case c.ThreadItemPut(item=item) if self.turns and is_told(item):
                last = next(reversed(self.turns.values()))
                last.runs.append(TurnRun("", [recorded], is_ended=True))
            case c.BranchForked() as forked:
                self._fork(forked.after_message_id)
            case event if isinstance(event, ENDING) and event.run_id in self._runs:
                self._runs[event.run_id].is_ended = True
            case event if isinstance(event, SPOKEN) and event.run_id in self._runs:
                self._runs[event.run_id].recorded.append(recorded)

    def _request(self, requested: c.RunRequested) -> None:
        turn = self.turns.get(requested.message_id)
        if turn is not None:
            run = TurnRun(requested.run_id)
            turn.runs.append(run)
            self._runs[run.run_id] = run

    def _fork(self, after_message_id: str) -> None:
        # A message that is not among the given events is older than all of them, so none stays.
        ids = list(self.turns)
        kept = ids[: ids.index(after_message_id) + 1] if after_message_id in ids else []
        self.turns = {message_id: self.turns[message_id] for message_id in kept}
        if kept:
            self.turns[after_message_id].runs = []
