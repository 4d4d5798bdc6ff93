"""Runs that no attempt can finish end all the same, and dead ones are never resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from agents.testing import ScriptedModel, assistant_message

from agent.leases import Leases
from agent.supervisor import ATTEMPTS
from events import conversation as c
from events.ids import new_id
from tests.agent_node import AgentNode, agent_node
from tests.databases import execute
from tests.log_node import log_node
from tests.wire import Hang

from .wired import wire_model

#: As whoever damages a database can: past the triggers that keep events as they are.
DAMAGE = "SET session_replication_role = replica; "


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, for a worker that is not to lose its own runs before it is killed."""

    def hurry() -> None:
        monkeypatch.setattr("agent.leases.EXPIRED_SECONDS", 0.3)
        monkeypatch.setattr("agent.supervisor.LOOK_SECONDS", 0.1)

    return hurry


async def test_run_that_breaks_each_time_is_given_up(
    database_url: str, hurry: Callable[[], None]
) -> None:
    model = ScriptedModel([[assistant_message("never said")]])
    async with agent_node(database_url, model) as node:
        sent = await node.say("hello")
        await node.frames(sent.run_id)
    hurry()
    async with agent_node(database_url, model) as node:
        sent = await node.say("again", sent.conversation_id)
        await node.log.pool.execute("UPDATE verbatim.leases SET attempt = 9")
        await until(lambda: _has_failed(node, sent.conversation_id))


async def test_run_whose_frames_cannot_be_read_is_given_up(
    database_url: str, hurry: Callable[[], None]
) -> None:
    conversation_id = await _abandon(database_url)
    await execute(database_url, "UPDATE verbatim.frames SET body = 'damaged'")
    hurry()
    async with agent_node(database_url, ScriptedModel([])) as node:
        await until(lambda: _has_failed(node, conversation_id))
        events = await node.events(conversation_id)
        resumed = [e.attempt for e in events if isinstance(e, c.RunResumed)]
        assert resumed == list(range(2, ATTEMPTS + 2))
        assert not await node.leases.count()


async def test_run_whose_events_cannot_be_read_is_let_go(
    database_url: str, hurry: Callable[[], None]
) -> None:
    """Its end cannot be recorded; but nobody tries for ever."""
    await _abandon(database_url)
    await execute(database_url, f"{DAMAGE} UPDATE verbatim.events SET state = 'damaged'")
    hurry()
    async with agent_node(database_url, ScriptedModel([])) as node:
        await until(lambda: _is_let_go(node))


async def test_dead_run_stays_dead_when_whoever_was_to_close_it_dies(database_url: str) -> None:
    await _abandon(database_url)
    async with log_node(database_url) as log:
        leases = Leases(log.pool, new_id())
        for silent, is_dead in (("15 seconds", False), ("11 minutes", True), ("15 seconds", True)):
            await log.pool.execute(
                "UPDATE verbatim.leases SET heartbeat_at = clock_timestamp() - $1::text::interval",
                silent,
            )
            assert [claim.is_dead for claim in await leases.take_over()] == [is_dead]


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await is_so():
            await asyncio.sleep(0.05)


async def _abandon(database_url: str) -> str:
    """A conversation whose worker was killed in the middle of its reply."""
    async with wire_model(Hang(after_chunks=2)) as model:
        async with agent_node(database_url, model, is_crashing=True) as node:
            sent = await node.say("hello")
            await until(lambda: _has_started(node, sent.conversation_id))
    return str(sent.conversation_id)


async def _has_started(node: AgentNode, conversation_id: str) -> bool:
    return isinstance((await node.events(conversation_id))[-1], c.RunStarted)


async def _has_failed(node: AgentNode, conversation_id: str) -> bool:
    return isinstance((await node.events(conversation_id))[-1], c.RunFailed)


async def _is_let_go(node: AgentNode) -> bool:
    return await node.leases.count() == 0
