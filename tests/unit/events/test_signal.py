from __future__ import annotations

import asyncio
import time

import pytest

from events.signal import LogSignal


async def waiting_on(signal: LogSignal, position: int) -> asyncio.Task[None]:
    task = asyncio.create_task(signal.wait_beyond(position))
    await asyncio.sleep(0)
    return task


async def is_woken(task: asyncio.Task[None]) -> bool:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    is_done = task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return is_done


async def test_wait_ends_at_once_when_the_head_is_beyond() -> None:
    signal = LogSignal()
    signal.advance(3)
    async with asyncio.timeout(1):
        await signal.wait_beyond(2)


@pytest.mark.parametrize("position", [3, 4])
async def test_wait_lasts_while_the_head_is_not_beyond(position: int) -> None:
    signal = LogSignal()
    signal.advance(3)
    assert not await is_woken(await waiting_on(signal, position))


async def test_everyone_who_waits_is_woken_when_the_head_moves() -> None:
    signal = LogSignal()
    tasks = [await waiting_on(signal, 0) for _ in range(5)]
    signal.advance(1)
    assert [await is_woken(task) for task in tasks] == [True] * 5


@pytest.mark.parametrize("head", [0, 2, 3])
async def test_head_never_goes_back_and_an_old_word_wakes_nobody(head: int) -> None:
    signal = LogSignal()
    signal.advance(3)
    task = await waiting_on(signal, 3)
    signal.advance(head)
    assert signal.head == 3
    assert not await is_woken(task)


async def test_nudge_wakes_those_who_wait_and_not_those_who_come_later() -> None:
    signal = LogSignal()
    earlier = await waiting_on(signal, 0)
    signal.nudge()
    later = await waiting_on(signal, 0)
    assert await is_woken(earlier)
    assert not await is_woken(later)
    assert signal.head == 0


async def test_word_on_the_head_is_dated_even_when_nothing_is_new() -> None:
    signal = LogSignal()
    assert signal.seen_at == 0.0
    before = time.monotonic()
    signal.advance(0)
    assert before <= signal.seen_at <= time.monotonic()
