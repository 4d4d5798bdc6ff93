"""`verbatim projections rebuild`, `verify` and `rollback` as an operator runs them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from events import conversation as c
from projections.crews import LocalCrew
from projections.status import read_status
from projections.verification import verify
from tests.integration.cli.command_line import on_database
from tests.log_node import LogNode, append_to, log_node, new_stream

#: Enough for two partitions of several pages each.
CONVERSATIONS, MESSAGES = 60, 600
#: Three processes have to start first.
DEADLINE_SECONDS = 55.0


async def test_rebuild_that_is_killed_goes_on_where_it_was(database_url: str) -> None:
    line = on_database(database_url)
    async with log_node(database_url, size=8) as log:
        head = await write_conversations(log)
        with line.going("projections", "rebuild", "--workers", "2", "--json") as going:
            async with one_partition_held(log.pool):
                await until(lambda: applied(log))
                workers = children_of(going.process.pid)
                assert len(workers) >= 2
                going.process.kill()
                going.process.wait()
                # Its workers do not outlive it.
                await until(lambda: ended(workers))
        (broken,) = await read_status(log.pool)
        assert (broken.state, broken.is_being_built) == ("building", False)
        assert broken.applied is not None
        assert 0 < broken.applied < head == broken.events
        *rows, swapped = line.answer("projections", "rebuild", "--json").rows()
        assert (swapped["event"], swapped["generation"]) == ("swapped", broken.generation)
        assert rows[0]["done"] >= broken.applied
        verified = await verify(log.pool, LocalCrew(log.pool, log.store))
        assert (verified.events, verified.differences) == (head, ())


async def write_conversations(log: LogNode) -> int:
    for _ in range(CONVERSATIONS):
        messages = [c.UserMessagePosted(message_id=f"m{n}", text="x") for n in range(MESSAGES)]
        await log.store.append(append_to(new_stream(), 0, c.Started(), *messages))
    while (await log.store.head())[1]:
        await log.sealer.seal()
    return CONVERSATIONS * (MESSAGES + 1)


@asynccontextmanager
async def one_partition_held(pool: asyncpg.Pool) -> AsyncIterator[None]:
    """As soon as there is one, and so that the rebuild cannot end."""

    async def is_planned() -> bool:
        return bool(await pool.fetchval("SELECT to_regclass('read_g1.partitions') IS NOT NULL"))

    await until(is_planned)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM read_g1.partitions WHERE number = 1 FOR UPDATE")
        yield


async def applied(log: LogNode) -> bool:
    return bool(await log.pool.fetchval("SELECT sum(applied) > 0 FROM read_g1.partitions"))


def children_of(process_id: int) -> list[int]:
    listed = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    return [int(child) for child in listed.split()]


async def ended(process_ids: list[int]) -> bool:
    return all(_state_of(process_id) in "ZX" for process_id in process_ids)


def _state_of(process_id: int) -> str:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await is_so():
            await asyncio.sleep(0.02)


async def test_damage_is_found_mended_and_the_mending_taken_back(database_url: str) -> None:
    line = on_database(database_url)
    async with log_node(database_url, size=4) as log:
        streams = [new_stream() for _ in range(2)]
        for stream_id in streams:
            await log.store.append(
                append_to(stream_id, 0, c.Started(), c.UserMessagePosted(message_id="m", text="x"))
            )
        live = line.answer("projections", "rebuild", "--json").rows()[-1]
        damage = f"DELETE FROM read_g{live['generation']}.messages WHERE conversation_id = $1"
        await log.pool.execute(damage, c.id_of(streams[1]))

    found = line.run("projections", "verify", "--json")
    assert found.code == 1
    difference, verified = [row for row in found.rows() if row["event"] != "progress"]
    assert (difference["stream_id"], difference["position"]) == (streams[1], 4)
    assert (difference["kind"], difference["table"]) == ("missing", "messages")
    assert verified["differences"] == 1

    refused = line.run("projections", "rebuild", "tasks")
    assert refused.code == 1
    assert refused.out == f"{streams[1]}: messages m is unexpected\n"
    assert "nothing was swapped" in refused.err
    line.answer("projections", "rebuild", "messages")
    back = line.answer("projections", "rollback", "--json").rows()[0]
    assert back["generation"] == live["generation"]
    plain = line.run("projections", "verify", "--sample", "5")
    assert f"first {streams[1]} at position 4" in plain.err
    assert plain.out == f"{streams[1]} at position 4: messages m is missing\n"
    line.answer("projections", "rebuild", "--swap-anyway")
    shown = line.answer("projections", "status", "--json").rows()
    assert [row["state"] for row in shown] == ["standby", "standby", "live"]
    # The swap's own event, since no server runs.
    assert shown[-1]["lag"] == 1
    assert shown[-1]["lag_seconds"] > 0
    swaps = line.answer("events", "list", "--category", "projection", "--json").rows()
    assert [row["topic"] for row in swaps] == ["projection.swapped"] * 3


async def test_rolling_back_without_a_former_generation_is_refused(database_url: str) -> None:
    ran = on_database(database_url).run("projections", "rollback")
    assert (ran.code, ran.out) == (1, "")
    assert "no former generation" in ran.complaint()


def test_rebuild_of_a_table_that_there_is_not_is_wrong_usage(database_url: str) -> None:
    ran = on_database(database_url).run("projections", "rebuild", "tusks")
    assert ran.code == 2
    assert "no read table tusks" in ran.complaint()
