"""A conversation with an event that the read tables cannot take is shown as far as it goes."""

from __future__ import annotations

import asyncio

import httpx
from structlog.testing import capture_logs

from runtime.node import Node
from tests.integration.api.chatkit_wire import ask, say
from tests.integration.projections.test_projector import append_foreign

DEADLINE_SECONDS = 30.0


async def test_parked_conversation_is_marked_and_others_are_not(
    client: httpx.AsyncClient, eve: httpx.AsyncClient, node: Node
) -> None:
    for user in (client, client, eve):
        await say(user, "add buy milk")
    listed = (await client.get("/api/ada/conversations")).json()["data"]
    bad, good = (row["id"] for row in listed)
    await _park(node, bad)
    await say(client, "and bread", bad)
    listed = (await client.get("/api/ada/conversations")).json()["data"]
    assert {row["id"]: row["stale"] for row in listed} == {bad: True, good: False}
    for conversation_id, is_stale in ((bad, True), (good, False)):
        path = f"/api/ada/conversations/{conversation_id}"
        assert (await client.get(path)).json()["stale"] is is_stale
        page = (await client.get(f"{path}/messages")).json()
        assert (page["stale"], len(page["data"])) == (is_stale, 2)
        assert await _told(client, "items.list", thread_id=conversation_id) == is_stale
        assert await _told(client, "threads.get_by_id", thread_id=conversation_id) == is_stale
    assert await _told(client, "threads.list")
    tasks = (await client.get("/api/ada/tasks")).json()["data"]
    await _park(node, tasks[0]["id"], "task", 1)
    tasks = (await client.get("/api/ada/tasks")).json()["data"]
    assert [task["stale"] for task in tasks] == [True] + [False] * (len(tasks) - 1)
    assert not await _told(eve, "threads.list")


async def test_health_and_metrics_tell_how_many_are_parked(
    client: httpx.AsyncClient, node: Node
) -> None:
    await say(client, "add buy milk")
    (row,) = (await client.get("/api/ada/conversations")).json()["data"]
    assert "verbatim_parked_streams 0.0" in (await client.get("/metrics")).text
    await _park(node, row["id"])
    await say(client, "hello")
    async with asyncio.timeout(DEADLINE_SECONDS):
        while "verbatim_parked_streams 1.0" not in (await client.get("/metrics")).text:
            await asyncio.sleep(0.05)
    ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert "Parked: 1;" in ready.json()["checks"]["projector"]["detail"]


async def test_log_that_is_newer_than_the_release_is_told_by_health_and_metrics(
    client: httpx.AsyncClient, node: Node
) -> None:
    await say(client, "add buy milk")
    assert "verbatim_projector_blocked 0.0" in (await client.get("/metrics")).text
    with capture_logs() as lines:
        await append_foreign(node.database.direct, "conversation.from_the_future", 1)
        await node.sealer.seal()
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (await client.get("/readyz")).status_code == 200:
                await asyncio.sleep(0.05)
    ready = (await client.get("/readyz")).json()
    assert "the log is newer than this release" in ready["checks"]["projector"]["detail"]
    assert "verbatim_projector_blocked 1.0" in (await client.get("/metrics")).text
    assert "verbatim_parked_streams 0.0" in (await client.get("/metrics")).text
    (told,) = [line for line in lines if line["event"] == "projector_blocked"]
    assert "the log is newer than this release" in told["error"]


async def _told(client: httpx.AsyncClient, operation: str, **params: str) -> bool:
    response = await ask(client, operation, **params)
    assert response.status_code == 200
    return response.headers.get("Verbatim-Stale") == "true"


async def _park(node: Node, of_id: str, category: str = "conversation", version: int = 2) -> None:
    await node.database.direct.execute(
        """INSERT INTO verbatim.parked (generation, stream_id, owner_id, position, error)
        SELECT g.generation, l.stream_id, l.owner_id, l.position, 'ValueError'
        FROM verbatim.generations AS g, verbatim.log AS l
        WHERE g.state = 'live' AND l.stream_id = $1 AND l.stream_version = $2""",
        f"{category}-{of_id}",
        version,
    )
    # Nodes look after a second at the earliest, as they do for what others have parked.
    await asyncio.sleep(1)
