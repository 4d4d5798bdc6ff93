from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from cli.errors import Usage
from cli.moments import parse_moment
from events.stored import StoredEvent

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def event(version: int = 1, position: int | None = 1, recorded_at: datetime = NOON) -> StoredEvent:
    return StoredEvent(
        "conversation-1",
        version,
        uuid.UUID(int=1),
        "conversation.started",
        1,
        b"",
        "ada",
        "{}",
        recorded_at,
        position,
    )


def test_version_includes_itself() -> None:
    moment = parse_moment("12")
    assert not moment.has_passed(event(version=12))
    assert moment.has_passed(event(version=13))


def test_position_includes_itself_and_leaves_out_what_has_none_yet() -> None:
    moment = parse_moment("@340")
    assert not moment.has_passed(event(position=340))
    assert moment.has_passed(event(position=341))
    assert moment.has_passed(event(position=None))


@pytest.mark.parametrize("text", ["2026-01-31T12:00", "2026-01-31T13:00+01:00", "20260131T120000Z"])
def test_time_is_utc_unless_it_says_otherwise(text: str) -> None:
    moment = parse_moment(text)
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-5)))
    assert not moment.has_passed(event(recorded_at=elsewhere))
    assert moment.has_passed(event(recorded_at=NOON + timedelta(microseconds=1)))


def test_no_moment_lets_everything_pass() -> None:
    assert not parse_moment(None).has_passed(event(version=10**9))


@pytest.mark.parametrize("text", ["", "yesterday", "@", "@x", "-1", "1.5", "2026-13-01", "@-1"])
def test_anything_else_is_wrong_usage(text: str) -> None:
    with pytest.raises(Usage, match="a version"):
        parse_moment(text)
