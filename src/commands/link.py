"""The link decider: a conversation has one counterpart elsewhere at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from commands.decider import Decider
from events import link
from events.event import Event

OPENAI = "openai"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLink:
    foreign_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseLink:
    foreign_id: str
    #: deleted | erased | cleared
    reason: str


LinkCommand = OpenLink | CloseLink


@dataclass(frozen=True, slots=True)
class LinkState:
    #: None while there is no counterpart.
    foreign_id: str | None = None


def decide(command: LinkCommand, state: LinkState) -> list[Event]:
    """Nothing where another node was first: the state then tells what it is linked to."""
    match command:
        case OpenLink(foreign_id=foreign_id):
            opened = link.Opened(provider=OPENAI, foreign_id=foreign_id)
            return [opened] if state.foreign_id is None else []
        case CloseLink(foreign_id=foreign_id, reason=reason):
            closed = link.Closed(foreign_id=foreign_id, reason=reason)
            return [closed] if state.foreign_id == foreign_id else []
        case _:
            assert_never(command)


def evolve(state: LinkState, event: Event, version: int) -> LinkState:
    match event:
        case link.Opened():
            return LinkState(event.foreign_id)
        case link.Closed():
            return LinkState()
        case _:
            return state


LINK = Decider[LinkCommand, LinkState]("link", LinkState, decide, evolve)
