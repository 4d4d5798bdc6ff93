"""Of two appends that expect the same version one wins, and the other is told both versions."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from events.conversation import Renamed
from events.errors import VersionConflict
from tests.log_node import append_to, log_node, new_stream

ROOT = Path(__file__).parents[3]
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


async def test_append_with_wrong_version_stores_nothing_and_says_both_versions(
    database_url: str,
) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        await node.store.append(append_to(stream, 0))
        for expected in (0, 2, 7):
            with pytest.raises(VersionConflict) as caught:
                await node.store.append(append_to(stream, expected))
            assert (caught.value.expected, caught.value.actual) == (expected, 1)
            assert stream in str(caught.value)
        with pytest.raises(VersionConflict):
            await node.store.append(append_to(new_stream(), 3))
        assert len(await node.store.read_stream(stream)) == 1


async def test_concurrent_appends_at_one_version_have_one_winner(database_url: str) -> None:
    async with log_node(database_url) as one, log_node(database_url) as two:
        stream = new_stream()
        await one.store.append(append_to(stream, 0))
        attempts = [
            node.store.append(append_to(stream, 1, Renamed(title=str(n))))
            for n in range(20)
            for node in (one, two)
        ]
        outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        winners = [o for o in outcomes if not isinstance(o, BaseException)]
        assert len(winners) == 1
        assert all(isinstance(o, VersionConflict) for o in outcomes if o not in winners)
        assert len(await one.store.read_stream(stream)) == 2


async def test_conflicting_append_in_a_group_fails_alone(database_url: str) -> None:
    async with log_node(database_url) as node:
        taken = new_stream()
        await node.store.append(append_to(taken, 0))
        outcomes = await asyncio.gather(
            *(node.store.append(append_to(new_stream(), 0)) for _ in range(10)),
            node.store.append(append_to(taken, 0)),
            *(node.store.append(append_to(new_stream(), 0)) for _ in range(10)),
            return_exceptions=True,
        )
        assert [isinstance(o, BaseException) for o in outcomes].count(True) == 1
        assert isinstance(outcomes[10], VersionConflict)


async def test_processes_that_append_to_the_same_streams_never_deadlock(database_url: str) -> None:
    streams = [new_stream() for _ in range(8)]
    async with asyncio.timeout(60):
        wins = sum(
            await asyncio.gather(*(race_apart(database_url, seed, streams) for seed in range(3)))
        )
    assert wins
    async with log_node(database_url) as node:
        assert await node.sealer.seal() == wins
        assert await node.pool.fetchval(DEADLOCKS) == 0


async def race_apart(url: str, seed: int, streams: list[str]) -> int:
    """What a process of its own won."""
    command = (sys.executable, "-m", "tests.contract.store.racing_writers", url, str(seed))
    process = await asyncio.create_subprocess_exec(
        *command, *streams, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return int(output)
