"""Data keys: one a user and generation, wrapped by EVENT_KEY, cached for seconds only."""

from __future__ import annotations

import base64
import binascii
import os
import time
import uuid
from collections.abc import Iterable, Sequence
from typing import Protocol

import asyncpg

from events import statements
from events.cipher import KEY_BYTES, DataKey, DecryptionFailed, EventKey, NoEncryption
from events.errors import ContentErased, InvalidEventKey
from events.ids import new_id

#: How long an erased key may still be readable from a process's memory.
CACHE_SECONDS = 5.0
CACHED_KEYS = 10_000


class KeyRing(Protocol):
    async def current(self, owner_id: str) -> DataKey:
        """The key that new content of this owner is written with, created when there is none."""
        ...

    async def living(self, owner_id: str) -> Sequence[DataKey]:
        """Every key of this owner that still exists, none where none was ever needed."""
        ...

    async def load(self, key_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, DataKey]:
        """The keys that still exist; an erased one is missing from the result."""
        ...

    def forget(self, owner_id: str) -> None: ...


def parse_event_key(text: str) -> EventKey:
    """EVENT_KEY is 32 bytes in base64 (`openssl rand -base64 32`)."""
    try:
        secret = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != KEY_BYTES:
        raise InvalidEventKey(
            "EVENT_KEY must be 32 random bytes in base64: make one with `openssl rand -base64 32`."
        )
    return EventKey(secret)


def generate_event_key() -> str:
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


class PostgresKeyRing:
    def __init__(self, pool: asyncpg.Pool, event_key: EventKey) -> None:
        self._pool = pool
        self._event_key = event_key
        self._current: dict[str, tuple[float, DataKey]] = {}
        self._by_id: dict[uuid.UUID, tuple[float, DataKey]] = {}
        self._living: dict[str, tuple[float, Sequence[DataKey]]] = {}

    async def check_fingerprint(self) -> None:
        """Refuse to start with another EVENT_KEY than the one the log was written with."""
        stored = await self._pool.fetchval(
            statements.load("claim_key_fingerprint"), self._event_key.fingerprint
        )
        if stored != self._event_key.fingerprint:
            raise InvalidEventKey(
                f"EVENT_KEY is not the key this database was written with (its fingerprint is "
                f"{stored[:8]}…, the given key's is {self._event_key.fingerprint[:8]}…): "
                "start with the right key."
            )

    async def current(self, owner_id: str) -> DataKey:
        cached = self._current.get(owner_id)
        if cached and cached[0] > time.monotonic():
            return cached[1]
        row = await self._pool.fetchrow(statements.load("current_data_key"), owner_id)
        if row is None:
            row = await self._create(owner_id)
        return self._remember(row, is_current=True)

    async def living(self, owner_id: str) -> Sequence[DataKey]:
        cached = self._living.get(owner_id)
        if cached and cached[0] > time.monotonic():
            return cached[1]
        rows = await self._pool.fetch(statements.load("living_data_keys"), owner_id)
        keys = tuple(self._remember(row, is_current=False) for row in rows)
        if keys:  # none is no answer to keep: the owner may write at any moment
            self._living[owner_id] = (time.monotonic() + CACHE_SECONDS, keys)
        return keys

    async def load(self, key_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, DataKey]:
        now = time.monotonic()
        found: dict[uuid.UUID, DataKey] = {}
        missing: list[uuid.UUID] = []
        for key_id in set(key_ids):
            cached = self._by_id.get(key_id)
            if cached and cached[0] > now:
                found[key_id] = cached[1]
            else:
                missing.append(key_id)
        if missing:
            for row in await self._pool.fetch(statements.load("load_data_keys"), missing):
                found[row["key_id"]] = self._remember(row, is_current=False)
        return found

    def forget(self, owner_id: str) -> None:
        self._current.pop(owner_id, None)
        self._living.pop(owner_id, None)
        for key_id in [i for i, (_, k) in self._by_id.items() if k.owner_id == owner_id]:
            del self._by_id[key_id]

    async def _create(self, owner_id: str) -> asyncpg.Record:
        key_id = new_id()
        wrapped = self._event_key.wrap(os.urandom(KEY_BYTES), key_id, owner_id)
        statement = statements.load("create_data_key")
        row = await self._pool.fetchrow(statement, key_id, owner_id, wrapped)
        if row is None:  # another node created it between the two statements
            row = await self._pool.fetchrow(statements.load("current_data_key"), owner_id)
        if row is None:
            raise ContentErased(owner_id)
        return row

    def _remember(self, row: asyncpg.Record, *, is_current: bool) -> DataKey:
        try:
            secret = self._event_key.unwrap(row["wrapped"], row["key_id"], row["owner_id"])
        except DecryptionFailed:
            raise InvalidEventKey(
                "A data key cannot be unwrapped: EVENT_KEY is not the key it was wrapped with."
            ) from None
        key = DataKey(row["key_id"], row["owner_id"], secret)
        until = time.monotonic() + CACHE_SECONDS
        if len(self._by_id) >= CACHED_KEYS:
            self._by_id.clear()
            self._current.clear()
            self._living.clear()
        self._by_id[key.key_id] = (until, key)
        if is_current:
            self._current[key.owner_id] = (until, key)
        return key


class PlainKeyRing:
    """VERBATIM_ENCRYPTION=off: content is stored as it is, and cannot be erased."""

    async def current(self, owner_id: str) -> DataKey:
        return NoEncryption(owner_id)

    async def living(self, owner_id: str) -> Sequence[DataKey]:
        return (NoEncryption(owner_id),)

    async def load(self, key_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, DataKey]:
        return {key_id: NoEncryption("") for key_id in key_ids}

    def forget(self, owner_id: str) -> None:
        return None
