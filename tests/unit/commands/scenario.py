"""Given events, when a command, then events or a refusal: how the deciders' tests read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from commands.conversation import CONVERSATION
from commands.decider import Decider
from commands.errors import CommandError
from commands.task import TASK, TaskCommand
from commands.user import USER, UserCommand
from events.event import Event


@dataclass(frozen=True)
class Decision:
    history: tuple[Event, ...]
    command: Any

    def then(self, *expected: Event) -> None:
        assert self.decide() == list(expected)

    def refuses(
        self, error: type[CommandError], *, code: str | None = None, match: str | None = None
    ) -> None:
        with pytest.raises(error, match=match) as caught:
            self.decide()
        assert type(caught.value) is error
        assert getattr(caught.value, "code", None) == code
        assert str(caught.value).endswith(".")

    def decide(self) -> list[Event]:
        decider = decider_of(self.command)
        return decider.decide(self.command, decider.fold(decider.initial_state(), self.history))


@dataclass(frozen=True)
class Given:
    history: tuple[Event, ...]

    def when(self, command: Any) -> Decision:
        return Decision(self.history, command)


def given(*events: Event) -> Given:
    return Given(events)


def decider_of(command: Any) -> Decider[Any, Any]:
    if isinstance(command, TaskCommand):
        return TASK
    return USER if isinstance(command, UserCommand) else CONVERSATION
