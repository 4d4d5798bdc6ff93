from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec
import pytest
from agents.testing import ModelCall, ModelStep, ScriptedModel, assistant_message, function_call

from agent.deleting import delete_conversation
from agent.sending import Sent
from events import codec
from events import conversation as c
from events.event import Event
from events.ids import new_id
from events.stored import RecordedEvent
from tests.agent_node import AgentNode, agent_node
from tests.integration.cli.command_line import on_database
from tests.integration.cli.history import erase
from tests.log_node import LogNode, log_node

MILK = function_call("add_task", {"title": "buy milk"}, call_id="call_a")


def milk_model() -> ScriptedModel:
    return ScriptedModel([[MILK], [assistant_message("Added it.")], [assistant_message("Bye.")]])


async def completed(node: AgentNode, text: str, conversation_id: str | None = None) -> Sent:
    sent: Sent = await node.say(text, conversation_id)
    await node.frames(sent.run_id)
    return sent


async def test_context_is_what_the_model_was_given(database_url: str) -> None:
    model = milk_model()
    async with agent_node(database_url, model) as node:
        first = await completed(node, "add buy milk \x1b[2J")
        second = await completed(node, "thanks", first.conversation_id)
    line = on_database(database_url)
    for sent, call in ((first, 0), (second, 2)):
        (row,) = line.answer("runs", "context", str(sent.run_id), "--json").rows()
        assert row["items"] == model.calls[call].input
        assert row["is_proved"]
        assert row["recorded_hash"] == row["derived_hash"]
        assert row["conversation_id"] == first.conversation_id
        assert row["is_on_active_branch"]
    ran = line.answer("runs", "context", str(second.run_id))
    asked, checked, *lines = ran.out.splitlines()
    assert asked.startswith("attempt 1 asked scripted at ")
    assert checked.startswith("hash matches: ")
    assert lines[:2] == [
        "    user: add buy milk \\x1b[2J",
        '    call call_a: add_task({"title":"buy milk"})',
    ]
    assert lines[2].startswith("    output of call_a: {")
    assert lines[-2:] == ["    assistant: Added it.", "    user: thanks"]
    assert all(line.startswith("    ") for line in lines)
    assert ran.err == ""


async def test_each_attempt_is_checked_by_itself(database_url: str) -> None:
    held = asyncio.Event()

    async def hang(call: ModelCall) -> ModelStep:
        await held.wait()
        raise AssertionError("nobody releases it")

    silent = ModelStep(responder=hang)
    model = ScriptedModel([[MILK], silent, [assistant_message("Added it.")]])
    async with agent_node(database_url, model, is_crashing=True) as node:
        sent = await node.say("add buy milk")
        async with asyncio.timeout(20):
            while len(model.calls) < 2:
                await asyncio.sleep(0.01)
    async with log_node(database_url, size=2) as log:
        await log.pool.execute(
            "UPDATE verbatim.leases SET heartbeat_at = now() - '1 min'::interval"
        )
    async with agent_node(database_url, model) as node:
        await node.frames(sent.run_id)
    line = on_database(database_url)
    rows = line.answer("runs", "context", str(sent.run_id), "--json").rows()
    assert [row["attempt"] for row in rows] == [1, 2]
    assert all(row["is_proved"] for row in rows)
    assert [len(row["items"]) for row in rows] == [1, 3]
    said = line.answer("runs", "context", str(sent.run_id)).out
    assert "attempt 2 took over at " in said


async def test_changed_message_is_found(database_url: str) -> None:
    async with agent_node(database_url, milk_model()) as node:
        first = await completed(node, "add buy milk")
        second = await completed(node, "thanks", first.conversation_id)
        await plant(node.log, first.conversation_id, c.UserMessagePosted, text="add buy tea")
    line = on_database(database_url)
    for sent in (first, second):
        ran = line.run("runs", "context", str(sent.run_id), "--json")
        (row,) = ran.rows()
        assert ran.code == 1
        assert "attempt 1" in ran.complaint()
        assert not row["is_proved"]
        assert row["recorded_hash"] != row["derived_hash"]
        assert "HASH DIFFERS" in line.run("runs", "context", str(sent.run_id)).out


@pytest.mark.parametrize("field", ["context_hash", "context_event_ids"])
async def test_changed_record_is_found(database_url: str, field: str) -> None:
    other: dict[str, Any] = {"context_hash": "00" * 32, "context_event_ids": (str(new_id()),)}
    async with agent_node(database_url, milk_model()) as node:
        sent = await completed(node, "add buy milk")
        await plant(node.log, sent.conversation_id, c.RunStarted, **{field: other[field]})
    ran = on_database(database_url).run("runs", "context", str(sent.run_id))
    assert ran.code == 1
    assert "DIFFER" in ran.out


async def test_context_of_a_message_that_vanished_is_found_missing(database_url: str) -> None:
    async with agent_node(database_url, milk_model()) as node:
        sent = await completed(node, "add buy milk")
        recorded = await node.log.store.read_stream(c.stream_of(sent.conversation_id))
        posted = next(one for one in recorded if isinstance(one.event, c.UserMessagePosted))
        await unguarded(
            node.log,
            "DELETE FROM verbatim.events WHERE stream_id = $1 AND stream_version = $2",
            (posted.stream_id, posted.stream_version),
        )
    ran = on_database(database_url).run("runs", "context", str(sent.run_id), "--json")
    assert (ran.code, ran.rows()[0]["items"]) == (1, None)


async def test_replaced_branch_and_deleted_conversation_can_still_be_checked(
    database_url: str,
) -> None:
    async with agent_node(database_url, milk_model()) as node:
        first = await completed(node, "add buy milk")
        retried = await node.sender.retry("ada", first.conversation_id, first.message_id)
        await node.frames(retried.run_id)
    line = on_database(database_url)
    replaced = line.answer("runs", "context", str(first.run_id))
    assert "not on the active branch" in replaced.err
    assert line.answer("runs", "context", str(retried.run_id)).err == ""
    async with agent_node(database_url, milk_model()) as node:
        await delete_conversation(node.handler, node.leases, "ada", first.conversation_id)
    (row,) = line.answer("runs", "context", str(retried.run_id), "--json").rows()
    assert row["is_proved"]


async def test_run_is_found_by_the_read_tables_too(database_url: str) -> None:
    async with agent_node(database_url, milk_model()) as node:
        sent = await completed(node, "add buy milk")
    line = on_database(database_url)
    line.answer("projections", "rebuild")
    assert line.answer("runs", "context", str(sent.run_id), "--json").rows()[0]["is_proved"]


async def test_erased_context_is_said_to_be_erased(database_url: str) -> None:
    async with agent_node(database_url, milk_model()) as node:
        sent = await completed(node, "add buy milk")
    await erase(database_url, "ada")
    ran = on_database(database_url).run("runs", "context", str(sent.run_id))
    assert (ran.code, ran.out) == (1, "")
    assert "erased" in ran.complaint()


def test_run_that_is_not_there(database_url: str) -> None:
    line = on_database(database_url)
    run_id = str(uuid.uuid4())
    ran = line.run("runs", "context", run_id)
    assert (ran.code, ran.out) == (1, "")
    assert run_id in ran.complaint()
    assert line.run("runs", "context", "milk").code == 2


async def plant(node: LogNode, conversation_id: str, kind: type[Event], **changes: Any) -> None:
    """Changes the first such event as one could who has the database and EVENT_KEY."""
    recorded = await node.store.read_stream(c.stream_of(conversation_id))
    one: RecordedEvent = next(one for one in recorded if isinstance(one.event, kind))
    changed = msgspec.structs.replace(one.event, **changes)
    key = await node.keys.current(one.owner_id)
    state = codec.encode_state(changed, key, one.stream_id, one.stream_version)
    await unguarded(
        node,
        "UPDATE verbatim.events SET state = $3 WHERE stream_id = $1 AND stream_version = $2",
        (one.stream_id, one.stream_version, state),
    )


async def unguarded(node: LogNode, statement: str, values: Sequence[Any]) -> None:
    connection: asyncpg.Connection
    async with node.pool.acquire() as connection, connection.transaction():
        await connection.execute("ALTER TABLE verbatim.events DISABLE TRIGGER ALL")
        await connection.execute(statement, *values)
        await connection.execute("ALTER TABLE verbatim.events ENABLE TRIGGER ALL")
