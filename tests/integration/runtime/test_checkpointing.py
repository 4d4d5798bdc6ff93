"""A node signs while its log grows, tells a hook, and refuses to sign what was changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events.proofs.notary import Notary, open_signer
from runtime.checkpointing import Checkpoints
from tests.log_node import LogNode, append_to, log_node, new_stream

PATIENCE_SECONDS = 20.0
KEY = Ed25519PrivateKey.from_private_bytes(b"a" * 32)


async def opened(
    node: LogNode, *, after_events: int = 3, after_seconds: float = 0.2, hook: str | None = None
) -> Checkpoints:
    return Checkpoints(
        node.pool,
        Notary(node.pool, await open_signer(node.pool, KEY)),
        node.signal,
        after_events=after_events,
        after_seconds=after_seconds,
        hook=("sh", "-c", hook) if hook else None,
    )


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_true():
            await asyncio.sleep(0.01)


async def add(node: LogNode, events: int = 1) -> None:
    for _ in range(events):
        await node.store.append(append_to(new_stream(), 0))


async def sizes(node: LogNode) -> list[int]:
    rows = await node.pool.fetch("SELECT tree_size FROM verbatim.checkpoints ORDER BY 1")
    return [row["tree_size"] for row in rows]


async def test_head_is_signed_after_a_while_and_at_once_after_many_events(
    database_url: str,
) -> None:
    async with log_node(database_url) as node:
        checkpoints = await opened(node, after_seconds=3600)
        signing = asyncio.create_task(checkpoints.run())
        await add(node, 3)
        await until(lambda: checkpoints.size == 3)
        await add(node, 2)
        await asyncio.sleep(0.3)
        assert checkpoints.size == 3
        signing.cancel()
        patient = await opened(node, after_events=1000)
        signing = asyncio.create_task(patient.run())
        await until(lambda: patient.size == 5)
        signing.cancel()
        assert await sizes(node) == [3, 5]


async def test_two_nodes_sign_what_either_appended(database_url: str) -> None:
    async with log_node(database_url) as one, log_node(database_url) as two:
        signing = [await opened(node, after_events=1000) for node in (one, two)]
        tasks = [asyncio.create_task(checkpoints.run()) for checkpoints in signing]
        for node in (one, two, one):
            await add(node)
            await asyncio.sleep(0.1)
        await until(lambda: all(checkpoints.size == 3 for checkpoints in signing))
        for task in tasks:
            task.cancel()


async def test_hook_gets_each_checkpoint_and_what_it_refused_again(
    database_url: str, tmp_path: Path
) -> None:
    """Nothing of the environment but what a command needs."""
    kept, refusal = tmp_path / "kept", tmp_path / "refuse"
    hook = f'[ -e {refusal} ] && exit 1; cat >> {kept}; echo "$EVENT_KEY$SECRET" >> {kept}'
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET", "hunter2")
        async with log_node(database_url) as node:
            checkpoints = await opened(node, hook=hook)
            await add(node)
            await node.sealer.seal()
            await checkpoints.sign()
            refusal.touch()
            await add(node)
            await node.sealer.seal()
            await asyncio.sleep(0.2)
            await checkpoints.sign()
            refusal.unlink()
            await checkpoints.sign()
            await checkpoints.sign()
            notes = await node.pool.fetch(
                "SELECT note FROM verbatim.checkpoints ORDER BY tree_size"
            )
    assert kept.read_text() == "".join(row["note"] + "\n" for row in notes)
    assert len(notes) == 2


@pytest.mark.parametrize("hook", ["exit 3", "kill -9 $$"])
async def test_hook_that_fails_stops_nothing(database_url: str, hook: str) -> None:
    async with log_node(database_url) as node:
        checkpoints = await opened(node, hook=hook)
        for size in (1, 2):
            await add(node)
            await node.sealer.seal()
            await asyncio.sleep(0.2)
            await checkpoints.sign()
            assert checkpoints.size == size


async def test_changed_log_is_never_signed_again(database_url: str) -> None:
    async with log_node(database_url) as node:
        checkpoints = await opened(node)
        await add(node, 3)
        await node.sealer.seal()
        await checkpoints.sign()
        async with node.pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(
                "UPDATE verbatim.log SET leaf = sha256(leaf) WHERE position = 2"
            )
        await add(node, 3)
        await asyncio.wait_for(checkpoints.run(), PATIENCE_SECONDS)
        assert checkpoints.is_log_changed
        assert await sizes(node) == [3]


async def test_append_takes_no_lock_of_the_tree(database_url: str) -> None:
    """Appends and seals go on while a node that grows the tree stands still."""
    async with log_node(database_url) as node:
        await add(node)
        connection = await asyncpg.connect(database_url)
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(7308325537102298)")
            await connection.execute("LOCK TABLE verbatim.tree, verbatim.checkpoints")
            async with asyncio.timeout(PATIENCE_SECONDS):
                await add(node, 5)
                assert await node.sealer.seal() == 6
        await connection.close()
