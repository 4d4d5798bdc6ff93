"""Transaction order x sequence order x commit order x events per append x streams per transaction
x rollback: every order of the steps for small numbers, random ones for larger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, given, settings

from tests.conformance.log.interleaving import first_violation, open_stage, play
from tests.conformance.log.protocol import LogFactory
from tests.conformance.log.schedules import (
    Schedule,
    any_schedule,
    every_interleaving,
    every_order_by_phase,
    plans_of,
)

RANDOM_SCHEDULES = 50
#: Which of them roll back. All orders are tried, so it matters how many do, not which.
PAIRS = [(False, False), (False, True), (True, True)]
TRIPLES = [(False, False, False), (False, False, True)]
#: Streams of each transaction, events of each append.
SIZES = [(1, 1), (1, 3), (2, 2)]


def named(rollbacks: tuple[bool, ...]) -> str:
    return "-".join("rollback" if is_rolled_back else "commit" for is_rolled_back in rollbacks)


sharing = pytest.mark.parametrize("is_shared", [False, True], ids=["own streams", "same streams"])


async def assert_kept(factory: LogFactory, url: str, schedules: Iterable[Schedule]) -> None:
    async with open_stage(factory, url) as stage:
        found = await first_violation(stage, schedules)
    assert found is None, describe(*found)


def describe(schedule: Schedule, violations: Iterable[object]) -> str:
    return "\n".join([str(schedule), *map(str, violations)])


@sharing
@pytest.mark.parametrize("rollbacks", PAIRS, ids=named)
@pytest.mark.parametrize(("n_streams", "n_events"), SIZES)
async def test_every_interleaving_of_two_transactions_keeps_the_laws(
    log_factory: LogFactory,
    log_url: str,
    n_streams: int,
    n_events: int,
    rollbacks: tuple[bool, ...],
    is_shared: bool,
) -> None:
    plans = plans_of(rollbacks, n_streams=n_streams, n_events=n_events, is_shared=is_shared)
    await assert_kept(log_factory, log_url, every_interleaving(plans))


@sharing
async def test_every_interleaving_with_numbers_reserved_apart_keeps_the_laws(
    log_factory: LogFactory, log_url: str, is_shared: bool
) -> None:
    plans = plans_of((False, False), is_shared=is_shared, is_reserved_apart=True)
    await assert_kept(log_factory, log_url, every_interleaving(plans))


async def test_every_interleaving_of_three_transactions_keeps_the_laws(
    log_factory: LogFactory, log_url: str
) -> None:
    plans = plans_of((False,) * 3)
    await assert_kept(log_factory, log_url, every_interleaving(plans))


@sharing
@pytest.mark.parametrize("rollbacks", TRIPLES, ids=named)
async def test_every_begin_sequence_and_commit_order_of_three_keeps_the_laws(
    log_factory: LogFactory, log_url: str, rollbacks: tuple[bool, ...], is_shared: bool
) -> None:
    plans = plans_of(rollbacks, n_events=2, is_shared=is_shared)
    await assert_kept(log_factory, log_url, every_order_by_phase(plans))


def test_any_schedule_of_up_to_five_transactions_keeps_the_laws(
    log_factory: LogFactory, log_url: str
) -> None:
    with asyncio.Runner() as runner:
        opened = AsyncExitStack()
        stage = runner.run(opened.enter_async_context(open_stage(log_factory, log_url)))

        @settings(
            max_examples=RANDOM_SCHEDULES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(any_schedule())
        def keeps_the_laws(schedule: Schedule) -> None:
            violations = runner.run(play(stage, schedule))
            assert not violations, describe(schedule, violations)

        try:
            keeps_the_laws()
        finally:
            runner.run(opened.aclose())
