"""A worker killed while somebody else's server acts for it: nobody asks that server again."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from events import conversation as c
from tests.e2e.kills.conftest import PAIR
from tests.e2e.kills.points import ANSWER, Script
from tests.foreign_server import Foreign, foreign_server
from tests.log_node import log_node
from tests.soak.client import Client, Reply
from tests.soak.cluster import cluster
from tests.soak.evidence import gather_evidence
from tests.soak.laws import violations
from tests.soak.recordings import Recording
from tests.soak.settling import settled

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


async def test_foreign_call_of_a_killed_worker_is_unknown(folder: Path) -> None:
    async with foreign_server(folder) as foreign:
        with cluster(folder, Script(), FOREIGN_MCP_SERVERS=_setting(foreign)) as nodes:
            with ThreadPoolExecutor() as threads:
                list(threads.map(nodes.start, PAIR))
            first, second = (nodes.nodes[name].url for name in PAIR)
            with Recording(folder / "clients.jsonl") as recording:
                client, reply = Client("ada", recording), Reply("")
                reading = asyncio.create_task(
                    client.send(first, "abroad milk", key="abroad", reply=reply)
                )
                await foreign.until_acted()
                nodes.kill("first")
                foreign.let_go()
                await reading
                await client.finish(second, reply)
                assert reply.conversation_id is not None
                items = await client.look(second, reply.conversation_id, reply.run_id)
                await client.close()
            async with log_node(nodes.database_url, is_sealing=False) as log:
                await settled(log)
                evidence = await gather_evidence(log, folder)
                broken = await violations(evidence, log)
    assert foreign.lines() == ["milk"]
    assert {law: found for law, found in broken.items() if found} == {}
    events = [one.event for one in evidence.runs[reply.run_id]]
    assert sum(isinstance(event, c.ToolOutcomeUnknown) for event in events) == 1
    assert isinstance(events[-1], c.RunCompleted)
    (badge,) = (item["task"] for item in items if item["type"] == "task")
    assert badge["status_indicator"] == "complete"
    assert "unknown" in badge["content"]
    assert ANSWER.encode() in reply.body


def _setting(foreign: Foreign) -> str:
    return json.dumps([{"name": "others", "url": foreign.url, "allowed_tools": ["hold"]}])
