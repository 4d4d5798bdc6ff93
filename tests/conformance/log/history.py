"""What happened to a log: who wrote what, when that was acknowledged, what each reader saw."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.conformance.log.protocol import Recorded

#: An event's identity: its stream and version.
Event = tuple[str, int]


@dataclass(frozen=True, slots=True)
class AppendRecord:
    stream: str
    first_version: int
    n_events: int
    #: All moments are ticks of the history's clock.
    began_at: int

    @property
    def events(self) -> list[Event]:
        return [(self.stream, self.first_version + n) for n in range(self.n_events)]


@dataclass(slots=True, eq=False)
class TransactionRecord:
    """Rolled back when its commit never began, in doubt when it began and was not answered."""

    appends: list[AppendRecord] = field(default_factory=list)
    commit_began_at: int | None = None
    committed_at: int | None = None

    @property
    def events(self) -> list[Event]:
        return [event for append in self.appends for event in append.events]


@dataclass(frozen=True, slots=True)
class Reading:
    recorded: Recorded
    read_at: int


class History:
    """`base` is the position that the log had before: what is below is none of this history."""

    def __init__(self, base: int = 0) -> None:
        self.base = base
        self.transactions: list[TransactionRecord] = []
        self.readings: dict[str, list[Reading]] = {}
        self._clock = itertools.count(1)

    def tick(self) -> int:
        return next(self._clock)

    def transaction(self) -> TransactionRecord:
        record = TransactionRecord()
        self.transactions.append(record)
        return record

    def reader(self, name: str) -> None:
        self.readings.setdefault(name, [])

    def saw(self, name: str, page: Iterable[Recorded]) -> None:
        now = self.tick()
        self.readings[name] += (Reading(recorded, now) for recorded in page)

    def last_position(self, name: str) -> int:
        readings = self.readings[name]
        return readings[-1].recorded.position if readings else self.base

    def is_complete(self, final: Iterable[Recorded]) -> bool:
        """Whether everything acknowledged is there."""
        stored = {(recorded.stream, recorded.version) for recorded in final}
        return all(
            event in stored
            for record in self.transactions
            if record.committed_at is not None
            for event in record.events
        )

    def stored_appends(self) -> Iterator[AppendRecord]:
        """Of transactions that were committed, or may have been."""
        for record in self.transactions:
            if record.commit_began_at is not None:
                yield from record.appends
