"""Unfinished runs whose leases are gone, as in a database that was restored from a backup."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from agents import Model

from agent import orphans
from agent.offline.model import OfflineModel
from agent.sending import Message
from events import conversation as c
from events.event import Event
from runtime.node import Node, open_node
from runtime.settings import load_settings
from tests.agent_node import agent_node
from tests.databases import execute
from tests.integration.agent.test_runs import wire_model
from tests.log_node import EVENT_KEY
from tests.wire import Hang

MODEL = OfflineModel(delay_seconds=0)


@pytest.fixture
def settings_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVENT_KEY", base64.b64encode(EVENT_KEY.secret).decode())
    return tmp_path


async def test_run_without_a_lease_is_closed_and_the_next_one_answered(
    database_url: str, settings_folder: Path
) -> None:
    async with wire_model(Hang(after_chunks=1)) as model:
        conversation_id, run_id = await _abandoned_run(database_url, model)
    await execute(database_url, "DELETE FROM verbatim.leases")
    settings = load_settings(verbatim_data_dir=settings_folder)
    async with open_node(settings, database_url=database_url, model=MODEL) as node:
        await _until_ended(node, run_id)
        (*_, last) = await _events(node, conversation_id)
        assert isinstance(last, c.RunInterrupted)
        assert last.run_id == str(run_id)
        sent = await node.sender.send("ada", conversation_id, Message(text="add buy milk"))
        await _until_ended(node, sent.run_id)
        run = await node.reads.run("ada", str(sent.run_id))
        assert run is not None
        assert run.status == "completed"


async def test_run_whose_lease_is_held_is_left_alone(
    database_url: str, settings_folder: Path
) -> None:
    settings = load_settings(verbatim_data_dir=settings_folder)
    async with wire_model(Hang(after_chunks=1)) as model, agent_node(database_url, model) as worker:
        sent = await worker.say("tell me a story")
        async with open_node(settings, database_url=database_url, model=MODEL) as node:
            progress, head = node.projector.progress, await node.sealer.seal()
            await orphans.close_orphans(node.reads, node.leases, node.handler, progress, head)
            events = await _events(node, sent.conversation_id)
            assert not any(isinstance(event, c.RunInterrupted) for event in events)
            assert await node.leases.held([sent.run_id]) == {sent.run_id}
            await worker.leases.request_cancel(sent.run_id, "ada")
            await worker.frames(sent.run_id)


async def test_run_that_waits_for_its_user_is_left_to_them(
    database_url: str, settings_folder: Path
) -> None:
    settings = load_settings(verbatim_data_dir=settings_folder)
    async with open_node(settings, database_url=database_url, model=MODEL) as node:
        for text in ("add buy milk", "delete milk"):
            sent = await node.sender.send("ada", None, Message(text=text))
            async for _ in node.frames.follow(sent.run_id, "ada"):
                pass
        progress, head = node.projector.progress, await node.sealer.seal()
        await orphans.close_orphans(node.reads, node.leases, node.handler, progress, head)
        (*_, last) = await _events(node, sent.conversation_id)
        assert isinstance(last, c.RunPaused)
        assert await node.leases.held([sent.run_id]) == set()


async def test_orphans_are_closed_page_by_page_once(
    database_url: str, settings_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "PAGE_RUNS", 2)
    async with wire_model(*(Hang(after_chunks=1) for _ in range(5))) as model:
        runs = [await _abandoned_run(database_url, model) for _ in range(5)]
    await execute(database_url, "DELETE FROM verbatim.leases")
    settings = load_settings(verbatim_data_dir=settings_folder)
    async with (
        open_node(settings, database_url=database_url, model=MODEL) as node,
        open_node(settings, database_url=database_url, model=MODEL),
    ):
        for conversation_id, run_id in runs:
            await _until_ended(node, run_id)
            topics = [event.topic for event in await _events(node, conversation_id)]
            assert topics.count("conversation.run_interrupted") == 1


async def _abandoned_run(url: str, model: Model) -> tuple[str, uuid.UUID]:
    async with agent_node(url, model, is_crashing=True) as node:
        sent = await node.say("tell me a story")
        async with asyncio.timeout(10):
            while not any(
                isinstance(e, c.RunStarted) for e in await node.events(sent.conversation_id)
            ):
                await asyncio.sleep(0.01)
    return sent.conversation_id, sent.run_id


async def _until_ended(node: Node, run_id: uuid.UUID) -> None:
    async with asyncio.timeout(20):
        while True:
            run = await node.reads.run(None, str(run_id))
            if run is not None and run.ended_at is not None:
                return
            await asyncio.sleep(0.02)


async def _events(node: Node, conversation_id: str) -> Sequence[Event]:
    return [r.event for r in await node.store.read_stream(c.stream_of(conversation_id))]
