"""The same idempotency key brings the same outcome back, and never a second event."""

from __future__ import annotations

import asyncio

import pytest

from events.conversation import Started
from events.errors import IdempotencyMismatch
from tests.log_node import append_to, log_node, new_stream


async def test_idempotency_key_brings_the_stored_outcome_back(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()

        async def send() -> tuple[int, int]:
            outcome = await node.store.append(
                append_to(stream, 0, Started(), idempotency_key="k", request_body=b"body")
            )
            return outcome.first_version, outcome.last_version

        outcomes = await asyncio.gather(*(send() for _ in range(50)))
        assert set(outcomes) == {(1, 1)}
        assert len(await node.store.read_stream(stream)) == 1
        with pytest.raises(IdempotencyMismatch):
            await node.store.append(
                append_to(stream, 0, Started(), idempotency_key="k", request_body=b"other")
            )


async def test_idempotency_key_is_refused_at_a_later_version_too(database_url: str) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        first = append_to(stream, 0, idempotency_key="k", request_body=b"body")
        await node.store.append(first)
        again = append_to(stream, 1, idempotency_key="k", request_body=b"body")
        assert (await node.store.append(again)).is_replay
        assert len(await node.store.read_stream(stream)) == 1
