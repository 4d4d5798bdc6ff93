"""Of two appends that expect the same version one wins, and the other is told both versions."""

from __future__ import annotations

import asyncio
import random

import asyncpg
import pytest

from events.conversation import Renamed
from events.errors import VersionConflict
from tests.log_node import LogNode, append_to, log_node, new_stream

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


async def test_nodes_that_append_to_the_same_streams_never_deadlock(database_url: str) -> None:
    streams = [new_stream() for _ in range(8)]

    async def write(node: LogNode, seed: int) -> int:
        choice = random.Random(seed)
        wins = 0
        for _ in range(25):
            chosen = choice.sample(streams, k=choice.randint(1, 4))
            versions = [len(await node.store.read_stream(stream)) for stream in chosen]
            appends = [append_to(s, v) for s, v in zip(chosen, versions, strict=True)]
            try:
                await node.store.append_all(appends)
            except VersionConflict:
                continue
            wins += len(appends)
        return wins

    async with (
        log_node(database_url) as one,
        log_node(database_url) as two,
        log_node(database_url) as three,
    ):
        writing = [write(node, n) for node in (one, two, three) for n in range(4)]
        async with asyncio.timeout(60):
            wins = sum(await asyncio.gather(*writing))
        assert await one.sealer.seal() == wins
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval(DEADLOCKS) == 0
    finally:
        await connection.close()
