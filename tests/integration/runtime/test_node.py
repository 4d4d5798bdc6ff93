from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from agent.offline.model import OfflineModel
from agent.sending import Message
from runtime.embedded import EmbeddedServer
from runtime.errors import MigrationNeeded
from runtime.node import Node, open_node
from runtime.settings import Settings, load_settings
from tests.databases import cloned


def local_settings(folder: Path) -> Settings:
    return load_settings(verbatim_data_dir=folder)


async def say(node: Node, text: str, conversation_id: str | None = None) -> str:
    sent = await node.sender.send("ada", conversation_id, Message(text=text))
    async with asyncio.timeout(20):
        async for _ in node.frames.follow(sent.run_id, "ada"):
            pass
    return sent.conversation_id


async def test_node_answers_and_its_read_models_show_it(database_url: str, tmp_path: Path) -> None:
    settings = local_settings(tmp_path)
    model = OfflineModel(delay_seconds=0)
    async with open_node(settings, database_url=database_url, model=model) as node:
        conversation_id = await say(node, "add buy milk and call mum")
        page = await node.reads.messages_page("ada", conversation_id, limit=10)
        assert [row.role for row in page.rows] == ["user", "assistant"]
        assert [call.status for call in page.rows[1].tool_calls] == ["success", "success"]
        tasks = await node.reads.tasks_list("ada", limit=10)
        assert {task.title for task in tasks.rows} == {"Buy milk", "Call mum"} or {
            task.title for task in tasks.rows
        } == {"buy milk", "call mum"}
        await say(node, "what's left?", conversation_id)
        assert await node.leases.count() == 0


async def test_second_node_of_the_same_database_reads_the_same(
    database_url: str, tmp_path: Path
) -> None:
    settings = local_settings(tmp_path)
    model = OfflineModel(delay_seconds=0)
    async with (
        open_node(settings, database_url=database_url, model=model) as one,
        open_node(settings, database_url=database_url, model=model) as two,
    ):
        conversation_id = await say(one, "add buy milk")
        found = await two.reads.conversation("ada", conversation_id)
        assert found is not None
        assert found.message_count == 2
        assert await two.reads.conversation("eve", conversation_id) is None


async def test_history_items_equal_the_frames_that_showed_them(
    database_url: str, tmp_path: Path
) -> None:
    settings = local_settings(tmp_path)
    model = OfflineModel(delay_seconds=0)
    async with open_node(settings, database_url=database_url, model=model) as node:
        sent = await node.sender.send("ada", None, Message(text="add buy milk"))
        shown = {}
        async for chunk in node.frames.follow(sent.run_id, "ada"):
            for frame in chunk:
                event = orjson.loads(frame.body or b"{}")
                if event.get("type") == "thread.item.done":
                    shown[event["item"]["id"]] = event["item"]
        page = await node.reads.thread_items_page("ada", sent.conversation_id, limit=50)
        assert {row.id: row.item for row in page.rows} == shown
        assert [row.id for row in page.rows] == list(shown)


async def test_node_refuses_a_database_that_was_not_migrated(
    postgres: EmbeddedServer, tmp_path: Path
) -> None:
    async with cloned(postgres, "template1") as url:
        with pytest.raises(MigrationNeeded, match="verbatim db migrate"):
            async with open_node(local_settings(tmp_path), database_url=url):
                pass
