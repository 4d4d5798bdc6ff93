"""Each law, told by the smallest history that breaks it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.conformance.log.history import AppendRecord, History
from tests.conformance.log.laws import Law, check
from tests.conformance.log.protocol import Recorded

A1, A2, A3 = (Recorded(n, "a", n) for n in (1, 2, 3))
A1_LATER = Recorded(4, "a", 1)
B2 = Recorded(2, "b", 1)


def committed(history: History, *events: Recorded) -> None:
    record = history.transaction()
    for event in events:
        record.appends.append(AppendRecord(event.stream, event.version, 1, history.tick()))
    record.commit_began_at = history.tick()
    record.committed_at = history.tick()


def in_doubt(history: History, *events: Recorded) -> None:
    committed(history, *events)
    history.transactions[-1].committed_at = None


def rolled_back(history: History, *events: Recorded) -> None:
    in_doubt(history, *events)
    history.transactions[-1].commit_began_at = None


def broken(
    history: History,
    read: Sequence[Recorded],
    final: Sequence[Recorded],
    *,
    is_gapless: bool = True,
) -> set[Law]:
    history.reader("reader")
    history.saw("reader", read)
    return {violation.law for violation in check(history, final, is_gapless=is_gapless)}


def one_by_one(*events: Recorded) -> History:
    history = History()
    for event in events:
        committed(history, event)
    return history


def test_history_of_a_right_log_breaks_no_law() -> None:
    history = one_by_one(A1, A2)
    in_doubt(history, A3)
    rolled_back(history, Recorded(0, "c", 1))
    assert broken(history, [A1, A2], [A1, A2]) == set()


@pytest.mark.parametrize(
    ("read", "final", "laws"),
    [
        ([A1], [A1], {Law.KEPT}),
        ([A2], [A1, A2], {Law.NOTHING_BELOW, Law.STREAM_ORDER, Law.GAPLESS}),
        ([A1], [A1, A2], {Law.NOTHING_BELOW}),
        ([A1, A1, A2], [A1, A2], {Law.ONCE, Law.ASCENDING, Law.STREAM_ORDER, Law.GAPLESS}),
        ([A2, A1], [A1, A2], {Law.ASCENDING, Law.STREAM_ORDER, Law.GAPLESS}),
        (
            [A1, A2],
            [A2, A1_LATER],
            {Law.STABLE, Law.REAL_TIME, Law.STREAM_ORDER, Law.GAPLESS},
        ),
        ([A1, A2, A3], [A1, A2, A3], {Law.COMMITTED_ONLY}),
    ],
)
def test_reader_that_sees_a_committed_pair_wrongly_breaks(
    read: list[Recorded], final: list[Recorded], laws: set[Law]
) -> None:
    assert broken(one_by_one(A1, A2), read, final) == laws


def test_gap_is_a_fault_only_where_none_is_promised() -> None:
    far = Recorded(9, "a", 2)
    assert broken(one_by_one(A1, far), [A1, far], [A1, far]) == {Law.GAPLESS}
    assert broken(one_by_one(A1, far), [A1, far], [A1, far], is_gapless=False) == set()


def test_transaction_in_doubt_is_stored_whole_or_not_at_all() -> None:
    history = one_by_one(A1)
    in_doubt(history, B2, A3)
    assert broken(history, [A1], [A1]) == set()
    assert broken(history, [A1, B2], [A1, B2]) >= {Law.ALL_OR_NOTHING}


def test_event_of_a_transaction_rolled_back_is_not_to_be_read() -> None:
    history = one_by_one(A1)
    rolled_back(history, A2)
    assert broken(history, [A1, A2], [A1, A2]) == {Law.COMMITTED_ONLY}


def test_event_read_before_its_commit_began_is_read_too_early() -> None:
    history = History()
    history.reader("reader")
    history.saw("reader", [A1])
    committed(history, A1)
    assert broken(history, [], [A1]) == {Law.COMMITTED_ONLY}


def test_two_winners_of_one_version_are_found() -> None:
    assert Law.ONE_WINNER in broken(one_by_one(A1, A1), [A1], [A1])


def test_append_begun_after_a_commit_has_to_stand_beyond_it() -> None:
    late = Recorded(2, "a", 1)
    early = Recorded(1, "b", 1)
    assert broken(one_by_one(late, early), [early, late], [early, late]) == {Law.REAL_TIME}
