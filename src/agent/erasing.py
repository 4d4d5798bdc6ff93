"""Erasing a user: what they wrote and read becomes unreadable wherever it lies.

Whatever happens in between, it can be done again: until the last step nothing but runs has
changed, and that step is one transaction.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import asyncpg
import structlog

from agent import statements
from agent.errors import NotErasable, NothingToErase
from events import user
from events.errors import VersionConflict
from events.store import EventStore
from events.stored import Append, Companion
from events.system import SYSTEM_OWNER

log = structlog.get_logger()

#: Longer than a run that is stopped gives its tools.
STOP_SECONDS = 8.0
LOOK_SECONDS = 0.1
ATTEMPTS = 20
#: In the transaction that destroys the keys.
_DESTROYED = ("destroy_data_keys", "delete_attachments_of_owner")


@dataclass(frozen=True, kw_only=True)
class Erasure:
    #: How many data keys were destroyed, and how many runs were stopped for it.
    keys: int
    runs: int


class Eraser:
    def __init__(self, pool: asyncpg.Pool, store: EventStore) -> None:
        self._pool = pool
        self._store = store

    async def erase(self, user_id: str, actor: str) -> Erasure:
        """Raises NothingToErase, NotErasable, and what an append raises."""
        if (await self._store.keys.current(SYSTEM_OWNER)).stored_id is None:
            raise NotErasable
        runs = await self._pool.fetchval(statements.load("request_cancel_of_owner"), user_id)
        if runs:
            await self._wait_for_runs(user_id)
        keys = await self._destroy(user_id, actor)
        self._store.keys.forget(user_id)
        log.info("user_erased", user_id=user_id, keys=keys, runs=runs)
        return Erasure(keys=keys, runs=runs)

    async def _wait_for_runs(self, user_id: str) -> None:
        """For a while only: a run without its key can record nothing more."""
        for _ in range(int(STOP_SECONDS / LOOK_SECONDS)):
            if not await self._pool.fetchval(statements.load("count_leases_of_owner"), user_id):
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _destroy(self, user_id: str, actor: str) -> int:
        stream_id = user.stream_of(user_id)
        for _ in range(ATTEMPTS):
            found = await self._pool.fetchrow(statements.load("what_to_erase"), user_id, stream_id)
            if not found["keys"]:
                raise NothingToErase(user_id)
            try:
                await self._store.append(
                    _erased(user_id, stream_id, found["version"], found["keys"], actor)
                )
            except VersionConflict:
                continue
            return int(found["keys"])
        raise VersionConflict(stream_id, found["version"], found["version"])


def _erased(user_id: str, stream_id: str, version: int, keys: int, actor: str) -> Append:
    return Append(
        stream_id=stream_id,
        expected_version=version,
        # Under the system's key: the user's own is destroyed with it.
        owner_id=SYSTEM_OWNER,
        events=[user.Erased(keys=keys)],
        actor=actor,
        companions=[
            Companion(statement=statements.load(name), values=(user_id,), lock=user_id)
            for name in _DESTROYED
        ],
    )
