"""Frames between the run that emits them and the database."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from agent import chatkit_events as ck
from agent.frame_reader import FrameReader
from agent.frame_writer import FrameWriter, RunFrames
from agent.frames import Frame, frame_body
from agent.leases import Leases
from agent.live import LiveRun, LiveRuns
from events.ids import new_id
from tests.log_node import LogNode, log_node

ATTEMPT = 3


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[LogNode]:
    async with log_node(database_url) as node:
        yield node


async def begin(node: LogNode, writer: FrameWriter, attempt: int = ATTEMPT) -> RunFrames:
    """A run whose lease is in attempt 3."""
    run_id = new_id()
    await node.pool.execute(
        "INSERT INTO verbatim.leases (run_id, conversation_id, owner_id, node_id, attempt) "
        "VALUES ($1, 'c', 'ada', $1, $2)",
        run_id,
        ATTEMPT,
    )
    key = await node.keys.current("ada")
    return RunFrames(writer, LiveRun(run_id, 1), key, attempt, 1)


async def stored(node: LogNode, run_id: uuid.UUID) -> list[Frame]:
    return await FrameReader(node.pool, node.keys, LiveRuns()).stored(run_id, "ada")


@asynccontextmanager
async def writing(writer: FrameWriter) -> AsyncIterator[None]:
    task = asyncio.create_task(writer.run())
    try:
        async with asyncio.timeout(20):
            yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_refused_attempt_writes_and_shows_nothing_and_others_are_not_held_up(
    node: LogNode,
) -> None:
    lost: list[uuid.UUID] = []
    writer = FrameWriter(node.pool, on_lost=lost.append)
    zombie, worker = await begin(node, writer, ATTEMPT - 1), await begin(node, writer)
    for frames in (zombie, worker, zombie):
        frames.emit({"type": "said", "by": str(frames.run_id)})
    async with writing(writer):
        await worker.flush()
        await zombie.flush()
    assert lost == [zombie.run_id]
    assert await stored(node, zombie.run_id) == zombie.live.after(0) == []
    assert await stored(node, worker.run_id) == worker.live.after(0) != []


async def test_two_attempts_of_one_run_in_one_statement_are_told_apart(node: LogNode) -> None:
    writer = FrameWriter(node.pool)
    worker = await begin(node, writer)
    zombie = RunFrames(writer, LiveRun(worker.run_id, 1), worker.key, ATTEMPT - 1, 1)
    zombie.emit({"said": "by the zombie"})
    worker.emit({"said": "by the worker"})
    async with writing(writer):
        await worker.flush()
    assert zombie.is_lost
    assert zombie.live.after(0) == []
    assert [f.body for f in await stored(node, worker.run_id)] == [b'{"said":"by the worker"}']


async def test_frames_beyond_one_statement_keep_their_order(
    node: LogNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.frame_writer.BATCH_FRAMES", 7)
    writer = FrameWriter(node.pool)
    runs = [await begin(node, writer) for _ in range(3)]
    for number in range(20):
        for frames in runs:
            frames.emit({"number": number})
    async with writing(writer):
        for frames in runs:
            await frames.flush()
    for frames in runs:
        found = await stored(node, frames.run_id)
        assert [f.seq for f in found] == list(range(1, 21))
        assert found == frames.live.after(0)


@pytest.mark.parametrize("is_stored", [True, False], ids=["stored", "not_stored"])
@pytest.mark.parametrize(
    "error",
    [asyncpg.ConnectionDoesNotExistError, asyncpg.DeadlockDetectedError],
    ids=["lost_connection", "deadlock"],
)
async def test_statement_without_an_answer_is_written_once(
    node: LogNode,
    monkeypatch: pytest.MonkeyPatch,
    error: Callable[[], Exception],
    is_stored: bool,
) -> None:
    monkeypatch.setattr("agent.frame_writer.RETRY_SECONDS", 0.01)
    pool: Any = AnswerLost(node.pool, error(), is_stored=is_stored)
    frames = await begin(node, FrameWriter(pool))
    writer = frames._writer
    frames.emit({"number": 1})
    async with writing(writer):
        await frames.flush()
    assert await stored(node, frames.run_id) == frames.live.after(0) == [Frame(1, b'{"number":1}')]


class AnswerLost:
    """A pool that loses its first answer, before or after the statement happened."""

    def __init__(self, pool: asyncpg.Pool, error: Exception, *, is_stored: bool) -> None:
        self._pool = pool
        self._error: Exception | None = error
        self._is_stored = is_stored

    async def fetch(self, *values: Any) -> Any:
        error, self._error = self._error, None
        if error is not None and self._is_stored:
            await self._pool.fetch(*values)
        if error is not None:
            raise error
        return await self._pool.fetch(*values)


async def test_lease_is_renewed_while_frames_are_written(node: LogNode) -> None:
    writer = FrameWriter(node.pool)
    runs = [await begin(node, writer) for _ in range(20)]
    leases = Leases(node.pool, new_id())
    await node.pool.execute("UPDATE verbatim.leases SET node_id = $1", leases.node_id)
    async with writing(writer):
        for number in range(30):
            for frames in reversed(runs) if number % 2 else runs:
                frames.emit({"number": number})
            held = await leases.renew([frames.run_id for frames in runs])
            assert set(held) == {frames.run_id for frames in runs}
        for frames in runs:
            await frames.flush()
    assert [f.seq for f in await stored(node, runs[0].run_id)] == list(range(1, 31))


DELTAS = {
    "word": "word ",
    "quoted": 'a "quote"\n',
    "emoji": "ü\U0001f600\\",
    "empty": "",
    "markup": "\u2028</script>",
}


@pytest.mark.parametrize("delta", DELTAS.values(), ids=DELTAS)
def test_frame_of_a_delta_is_that_of_the_event(delta: str) -> None:
    assert ck.text_deltas("item", 2)(delta) == frame_body(ck.text_delta("item", 2, delta))
