from __future__ import annotations

import pytest

from api import rate_limit
from api.errors import TooManyMessages
from api.rate_limit import WINDOW_SECONDS, RateLimit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_limit_is_for_each_user_and_each_minute() -> None:
    clock = Clock()
    limit = RateLimit(2, clock=clock)
    limit.admit("ada")
    clock.now += 20
    limit.admit("ada")
    limit.admit("eve")
    with pytest.raises(TooManyMessages) as refused:
        limit.admit("ada")
    assert refused.value.headers == {"Retry-After": "40"}
    clock.now += 40
    limit.admit("ada")
    with pytest.raises(TooManyMessages):
        limit.admit("ada")


def test_refused_message_counts_for_nothing() -> None:
    clock = Clock()
    limit = RateLimit(1, clock=clock)
    limit.admit("ada")
    for _ in range(5):
        clock.now += WINDOW_SECONDS / 10
        with pytest.raises(TooManyMessages):
            limit.admit("ada")
    clock.now += WINDOW_SECONDS / 2
    limit.admit("ada")


def test_users_of_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "REMEMBERED_USERS", 10)
    clock = Clock()
    limit = RateLimit(1, clock=clock)
    for n in range(10):
        limit.admit(f"user-{n}")
    clock.now += WINDOW_SECONDS
    limit.admit("ada")
    assert list(limit._sent) == ["ada"]
