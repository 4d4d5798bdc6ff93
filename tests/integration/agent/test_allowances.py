"""Limits of a user, counted by the database: no number of nodes grants one twice."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest
from agents.testing import ScriptedModel, assistant_message

from agent.allowances import Limits
from agent.claims import Claim
from agent.errors import LimitReached
from agent.sending import Message, Sent
from tests.agent_node import AgentNode, agent_node
from tests.wire import Hang

from .wired import wire_model


def model_of(replies: int) -> ScriptedModel:
    return ScriptedModel([[assistant_message("Hello.")] for _ in range(replies)])


async def stored_events(node: AgentNode) -> int:
    found: int = await node.log.pool.fetchval("SELECT count(*) FROM verbatim.events")
    return found


async def send_all(nodes: list[AgentNode], count: int, user_id: str = "ada") -> list[Any]:
    sends = [
        nodes[n % len(nodes)].sender.send(user_id, None, Message(text="hi")) for n in range(count)
    ]
    return await asyncio.gather(*sends, return_exceptions=True)


async def test_three_nodes_grant_the_messages_of_a_minute_once(database_url: str) -> None:
    limits = Limits(messages_a_minute=5)
    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(agent_node(database_url, model_of(20), limits=limits))
            for _ in range(3)
        ]
        answers = await send_all(nodes, 30)
        sent = [answer for answer in answers if isinstance(answer, Sent)]
        refused = [answer for answer in answers if isinstance(answer, LimitReached)]
        assert (len(sent), len(refused)) == (5, 25)
        assert all(0 < refusal.retry_after_seconds <= 61 for refusal in refused)
        hers = await nodes[0].sender.send("eve", None, Message(text="hi"))
        for one in sent:
            await nodes[0].frames(one.run_id)
        assert await nodes[0].log.pool.fetchval(
            "SELECT count(DISTINCT stream_id) FROM verbatim.events"
        ) == len({one.conversation_id for one in (*sent, hers)})


async def test_count_waits_for_one_that_is_not_committed_yet(database_url: str) -> None:
    """Another node is about to grant the last message of the minute, when this one counts."""
    async with agent_node(database_url, model_of(3), limits=Limits(messages_a_minute=2)) as node:
        await node.frames((await node.say("1")).run_id)
        other = await asyncpg.connect(database_url)
        try:
            async with other.transaction():
                await other.execute(
                    "SELECT verbatim.claim_lease($1, 'c', 'ada', $1, 2, NULL, NULL)", uuid.uuid4()
                )
                saying = asyncio.create_task(node.say("3"))
                await asyncio.wait((saying,), timeout=1)
                assert not saying.done()
            with pytest.raises(LimitReached):
                await saying
        finally:
            await other.close()


async def sent_before(node: AgentNode, *ages: int) -> None:
    """As if a message had been sent so many seconds ago, for each of the ages, and no other."""
    await node.log.pool.execute(
        """
        UPDATE verbatim.allowances SET counted_at = e.second, sent = ARRAY(
            SELECT count(age)::int FROM generate_series(0, 60) AS n
            LEFT JOIN unnest($1::int[]) AS age ON (e.second - age) % 61 = n
            GROUP BY n ORDER BY n)
        FROM (SELECT extract(epoch FROM clock_timestamp())::bigint AS second) AS e
        """,
        ages,
    )


async def test_window_slides(database_url: str) -> None:
    async with agent_node(database_url, model_of(9), limits=Limits(messages_a_minute=2)) as node:
        await node.frames((await node.say("1")).run_id)
        await sent_before(node, 40)
        await node.frames((await node.say("2")).run_id)
        with pytest.raises(LimitReached) as refused:
            await node.say("3")
        assert 10 <= refused.value.retry_after_seconds <= 21
        await sent_before(node, 59, 10)
        await asyncio.sleep(3)
        await node.frames((await node.say("3")).run_id)


async def test_next_try_is_when_enough_messages_are_a_minute_old(database_url: str) -> None:
    async with agent_node(database_url, model_of(9), limits=Limits(messages_a_minute=3)) as node:
        await node.frames((await node.say("1")).run_id)
        await sent_before(node, 50, 30, 30, 30, 5)
        with pytest.raises(LimitReached) as refused:
            await node.say("2")
        assert 24 <= refused.value.retry_after_seconds <= 31


async def test_pause_of_any_length_forgets_what_was_sent_before(database_url: str) -> None:
    async with agent_node(database_url, model_of(9), limits=Limits(messages_a_minute=1)) as node:
        await node.frames((await node.say("1")).run_id)
        for hours in (1, 24 * 365):
            await node.log.pool.execute(
                "UPDATE verbatim.allowances SET counted_at = counted_at - $1", hours * 3600
            )
            await node.frames((await node.say("again")).run_id)


async def test_refused_message_of_a_batch_takes_no_other_along(database_url: str) -> None:
    limits = Limits(messages_a_minute=1)
    async with agent_node(database_url, model_of(40), limits=limits) as node:
        answers = await asyncio.gather(
            *(
                node.sender.send(user, None, Message(text="hi"))
                for n in range(10)
                for user in ("ada", f"user{n}")
            ),
            return_exceptions=True,
        )
        assert [type(a) for a in answers[1::2]] == [Sent] * 10
        assert sorted(type(a).__name__ for a in answers[::2]) == ["LimitReached"] * 9 + ["Sent"]


async def test_copies_of_one_message_count_once(database_url: str) -> None:
    limits = Limits(messages_a_minute=1)
    async with (
        agent_node(database_url, model_of(1), limits=limits) as one,
        agent_node(database_url, model_of(1), limits=limits) as two,
    ):
        sends = [
            node.say("hi", idempotency_key="k", request_body=b"hi")
            for _ in range(25)
            for node in (one, two)
        ]
        sent = await asyncio.gather(*sends)
        assert len({s.run_id for s in sent}) == 1
        await one.frames(sent[0].run_id)


async def test_two_nodes_grant_the_unfinished_runs_once(database_url: str) -> None:
    limits = Limits(unfinished_runs=3)
    async with wire_model(*[Hang(after_chunks=3)] * 9) as model:
        async with (
            agent_node(database_url, model, limits=limits) as one,
            agent_node(database_url, model, limits=limits) as two,
        ):
            answers = await send_all([one, two], 12)
            sent = [answer for answer in answers if isinstance(answer, Sent)]
            assert len(sent) == 3
            before = await stored_events(one)
            await asyncio.sleep(1.1)
            with pytest.raises(LimitReached, match="3 replies"):
                await two.say("one more")
            assert await stored_events(one) >= before
            await one.leases.request_cancel(sent[0].run_id, "ada")
            await one.frames(sent[0].run_id)
            await asyncio.sleep(1.1)
            sent[0] = await two.say("now")
            for run in sent:
                await one.leases.request_cancel(run.run_id, "ada")
                await one.frames(run.run_id)


async def test_tokens_of_a_day_are_charged_when_a_run_ends(database_url: str) -> None:
    limits = Limits(tokens_a_day=100)
    async with agent_node(database_url, model_of(9), limits=limits) as node:
        pool = node.log.pool
        first = await node.say("1")
        await node.frames(first.run_id)
        await pool.execute("INSERT INTO verbatim.token_use VALUES ('eve', current_date, 1000)")
        await pool.execute(
            "INSERT INTO verbatim.token_use "
            "VALUES ('ada', (clock_timestamp() AT TIME ZONE 'UTC')::date, 100) "
            "ON CONFLICT (owner_id, used_on) DO UPDATE SET tokens = 100"
        )
        before = await stored_events(node)
        with pytest.raises(LimitReached, match="100 tokens") as refused:
            await node.say("2")
        assert 0 < refused.value.retry_after_seconds <= 24 * 3600
        assert await stored_events(node) == before
        await pool.execute("UPDATE verbatim.token_use SET used_on = used_on - 1")
        await asyncio.sleep(1.1)
        await node.frames((await node.say("2")).run_id)


async def test_each_run_is_charged_once_with_what_it_used(database_url: str) -> None:
    async with wire_model(*[Hang(after_chunks=3)] * 2) as model:
        async with agent_node(database_url, model) as node:
            claim = (await node.say("1")).run_id
            row = await node.log.pool.fetchrow("SELECT * FROM verbatim.leases")
            held = Claim(
                run_id=claim, conversation_id=row["conversation_id"], owner_id="ada", attempt=1
            )
            for _ in range(2):
                await node.leases.release(held, 70)
            used = await node.log.pool.fetchval("SELECT sum(tokens) FROM verbatim.token_use")
            assert used == 70
