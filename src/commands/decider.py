"""What a decider is: pure functions from command and state to events, and from events to state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from events.event import Event

Command = TypeVar("Command")
State = TypeVar("State")


@dataclass(frozen=True)
class Decider(Generic[Command, State]):
    name: str
    initial_state: Callable[[], State]
    decide: Callable[[Command, State], list[Event]]
    #: (state, event, the event's stream version) to the next state.
    evolve: Callable[[State, Event, int], State]
    #: Topic after which a stream begins afresh, whoever could read what came before.
    restart_topic: str | None = None

    def fold(self, state: State, events: Iterable[Event], version: int = 0) -> State:
        """The state after events that begin at `version` + 1."""
        for number, event in enumerate(events, start=version + 1):
            state = self.evolve(state, event, number)
        return state
