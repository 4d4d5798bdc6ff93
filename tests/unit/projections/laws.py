"""Ways through one log that must all end in the same rows: law 4, for every read model at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from events.stored import RecordedEvent
from projections.fold import fold
from projections.rows import Key, ReadRow, Rows
from tests.unit.projections.memory import DATA_KEYS, MemoryRows

Events = Sequence[RecordedEvent]
#: The log, and the same cut into batches somewhere.
Way = Callable[[Events, Sequence[Events]], Mapping[Key, ReadRow]]


def at_once(events: Events, _: Sequence[Events]) -> Mapping[Key, ReadRow]:
    return _applied([events])


def in_batches(_: Events, batches: Sequence[Events]) -> Mapping[Key, ReadRow]:
    return _applied(batches)


def one_by_one(events: Events, _: Sequence[Events]) -> Mapping[Key, ReadRow]:
    return _applied([[event] for event in events])


def each_event_twice(events: Events, _: Sequence[Events]) -> Mapping[Key, ReadRow]:
    return _applied([events], times=2)


def each_batch_twice(_: Events, batches: Sequence[Events]) -> Mapping[Key, ReadRow]:
    return _applied([batch for batch in batches for _ in range(2)])


def by_stream(events: Events, _: Sequence[Events]) -> Mapping[Key, ReadRow]:
    """As a rebuild does it: whole streams apart from each other, in the order of their ids."""
    streams: dict[str, list[RecordedEvent]] = defaultdict(list)
    for event in events:
        streams[event.stream_id].append(event)
    found: dict[Key, ReadRow] = {}
    for stream_id in sorted(streams):
        rows = Rows({}, DATA_KEYS, is_all=True)
        for event in streams[stream_id]:
            fold(rows, event)
        made = rows.all()
        assert found.keys().isdisjoint(made), "a row was made by two streams"
        found |= made
    return found


WAYS: Mapping[str, Way] = {
    "in batches": in_batches,
    "one by one": one_by_one,
    "each event twice": each_event_twice,
    "each batch twice": each_batch_twice,
    "by stream": by_stream,
}


def assert_lawful(way: str, events: Events, batches: Sequence[Events]) -> None:
    assert WAYS[way](events, batches) == at_once(events, batches)


def _applied(batches: Sequence[Events], *, times: int = 1) -> Mapping[Key, ReadRow]:
    memory = MemoryRows()
    for batch in batches:
        memory.apply(batch, times=times)
    return memory.stored
