"""Grows the log's Merkle tree and signs its root, beside the sealer and never in an append."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events import statements
from events.proofs import tree
from events.proofs.checkpoints import ORIGIN_PREFIX, Checkpoint
from events.proofs.errors import LogChanged
from events.proofs.notes import NoteSigner


async def open_signer(reads: tree.Reads, key: Ed25519PrivateKey) -> NoteSigner:
    """Signs in the log's own name."""
    log_id = await reads.fetchval(statements.load("log_identity"))
    return NoteSigner(f"{ORIGIN_PREFIX}{log_id}", key)


class Notary:
    def __init__(self, pool: asyncpg.Pool, signer: NoteSigner) -> None:
        self._pool = pool
        self.signer = signer

    async def sign(self, *, after_events: int = 1, after_seconds: float = 0.0) -> str | None:
        """The note of the head's checkpoint, signed now unless another node has done it.

        None while the newest checkpoint has neither that many events nor that many seconds behind
        it. Raises LogChanged instead of signing a log that no longer begins with the newest one.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(statements.load("lock_tree"))
            # After the lock, so that it sees what the one before signed.
            newest = await connection.fetchrow(statements.load("newest_checkpoint"))
            head: int = (await connection.fetchrow(statements.load("log_head")))["head"]
            signed = newest["tree_size"] if newest else 0
            if head == signed:
                return newest["note"] if newest else None
            if newest and head - signed < after_events and newest["age_seconds"] < after_seconds:
                return None
            return await self._sign(connection, head, newest)

    async def _sign(
        self, connection: asyncpg.Connection, head: int, newest: asyncpg.Record | None
    ) -> str:
        await tree.grow(connection, head)
        signed = newest["tree_size"] if newest else 0
        root, signed_root = await tree.range_hashes(connection, [(0, head), (0, signed)])
        if newest and signed_root != newest["root"]:
            raise LogChanged(signed)
        moment = datetime.now(UTC)
        checkpoint = Checkpoint(
            origin=self.signer.name, tree_size=head, root=root, signed_at=moment
        )
        note = checkpoint.sign(self.signer)
        await connection.execute(statements.load("add_checkpoint"), head, root, note, moment)
        return note
