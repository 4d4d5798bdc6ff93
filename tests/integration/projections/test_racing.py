"""Three worker processes behind PgBouncer; one is killed and one stalls inside its transaction."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from events import conversation as c
from events.ids import new_id
from projections.generations import definition, live_generation
from tests.integration.projections.racer import TRAPS
from tests.integration.projections.read_node import ReadNode, eventually, read_node
from tests.integration.runtime.between import pgbouncer
from tests.log_node import new_stream
from tests.ports import free_port
from tests.unit.projections.histories import posted, requested

ROOT = Path(__file__).parents[3]
WORKERS = 3
PATIENCE_SECONDS = 60.0


async def test_workers_apply_everything_once_when_the_leader_is_killed_or_stalls(
    database_url: str, tmp_path: Path
) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        with pgbouncer(database_url, tmp_path, free_port()) as pooled:
            async with racers(pooled, tmp_path) as workers:
                for trap in TRAPS:
                    leader, position = await lead_into(node, workers, trap)
                    began = time.monotonic()
                    if trap == "killed here":
                        leader.kill()
                    await eventually(lambda before=position: _is_beyond(node, before))
                    print(f"{trap}: taken over after {time.monotonic() - began:.2f} s")
                    if trap == "stalled here":
                        leader.send_signal(signal.SIGCONT)
                await converse(node, 20)
                head = await node.seal()
                await eventually(lambda: _is_beyond(node, head - 1))
        generation = await live_generation(node.pool, definition())
        assert generation is not None
        assert await node.pool.fetchval("SELECT count(*) FROM verbatim.parked") == 0
        assert await node.all_rows(await node.builder.rebuild()) == await node.all_rows(generation)


@asynccontextmanager
async def racers(url: str, folder: Path) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    module = "tests.integration.projections.racer"
    workers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, url, str(folder)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(WORKERS)
    ]
    try:
        for worker in workers:
            assert await _line(worker) == "ready"
        yield workers
    finally:
        for worker in workers:
            if worker.returncode is None:
                worker.kill()
            await worker.wait()


async def lead_into(
    node: ReadNode, workers: list[asyncio.subprocess.Process], trap: str
) -> tuple[asyncio.subprocess.Process, int]:
    """The worker that stands still inside its transaction, and where the checkpoint is."""
    await converse(node, 20)
    await node.append(new_stream(), 0, c.Started(), posted("m1", trap))
    await converse(node, 20)
    await node.seal()
    alive = [worker for worker in workers if worker.returncode is None]
    reading = {asyncio.create_task(_line(worker)): worker for worker in alive}
    done, others = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    (told,) = done
    assert told.result() == trap
    generation = await live_generation(node.pool, definition())
    assert generation is not None
    return reading[told], generation.position


async def converse(node: ReadNode, conversations: int) -> None:
    for _ in range(conversations):
        run_id = str(new_id())
        await node.append(new_stream(), 0, c.Started(), posted("m1"), requested(run_id, "m1"))


async def _line(worker: asyncio.subprocess.Process) -> str:
    assert worker.stdout is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        line: bytes = await worker.stdout.readline()
    return line.decode().strip()


async def _is_beyond(node: ReadNode, position: int) -> bool:
    generation = await live_generation(node.pool, definition())
    return generation is not None and generation.position > position
