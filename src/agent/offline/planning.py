"""The next step: tool calls, or the reply.

A message takes at most four model turns, whatever the tools answer: read the tasks, change them,
then read them again or complete what an undo brought back, and reply. Each phase is left for good
once its calls are in the input.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from agent.offline import replies, reports
from agent.offline.choosing import Scene
from agent.offline.dialogue import understand
from agent.offline.history import Call, Turn, calls_of, known_tasks
from agent.offline.intents import Find, Intent, Several, Show, Undo
from agent.offline.outcomes import Outcome, find_tasks, needs_tasks, outcome
from agent.offline.tasks import LIST
from agent.offline.undoing import Request, restore_requests

MAX_CALLS_PER_MESSAGE = 50


@dataclass(frozen=True, slots=True)
class Step:
    """Either requests or a text."""

    requests: tuple[Request, ...] = ()
    text: str = ""


def next_step(turns: Sequence[Turn], tool_names: Collection[str]) -> Step:
    step = _Message(turns).next_step()
    if any(request.name not in tool_names for request in step.requests):
        return Step(text=replies.NO_TASKS)
    return step


class _Message:
    """The user's last message, and how far its answer has come."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self.past, self.turn = turns[:-1], turns[-1]
        intent = understand(turns)
        self.parts: tuple[Intent, ...] = intent.parts if isinstance(intent, Several) else (intent,)

    def next_step(self) -> Step:
        turn = self.turn
        if not turn.changes:
            if self._needs_tasks() and not turn.listings:
                return Step((Request(LIST, {"status": "all"}),))
            if turn.listings and turn.listings[0].error:
                return Step(text=replies.could_not_read(turn.listings[0].error))
            if requests := self._requests():
                return Step(requests[:MAX_CALLS_PER_MESSAGE])
        if self.parts == (Undo(),) and (requests := restore_requests(self.past, turn)):
            return Step(requests)
        if (status := self._status_to_show()) and not self._has_fresh_listing():
            return Step((Request(LIST, {"status": status}),))
        return Step(text=self._reply())

    def _needs_tasks(self) -> bool:
        return any(needs_tasks(part, self.past) for part in self.parts)

    def _requests(self) -> tuple[Request, ...]:
        return tuple(request for told in self._outcomes() for request in told.requests)

    def _outcomes(self) -> list[Outcome]:
        listing = self.turn.listings[0].tasks if self.turn.listings else ()
        scene = Scene(listing, self.past)
        return [outcome(part, scene) for part in self.parts]

    def _status_to_show(self) -> str:
        shows = [part for part in self.parts if isinstance(part, Show | Find)]
        wanted = {part.status if isinstance(part, Show) else "all" for part in shows}
        return wanted.pop() if len(wanted) == 1 else "all" if wanted else ""

    def _has_fresh_listing(self) -> bool:
        return bool(self.turn.calls) and self.turn.calls[-1].name == LIST

    def _reply(self) -> str:
        told = self._outcomes()
        wanted = sum(len(one.requests) for one in told)
        paragraphs = [
            *reports.changes(
                self.turn,
                known_tasks(self._calls_before_changes()),
                is_undo=self.parts == (Undo(),),
            ),
            *(one.text for one in told if not self._is_empty_promise(one)),
            *([replies.too_many(wanted, MAX_CALLS_PER_MESSAGE)] if self._is_cut(wanted) else []),
            *self._shown(),
            *self._asked(told),
        ]
        return "\n\n".join(text for text in paragraphs if text) or replies.UNCLEAR

    def _is_empty_promise(self, one: Outcome) -> bool:
        """Words that go with calls of which none has worked."""
        return bool(one.requests) and not self.turn.made

    def _is_cut(self, wanted: int) -> bool:
        return wanted > MAX_CALLS_PER_MESSAGE and bool(self.turn.made)

    def _calls_before_changes(self) -> list[Call]:
        return [*calls_of(self.past), *self.turn.listings[:1]]

    def _shown(self) -> list[str]:
        if not self._status_to_show() or not self.turn.listings:
            return []
        latest = self.turn.listings[-1]
        if latest.error:
            return [replies.could_not_read(latest.error)]
        output = latest.output
        shown = [
            find_tasks(part, latest.tasks)
            if isinstance(part, Find)
            else replies.listing(latest.tasks, part.status)
            for part in self.parts
            if isinstance(part, Show | Find)
        ]
        return [*shown[:1], replies.CUT_LIST if output and output.is_cut else ""]

    def _asked(self, told: list[Outcome]) -> list[str]:
        questions = [one.question for one in told if one.question]
        if len(self.parts) == 1:
            return questions
        return [replies.without_question(question) for question in questions]
