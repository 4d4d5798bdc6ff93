from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from auth.errors import TooManyAttempts
from auth.onetime import MAX_FAILURES, OneTimeTokens
from auth.signing import Signer, generate_key

from .forge import OWN_KEY, USER_ID, Clock

SIGNER = Signer(OWN_KEY)


class SpentInMemory:
    def __init__(self) -> None:
        self.spent: dict[str, datetime] = {}
        self.calls = 0

    async def spend(self, token_id: str, expires_at: datetime) -> bool:
        self.calls += 1
        await asyncio.sleep(0)
        return self.spent.setdefault(token_id, expires_at) is expires_at


async def test_token_redeems_exactly_once() -> None:
    tokens = OneTimeTokens(SIGNER, SpentInMemory())
    token = tokens.issue()
    assert await tokens.redeem(token)
    assert not await tokens.redeem(token)


async def test_token_redeems_on_any_worker_and_on_one_only() -> None:
    spent = SpentInMemory()
    workers = [OneTimeTokens(Signer(OWN_KEY), spent) for _ in range(4)]
    token = workers[0].issue()
    answers = await asyncio.gather(*(worker.redeem(token) for worker in workers * 4))
    assert sum(answers) == 1


async def test_several_tokens_are_independent() -> None:
    tokens = OneTimeTokens(SIGNER, SpentInMemory())
    first, second = tokens.issue(), tokens.issue()
    assert first != second
    assert await tokens.redeem(second)
    assert await tokens.redeem(first)


async def test_bad_tokens_are_refused_without_asking_the_store() -> None:
    spent = SpentInMemory()
    tokens = OneTimeTokens(SIGNER, spent)
    good = tokens.issue()
    day_ago = Signer(OWN_KEY, clock=lambda: datetime.now(UTC) - timedelta(hours=25))
    for bad in [
        "",
        "garbage",
        good[:-2],
        "x" * 9000,
        day_ago.sign_in_token(),
        Signer(generate_key()).sign_in_token(),
        SIGNER.session(USER_ID).token,
        SIGNER.user_token(USER_ID),
        SIGNER.client_secret(USER_ID).token,
    ]:
        assert not await tokens.redeem(bad)
    assert spent.calls == 0
    assert await tokens.redeem(good)


async def test_token_is_good_for_a_day() -> None:
    nearly_a_day_ago = Signer(OWN_KEY, clock=lambda: datetime.now(UTC) - timedelta(hours=23.9))
    tokens = OneTimeTokens(SIGNER, SpentInMemory())
    assert await tokens.redeem(nearly_a_day_ago.sign_in_token())


async def test_store_gets_a_hash_and_keeps_it_past_the_expiry() -> None:
    spent = SpentInMemory()
    token = SIGNER.sign_in_token()
    sign_in = SIGNER.verify_sign_in(token)
    await OneTimeTokens(SIGNER, spent).redeem(token)
    [(token_id, kept_until)] = spent.spent.items()
    assert token_id not in token
    assert token_id != sign_in.token_id
    assert kept_until > sign_in.expires_at + timedelta(seconds=10)


async def test_failures_are_bounded_and_forgotten_after_a_minute() -> None:
    clock, spent = Clock(), SpentInMemory()
    tokens = OneTimeTokens(SIGNER, spent, clock=clock)
    for _ in range(MAX_FAILURES):
        assert not await tokens.redeem("guess")
    clock.advance(20)
    good = tokens.issue()
    with pytest.raises(TooManyAttempts) as caught:
        await tokens.redeem(good)
    assert caught.value.retry_after_seconds == 40
    assert spent.calls == 0
    clock.advance(40)
    assert await tokens.redeem(good)


async def test_parallel_replays_stay_within_the_bound() -> None:
    spent = SpentInMemory()
    tokens = OneTimeTokens(SIGNER, spent)
    token = tokens.issue()
    await tokens.redeem(token)
    answers = await asyncio.gather(
        *(tokens.redeem(token) for _ in range(200)), return_exceptions=True
    )
    assert answers.count(False) == MAX_FAILURES
    assert sum(isinstance(answer, TooManyAttempts) for answer in answers) == 200 - MAX_FAILURES
    assert spent.calls == 1 + MAX_FAILURES


async def test_successes_do_not_count_as_failures() -> None:
    tokens = OneTimeTokens(SIGNER, SpentInMemory(), clock=Clock())
    for _ in range(MAX_FAILURES * 2):
        assert await tokens.redeem(tokens.issue())
