from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from events.cipher import EventKey
from events.errors import InvalidEventKey
from events.keys import PostgresKeyRing

EVENT_KEY = EventKey(b"e" * 32)
OTHER_KEY = EventKey(b"o" * 32)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=8) as pool:
        yield pool


async def test_first_event_key_is_remembered_and_another_refused(pool: asyncpg.Pool) -> None:
    await PostgresKeyRing(pool, EVENT_KEY).check_fingerprint()
    await PostgresKeyRing(pool, EVENT_KEY).check_fingerprint()
    with pytest.raises(InvalidEventKey, match="start with the right key") as caught:
        await PostgresKeyRing(pool, OTHER_KEY).check_fingerprint()
    for key in (EVENT_KEY, OTHER_KEY):
        assert key.fingerprint[:8] in str(caught.value)
        assert key.fingerprint not in str(caught.value)
    stored = await pool.fetch(
        "SELECT value FROM verbatim.facts WHERE name = 'event_key_fingerprint'"
    )
    assert [row["value"] for row in stored] == [EVENT_KEY.fingerprint]


@pytest.mark.parametrize("is_same", [True, False], ids=["same key", "another key"])
async def test_nodes_that_start_at_once_agree_on_the_first_key(
    pool: asyncpg.Pool, is_same: bool
) -> None:
    """The second node asks while the first has written its fingerprint and not committed."""
    async with pool.acquire() as first:
        transaction = first.transaction()
        await transaction.start()
        await first.execute(
            "INSERT INTO verbatim.facts VALUES ('event_key_fingerprint', $1)",
            EVENT_KEY.fingerprint,
        )
        second = PostgresKeyRing(pool, EVENT_KEY if is_same else OTHER_KEY)
        checking = asyncio.create_task(second.check_fingerprint())
        await _until_blocked(pool, 1)
        await transaction.commit()
    outcome = (await asyncio.gather(checking, return_exceptions=True))[0]
    assert outcome is None if is_same else isinstance(outcome, InvalidEventKey)


async def test_nodes_that_need_a_key_at_once_create_one(pool: asyncpg.Pool) -> None:
    rings = [PostgresKeyRing(pool, EVENT_KEY) for _ in range(20)]
    keys = await asyncio.gather(*(ring.current("ada") for ring in rings))
    assert len({key.key_id for key in keys}) == 1
    assert await pool.fetchval("SELECT count(*) FROM verbatim.data_keys") == 1
    sealed = keys[0].encrypt(b"content", b"place")
    assert keys[-1].decrypt(sealed, b"place") == b"content"


async def test_key_that_another_node_is_creating_is_waited_for(pool: asyncpg.Pool) -> None:
    key_id = uuid.uuid4()
    async with pool.acquire() as first:
        transaction = first.transaction()
        await transaction.start()
        await first.execute(
            "INSERT INTO verbatim.data_keys VALUES ($1, 'ada', 1, $2)",
            key_id,
            EVENT_KEY.wrap(b"s" * 32, key_id, "ada"),
        )
        asking = asyncio.create_task(PostgresKeyRing(pool, EVENT_KEY).current("ada"))
        await _until_blocked(pool, 1)
        await transaction.commit()
    assert (await asking).key_id == key_id


async def test_each_owner_has_a_key_of_their_own(pool: asyncpg.Pool) -> None:
    ring = PostgresKeyRing(pool, EVENT_KEY)
    ada, eve = await ring.current("ada"), await ring.current("eve")
    assert ada.key_id != eve.key_id
    assert (ada.owner_id, eve.owner_id) == ("ada", "eve")
    assert (await ring.current("ada")) is ada
    assert await ring.load([ada.key_id, eve.key_id, uuid.uuid4()]) == {
        ada.key_id: ada,
        eve.key_id: eve,
    }


async def test_key_wrapped_by_another_event_key_is_refused(pool: asyncpg.Pool) -> None:
    key = await PostgresKeyRing(pool, EVENT_KEY).current("ada")
    ring = PostgresKeyRing(pool, OTHER_KEY)
    for asking in (ring.current("ada"), ring.load([key.key_id])):
        with pytest.raises(InvalidEventKey, match="cannot be unwrapped"):
            await asking


async def test_key_whose_row_was_given_to_another_owner_is_refused(pool: asyncpg.Pool) -> None:
    await PostgresKeyRing(pool, EVENT_KEY).current("ada")
    await pool.execute("UPDATE verbatim.data_keys SET owner_id = 'eve'")
    with pytest.raises(InvalidEventKey):
        await PostgresKeyRing(pool, EVENT_KEY).current("eve")


async def test_destroyed_key_is_served_from_memory_for_its_cache_time_only(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr("events.keys.time.monotonic", lambda: now)
    ring = PostgresKeyRing(pool, EVENT_KEY)
    key = await ring.current("ada")
    await pool.execute("DELETE FROM verbatim.data_keys")
    now += 4.9
    assert await ring.load([key.key_id]) == {key.key_id: key}
    assert await ring.current("ada") is key
    now += 0.2
    assert await ring.load([key.key_id]) == {}
    assert (await ring.current("ada")).key_id != key.key_id


async def test_forgotten_key_is_looked_up_again(pool: asyncpg.Pool) -> None:
    ring = PostgresKeyRing(pool, EVENT_KEY)
    ada, eve = await ring.current("ada"), await ring.current("eve")
    await pool.execute("DELETE FROM verbatim.data_keys")
    ring.forget("ada")
    assert await ring.load([ada.key_id, eve.key_id]) == {eve.key_id: eve}
    assert (await ring.current("ada")).key_id != ada.key_id
    assert await ring.current("eve") is eve


async def test_cache_never_outgrows_its_limit(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.keys.CACHED_KEYS", 3)
    ring = PostgresKeyRing(pool, EVENT_KEY)
    keys = [await ring.current(f"user-{n}") for n in range(10)]
    assert len(ring._by_id) <= 3
    assert len(ring._current) <= 3
    loaded = await ring.load([key.key_id for key in keys])
    assert len(loaded) == 10


async def _until_blocked(pool: asyncpg.Pool, sessions: int) -> None:
    async with asyncio.timeout(5):
        while sessions != await pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ):
            await asyncio.sleep(0.01)
