"""What a log promises, and whether what happened keeps the promise."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, pairwise

from tests.conformance.log.history import Event, History, Reading
from tests.conformance.log.protocol import Recorded

SHOWN_EXAMPLES = 3


class Law(StrEnum):
    KEPT = "every committed event is in the log"
    COMMITTED_ONLY = "no event is read whose transaction was not committed"
    ALL_OR_NOTHING = "a transaction's events are all in the log, or none"
    ONE_WINNER = "a version of a stream is given once"
    NOTHING_BELOW = "no event appears below a position already read"
    ONCE = "no event is read twice"
    ASCENDING = "events are read in the order of their positions"
    STREAM_ORDER = "each stream is read in the order of its versions"
    GAPLESS = "positions are 1..N without a gap"
    STABLE = "an event once read stays where it was"
    REAL_TIME = "an event's position is beyond that of all committed before its append began"
    RESTORED = "a restored log keeps its positions, hides nothing and continues at N+1"


@dataclass(frozen=True, slots=True)
class Violation:
    law: Law
    detail: str

    def __str__(self) -> str:
        return f"{self.law.name} ({self.law}): {self.detail}"


def check(history: History, final: Sequence[Recorded], *, is_gapless: bool) -> list[Violation]:
    """`final` is the whole log from the history's base on, read anew after everything ended."""
    found = [
        *_check_kept(history, final),
        *_check_all_or_nothing(history, final),
        *_check_one_winner(history),
        *_check_real_time(history, final),
    ]
    final_reading = [Reading(event, history.tick()) for event in final]
    for name, readings in {**history.readings, "the last reading": final_reading}.items():
        found += _check_reader(name, readings, history, final, is_gapless)
    return found


def _check_reader(
    name: str,
    readings: Sequence[Reading],
    history: History,
    final: Sequence[Recorded],
    is_gapless: bool,
) -> Iterator[Violation]:
    seen = [reading.recorded for reading in readings]
    yield from _report(Law.NOTHING_BELOW, name, _passed_over(seen, final))
    yield from _report(Law.ONCE, name, _repeated(seen))
    yield from _report(Law.ASCENDING, name, (f"{b} after {a}" for a, b in _descents(seen)))
    yield from _report(Law.STREAM_ORDER, name, _out_of_stream_order(seen))
    yield from _report(Law.STABLE, name, _moved(seen, final))
    yield from _report(Law.COMMITTED_ONLY, name, _premature(readings, history))
    if is_gapless:
        yield from _report(Law.GAPLESS, name, _gaps(seen, history.base))


def _report(law: Law, who: str, examples: Iterable[object]) -> Iterator[Violation]:
    found = list(examples)
    if found:
        shown = "; ".join(map(str, found[:SHOWN_EXAMPLES]))
        yield Violation(law, f"{who}: {len(found)} times, such as {shown}")


def _passed_over(seen: Sequence[Recorded], final: Sequence[Recorded]) -> Iterator[str]:
    known = {_event(recorded) for recorded in seen}
    last = max((recorded.position for recorded in seen), default=0)
    for recorded in final:
        if _event(recorded) not in known:
            yield f"{recorded} was not read, while the reader came to position {last}"


def _repeated(seen: Sequence[Recorded]) -> Iterator[Recorded]:
    known: set[Event] = set()
    for recorded in seen:
        if _event(recorded) in known:
            yield recorded
        known.add(_event(recorded))


def _descents(seen: Sequence[Recorded]) -> Iterator[tuple[Recorded, Recorded]]:
    return ((a, b) for a, b in pairwise(seen) if b.position <= a.position)


def _out_of_stream_order(seen: Sequence[Recorded]) -> Iterator[str]:
    versions: dict[str, int] = {}
    for recorded in seen:
        expected = versions.get(recorded.stream, 0) + 1
        if recorded.version != expected:
            yield f"{recorded} where version {expected} was due"
        versions[recorded.stream] = recorded.version


def _moved(seen: Sequence[Recorded], final: Sequence[Recorded]) -> Iterator[str]:
    positions = {_event(recorded): recorded.position for recorded in final}
    for recorded in seen:
        now = positions.get(_event(recorded))
        if now != recorded.position:
            yield f"{recorded} is at {now} now"


def _premature(readings: Sequence[Reading], history: History) -> Iterator[str]:
    began: dict[Event, int] = {}
    for record in history.transactions:
        if record.commit_began_at is not None:
            for event in record.events:
                began.setdefault(event, record.commit_began_at)
    for reading in readings:
        commit_began_at = began.get(_event(reading.recorded))
        if commit_began_at is None or commit_began_at > reading.read_at:
            yield f"{reading.recorded} was read before its commit began"


def _gaps(seen: Sequence[Recorded], base: int) -> Iterator[str]:
    for expected, recorded in enumerate(seen, start=base + 1):
        if recorded.position != expected:
            yield f"{recorded} where position {expected} was due"
            return


def _check_kept(history: History, final: Sequence[Recorded]) -> Iterator[Violation]:
    stored = {_event(recorded) for recorded in final}
    committed = (r for r in history.transactions if r.committed_at is not None)
    lost = (event for record in committed for event in record.events if event not in stored)
    yield from _report(Law.KEPT, "the log", lost)


def _check_all_or_nothing(history: History, final: Sequence[Recorded]) -> Iterator[Violation]:
    stored = {_event(recorded) for recorded in final}
    begun = [record for record in history.transactions if record.commit_began_at is not None]
    # What a crash took back, another transaction may have written anew.
    claims = Counter(event for record in begun for event in record.events)
    torn = (
        record.events
        for record in begun
        if len({event in stored for event in record.events if claims[event] == 1}) > 1
    )
    yield from _report(Law.ALL_OR_NOTHING, "the log", torn)


def _check_one_winner(history: History) -> Iterator[Violation]:
    given = Counter(
        event
        for record in history.transactions
        if record.committed_at is not None
        for event in record.events
    )
    yield from _report(Law.ONE_WINNER, "the log", (e for e, times in given.items() if times > 1))


def _check_real_time(history: History, final: Sequence[Recorded]) -> Iterator[Violation]:
    positions = {_event(recorded): recorded.position for recorded in final}
    committed_at, highest = _highest_by_commit(history, positions)
    late = []
    for append in history.stored_appends():
        floor = highest[bisect_left(committed_at, append.began_at)]
        lowest = min((positions[e] for e in append.events if e in positions), default=None)
        if lowest is not None and lowest <= floor:
            late.append(f"{append.events[0]} at {lowest}, begun after {floor} was committed")
    yield from _report(Law.REAL_TIME, "the log", late)


def _highest_by_commit(
    history: History, positions: dict[Event, int]
) -> tuple[list[int], list[int]]:
    """The moments of the commits, and the highest position committed before each (and in all)."""
    commits = sorted(
        (record.committed_at, max(positions.get(event, 0) for event in record.events))
        for record in history.transactions
        if record.committed_at is not None and record.events
    )
    highest = accumulate((top for _, top in commits), max, initial=0)
    return [committed_at for committed_at, _ in commits], list(highest)


def _event(recorded: Recorded) -> Event:
    return recorded.stream, recorded.version
