from __future__ import annotations

import pytest

from agent.errors import LimitReached
from api import request_limit
from api.request_limit import WINDOW_SECONDS, RequestLimit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_limit_is_for_each_user_and_each_minute() -> None:
    clock = Clock()
    limit = RequestLimit(2, clock=clock)
    limit.admit("ada")
    clock.now += 20
    limit.admit("ada")
    limit.admit("eve")
    with pytest.raises(LimitReached) as refused:
        limit.admit("ada")
    assert refused.value.retry_after_seconds == 40
    clock.now += 40
    limit.admit("ada")
    with pytest.raises(LimitReached):
        limit.admit("ada")


def test_refused_request_counts_for_nothing() -> None:
    clock = Clock()
    limit = RequestLimit(1, clock=clock)
    limit.admit("ada")
    for _ in range(5):
        clock.now += WINDOW_SECONDS / 10
        with pytest.raises(LimitReached):
            limit.admit("ada")
    clock.now += WINDOW_SECONDS / 2
    limit.admit("ada")


def test_users_of_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limit, "REMEMBERED_USERS", 10)
    clock = Clock()
    limit = RequestLimit(1, clock=clock)
    for n in range(10):
        limit.admit(f"user-{n}")
    clock.now += WINDOW_SECONDS
    limit.admit("ada")
    assert list(limit._sent) == ["ada"]
