"""Leases: which node works on which run, by the database's clock."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

import asyncpg

from agent import statements
from agent.allowances import Limits
from agent.claims import Claim
from agent.frames import Frame, frame_companions
from events.cipher import DataKey
from events.stored import Companion

HEARTBEAT_SECONDS = 2.0
#: A run whose worker was silent for this long is taken over.
EXPIRED_SECONDS = 10.0
#: A run whose worker was silent for this long is closed: it may come from a restored backup.
DEAD_SECONDS = 600.0
TAKEN_AT_ONCE = 20


class Leases:
    def __init__(self, pool: asyncpg.Pool, node_id: uuid.UUID) -> None:
        self._pool = pool
        self.node_id = node_id

    def claim(self, claim: Claim, limits: Limits) -> Companion:
        """The lease row to write with the run_requested event; an error when a limit is reached."""
        return Companion(
            statement=statements.load("claim_lease"),
            values=(
                claim.run_id,
                claim.conversation_id,
                claim.owner_id,
                self.node_id,
                limits.messages_a_minute,
                limits.unfinished_runs,
                limits.tokens_a_day,
            ),
            lock=claim.owner_id,
        )

    def resume(self, claim: Claim) -> Companion:
        """The lease row to write with the decision that ends a pause."""
        return Companion(
            statement=statements.load("resume_lease"),
            values=(
                claim.run_id,
                claim.conversation_id,
                claim.owner_id,
                self.node_id,
                claim.attempt,
            ),
        )

    async def renew(self, run_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[int, bool]]:
        """The runs still held: attempt, and whether a stop was asked for."""
        rows = await self._pool.fetch(statements.load("renew_leases"), self.node_id, list(run_ids))
        return {row["run_id"]: (row["attempt"], row["is_cancel_requested"]) for row in rows}

    async def take_over(self) -> Sequence[Claim]:
        rows = await self._pool.fetch(
            statements.load("take_over_leases"),
            self.node_id,
            EXPIRED_SECONDS,
            DEAD_SECONDS,
            TAKEN_AT_ONCE,
        )
        return [Claim(**dict(row)) for row in rows]

    async def hand_over(self, run_ids: Collection[uuid.UUID]) -> None:
        await self._pool.execute(
            statements.load("hand_over_leases"), self.node_id, list(run_ids), EXPIRED_SECONDS
        )

    async def held(self, run_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        """Those of the runs that some node works on, or may take over."""
        rows = await self._pool.fetch(statements.load("held_leases"), list(run_ids))
        return {row["run_id"] for row in rows}

    async def count(self) -> int:
        found: int = await self._pool.fetchval(statements.load("count_leases"))
        return found

    async def request_cancel(self, run_id: uuid.UUID, owner_id: str) -> bool:
        """Whether the run was still unfinished; its worker hears of it at once."""
        rows = await self._pool.fetch(statements.load("request_cancel"), run_id, owner_id)
        return bool(rows)

    async def request_cancel_all(self, conversation_id: str, owner_id: str) -> None:
        await self._pool.execute(statements.load("request_cancel_all"), conversation_id, owner_id)

    async def is_cancel_requested(self, run_id: uuid.UUID) -> bool:
        found: bool = await self._pool.fetchval(statements.load("is_cancel_requested"), run_id)
        return found

    async def release(self, claim: Claim, tokens: int = 0) -> None:
        ended = _releasing(claim, tokens, "release_lease")
        await self._pool.execute(ended.statement, *ended.values)


def ending(
    claim: Claim, key: DataKey, frames: Sequence[Frame], tokens: int, lease: str = "release_lease"
) -> list[Companion]:
    """An answer's last frames and the end of the lease, for the transaction that ends the work."""
    return [*frame_companions(key, claim.run_id, frames), _releasing(claim, tokens, lease)]


def _releasing(claim: Claim, tokens: int, statement: str) -> Companion:
    """The end of a lease, which charges its owner with what the run used."""
    return Companion(
        statement=statements.load(statement),
        values=(claim.run_id, claim.attempt, tokens),
        lock=claim.owner_id,
    )
