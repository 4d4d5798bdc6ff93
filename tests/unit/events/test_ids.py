from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from events.conversation import reply_id_of
from events.ids import derived_id, new_id, time_of

#: SHA-256 over each part behind its length in eight bytes, the first 128 bits of it.
DERIVED = "0af13dfb-e5ca-8bb1-bba1-d0fe4739e514"
PARTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=4)


def test_new_id_is_a_uuid_of_version_7() -> None:
    for _ in range(1_000):
        minted = new_id()
        assert minted.version == 7
        assert minted.variant == uuid.RFC_4122


def test_new_ids_never_repeat() -> None:
    assert len({new_id() for _ in range(20_000)}) == 20_000


def test_new_id_holds_the_time_it_was_minted_at() -> None:
    before = datetime.now(UTC)
    minted = time_of(new_id())
    assert minted.tzinfo is UTC
    assert before - timedelta(milliseconds=1) <= minted <= datetime.now(UTC)


def test_time_of_reads_the_milliseconds_of_the_standard() -> None:
    example = uuid.UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")  # RFC 9562, appendix A.6
    assert time_of(example) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


def test_new_ids_of_later_milliseconds_sort_later() -> None:
    minted = []
    for _ in range(20):
        minted.append(new_id())
        time.sleep(0.002)
    assert minted == sorted(minted)
    assert [str(i) for i in minted] == sorted(str(i) for i in minted)


def test_new_id_orders_within_a_millisecond_by_its_fraction() -> None:
    fractions = {new_id().int >> 64 & 0xFFF for _ in range(2_000)}
    assert len(fractions) > 20


@given(PARTS)
def test_derived_id_is_a_stable_uuid_of_version_8(parts: list[str]) -> None:
    derived = derived_id(*parts)
    assert derived == derived_id(*parts)
    assert (derived.version, derived.variant) == (8, uuid.RFC_4122)


def test_derived_id_never_changes_between_releases() -> None:
    assert str(derived_id("conversation", "ada", "key-1")) == DERIVED
    assert reply_id_of("r1") == str(derived_id("reply", "r1"))


@given(PARTS, PARTS)
def test_derived_ids_of_different_parts_differ(one: list[str], other: list[str]) -> None:
    assert (derived_id(*one) == derived_id(*other)) == (one == other)


def test_derived_id_tells_moved_boundaries_apart() -> None:
    parts = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("", "abc"), ("a", "b", "c")]
    assert len({derived_id(*each) for each in parts}) == len(parts)
