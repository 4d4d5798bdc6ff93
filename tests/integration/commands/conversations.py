"""A handler on a node of its own, and what tests send to it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from agent import statements
from commands.conversation import PostMessage
from commands.handle import CommandHandler, Origin
from events.conversation import RunRequested
from events.event import Event
from events.ids import new_id
from events.stored import Companion
from tests.log_node import LogNode, log_node

ADA = Origin(owner_id="ada", actor="user:ada")
EVE = Origin(owner_id="eve", actor="user:eve")
#: ADA, sending what she may send again.
KEYED = replace(ADA, idempotency_key="send-1", request_body=b"hello")


@dataclass
class Handling:
    node: LogNode
    handler: CommandHandler

    async def events_of(self, stream_id: str) -> list[Event]:
        return [recorded.event for recorded in await self.node.store.read_stream(stream_id)]

    async def leases(self) -> set[str]:
        rows = await self.node.pool.fetch("SELECT run_id FROM verbatim.leases")
        return {str(row["run_id"]) for row in rows}

    async def count(self, table: str) -> int:
        found: int = await self.node.pool.fetchval(f"SELECT count(*) FROM verbatim.{table}")
        return found


@asynccontextmanager
async def handling(database_url: str, **settings: Any) -> AsyncIterator[Handling]:
    async with log_node(database_url, **settings) as node:
        yield Handling(node, CommandHandler(node.store))


def post(message_id: str = "", run_id: str = "", **changes: Any) -> PostMessage:
    return PostMessage(
        message_id=message_id or str(new_id()),
        run_id=run_id or str(new_id()),
        may_start=True,
        **{"text": "hello", **changes},
    )


def claims(conversation_id: str = "c") -> Callable[[Sequence[Event]], list[Companion]]:
    """The lease rows that sending a message writes with its events."""
    return lambda events, state: [
        lease(event.run_id, conversation_id) for event in events if isinstance(event, RunRequested)
    ]


def lease(run_id: object, conversation_id: object = "c") -> Companion:
    return Companion(
        statement=statements.load("claim_lease"),
        values=(run_id, conversation_id, "ada", uuid.UUID(int=1), None, None, None),
    )
