from __future__ import annotations

import asyncio

from events.wakefulness import Wakefulness


async def is_waiting(wakefulness: Wakefulness, calls_answered: int) -> bool:
    task = asyncio.create_task(wakefulness.wait(calls_answered))
    for _ in range(3):
        await asyncio.sleep(0)
    is_done = task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return not is_done


async def test_wait_ends_with_a_call_and_lasts_once_that_was_answered() -> None:
    wakefulness = Wakefulness()
    assert await is_waiting(wakefulness, 0)
    wakefulness.call()
    assert not await is_waiting(wakefulness, 0)
    assert await is_waiting(wakefulness, wakefulness.calls)


async def test_call_reaches_everyone_who_waits() -> None:
    wakefulness = Wakefulness()
    waiting = [asyncio.create_task(wakefulness.wait(0)) for _ in range(2)]
    await asyncio.sleep(0)
    wakefulness.call()
    async with asyncio.timeout(1):
        await asyncio.gather(*waiting)


async def test_call_during_a_look_is_not_answered_by_it() -> None:
    wakefulness = Wakefulness()
    wakefulness.call()
    calls_answered = wakefulness.calls
    wakefulness.call()
    assert not await is_waiting(wakefulness, calls_answered)


async def test_nobody_waits_while_it_is_held() -> None:
    wakefulness = Wakefulness()
    with wakefulness.held():
        with wakefulness.held():
            assert not await is_waiting(wakefulness, 0)
        assert not await is_waiting(wakefulness, 0)
    assert await is_waiting(wakefulness, 0)


async def test_holding_wakes_who_waits_already() -> None:
    wakefulness = Wakefulness()
    waiting = asyncio.create_task(wakefulness.wait(0))
    await asyncio.sleep(0)
    with wakefulness.held():
        async with asyncio.timeout(1):
            await waiting
