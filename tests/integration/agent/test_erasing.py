"""Erasing a user, while others write and while the user does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from agents.testing import ScriptedModel, assistant_message, function_call
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.erasing import Eraser
from agent.errors import NothingToErase
from agent.offline.model import OfflineModel
from commands.conversation import CONVERSATION, Rename
from commands.handle import Origin
from commands.user import USER, RecordUpload
from events import user
from events.codec import key_id_of
from events.conversation import stream_of
from events.errors import ContentErased, UserErased
from events.proofs.checking import check_file
from events.proofs.log_check import LogCheck
from events.proofs.notary import Notary, open_signer
from events.proofs.proving import prove_stream
from events.store import EventStore
from runtime.embedded import EmbeddedServer
from tests.agent_node import AgentNode, agent_node
from tests.databases import cloned
from tests.integration.runtime.backups import back_up, bring_up, keys_of
from tests.log_node import append_to, log_node, new_stream

SECRET = "quetzalcoatlus"
EVERYTHING = 1_000_000
ADA = Origin(owner_id="ada", actor="user:ada")
ADD = function_call("add_task", {"title": SECRET}, call_id="call_a")


@pytest.fixture
async def second_url(postgres: EmbeddedServer, template_database: str) -> AsyncIterator[str]:
    async with cloned(postgres, template_database) as url:
        yield url


def model() -> ScriptedModel:
    return ScriptedModel([[ADD], [assistant_message(f"Added {SECRET}.")]])


def eraser_of(node: AgentNode) -> Eraser:
    return Eraser(node.log.pool, node.log.store)


async def converse(node: AgentNode, text: str = f"remember {SECRET}") -> str:
    sent = await node.say(text)
    await node.frames(sent.run_id)
    conversation_id: str = sent.conversation_id
    return conversation_id


async def files_with(node: AgentNode, text: str) -> list[str]:
    """Files of the whole cluster, the write-ahead log with them."""
    await node.log.pool.execute("CHECKPOINT")
    folder = Path(await node.log.pool.fetchval("SHOW data_directory"))
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 100
    return [str(path) for path in files if text.encode() in path.read_bytes()]


async def readable(node: AgentNode, owner_id: str) -> set[str]:
    """The streams of a user with an event that somebody who has EVENT_KEY can decrypt."""
    await node.log.sealer.seal()
    stored = [event for event in await node.log.store.read_log(0) if event.owner_id == owner_id]
    rows = await node.log.pool.fetch("SELECT key_id FROM verbatim.data_keys")
    living = {row["key_id"] for row in rows}
    return {event.stream_id for event in stored if key_id_of(event) in living}


async def test_nothing_of_an_erased_user_can_be_read_and_the_log_still_proves_itself(
    database_url: str,
) -> None:
    async with agent_node(database_url, model()) as node:
        conversation_id = await converse(node)
        await node.log.store.append(append_to(new_stream(), 0, owner_id="eve"))
        notary = Notary(
            node.log.pool, await open_signer(node.log.pool, Ed25519PrivateKey.generate())
        )
        await node.log.sealer.seal()
        kept = await notary.sign()
        assert kept is not None
        erasure = await eraser_of(node).erase("ada", "user:ada")
        assert (erasure.keys, erasure.runs) == (1, 0)
        with pytest.raises(ContentErased):
            await node.log.store.read_stream(stream_of(conversation_id))
        assert await readable(node, "ada") == set()
        assert await readable(node, "eve") != set()
        report = await LogCheck(node.log.pool, notary.signer.verifier, [kept]).run()
        assert (report.findings, report.checkpoints) == ([], 2)
        note = await notary.sign()
        assert note is not None
        lines = prove_stream(
            node.log.store, node.log.pool, notary.signer, note, stream_of(conversation_id)
        )
        check_file([line async for line in lines], notary.signer.verifier)
        (erased,) = await node.log.store.read_stream(user.stream_of("ada"))
        assert erased.event == user.Erased(keys=1)
        assert await files_with(node, SECRET) == []
        with pytest.raises(NothingToErase):
            await eraser_of(node).erase("ada", "user:ada")


async def test_erasing_stops_runs_and_they_record_nothing_after_it(database_url: str) -> None:
    slow = OfflineModel(delay_seconds=0.2)
    async with agent_node(database_url, slow) as node:
        sent = [await node.say("what can you do?") for _ in range(3)]
        erasure = await eraser_of(node).erase("ada", "user:ada")
        assert erasure.runs == 3
        assert await node.leases.count() == 0
        assert await readable(node, "ada") == set()
        streams = {stream_of(one.conversation_id) for one in sent}
        await node.log.sealer.seal()
        log = await node.log.store.read_log(0)
        (position,) = [e.position for e in log if e.topic == user.Erased.topic]
        after = [e for e in log if e.stream_id in streams and (e.position or 0) > (position or 0)]
        assert after == []


async def test_user_who_comes_back_starts_afresh_on_every_node(database_url: str) -> None:
    """Also where a node has what was erased in its memory."""
    async with agent_node(database_url, model()) as one, agent_node(database_url, model()) as two:
        conversation_id = await converse(one)
        stream_id = stream_of(conversation_id)
        for node in (one, two):
            await node.handler.handle(CONVERSATION, stream_id, Rename(title=SECRET), ADA)
            await node.handler.handle(USER, user.stream_of("ada"), upload("a"), ADA)
        await eraser_of(two).erase("ada", "system")
        for node in (one, two):
            for _ in range(3):
                with pytest.raises((ContentErased, UserErased)):
                    await node.handler.handle(CONVERSATION, stream_id, Rename(title="x"), ADA)
        for node, name in ((one, "b"), (two, "c")):
            handled = await node.handler.handle(USER, user.stream_of("ada"), upload(name), ADA)
            assert "a" not in handled.state.attachment_ids
        again = await converse(one, "hello")
        assert await readable(one, "ada") == {stream_of(again), user.stream_of("ada")} | {
            stream for stream in await readable(one, "ada") if stream.startswith("task-")
        }


def upload(name: str) -> RecordUpload:
    return RecordUpload(attachment_id=name, name=name, mime_type="text/plain", size_bytes=1)


async def test_erasing_races_writers_on_two_nodes(database_url: str) -> None:
    async with log_node(database_url) as other, agent_node(database_url, model()) as node:
        await converse(node)
        is_erased = asyncio.Event()

        async def write(store: EventStore) -> int:
            written = 0
            while not is_erased.is_set():
                with contextlib.suppress(UserErased):
                    await store.append(append_to(new_stream(), 0))
                    written += 1
            return written

        writers = [asyncio.create_task(write(store)) for store in (node.log.store, other.store) * 2]
        await asyncio.sleep(0.2)
        before = await node.log.pool.fetch("SELECT key_id FROM verbatim.data_keys")
        await eraser_of(node).erase("ada", "user:ada")
        is_erased.set()
        assert all(await asyncio.gather(*writers))
        rows = await node.log.pool.fetch("SELECT key_id, owner_id FROM verbatim.data_keys")
        gone = {row["key_id"] for row in before} - {row["key_id"] for row in rows}
        assert len(gone) == 1
        await node.log.sealer.seal()
        log = await node.log.store.read_log(0, limit=EVERYTHING)
        (position,) = [e.position for e in log if e.topic == user.Erased.topic]
        for event in log:
            if event.owner_id == "ada" and (event.position or 0) < (position or 0):
                assert key_id_of(event) in gone


async def test_backup_of_before_cannot_be_read_with_the_keys_of_after(
    database_url: str, tmp_path: Path, second_url: str
) -> None:
    async with agent_node(database_url, model()) as node:
        conversation_id = await converse(node)
        await back_up(database_url, tmp_path, "before")
        await eraser_of(node).erase("ada", "user:ada")
        await back_up(database_url, tmp_path, "after")
    assert SECRET.encode() not in (tmp_path / "before").read_bytes()
    await bring_up(second_url, tmp_path / "before", keys_of(tmp_path / "after"))
    async with log_node(second_url) as restored:
        with pytest.raises(ContentErased):
            await restored.store.read_stream(stream_of(conversation_id))
