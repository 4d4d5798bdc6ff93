"""How long a benchmark runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.measures import Measure
from runtime.embedded import EmbeddedServer


@dataclass(frozen=True, slots=True)
class Plan:
    #: Of interleaved rounds, whose median counts.
    rounds: int
    #: Of one side in one round.
    round_seconds: float
    #: Events of a conversation that is called long.
    long_events: int
    #: Of the snapshot that is held open while others append.
    held_seconds: float
    #: Replies whose beginning is timed, in one round.
    replies: int
    #: Of the log that read tables are rebuilt from, and of the one that many messages are read of.
    log_events: int
    log_conversations: int
    #: How often they are.
    rebuilds: int
    #: Of a page of history and of a list of conversations, on each side.
    reads: int


FULL = Plan(
    rounds=7,
    round_seconds=4.0,
    long_events=10_000,
    held_seconds=60.0,
    replies=30,
    log_events=1_000_000,
    log_conversations=20_000,
    rebuilds=1,
    reads=2_000,
)
QUICK = Plan(
    rounds=3,
    round_seconds=1.0,
    long_events=1_000,
    held_seconds=5.0,
    replies=10,
    log_events=60_000,
    log_conversations=1_200,
    rebuilds=3,
    reads=300,
)

#: Measures one thing on a server of its own.
Part = Callable[[EmbeddedServer, Plan], Awaitable[list[Measure]]]
