"""Runs that a restored backup or a branch of the database finds unfinished are closed, not run."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.databases import execute
from tests.e2e.kills.killing import Killing, Victim
from tests.e2e.kills.points import UNFINISHED, Script
from tests.e2e.serving.server import Server, verbatim
from tests.soak.client import Client
from tests.soak.cluster import EVENT_KEY, SECRET, Cluster, cluster, headers_of
from tests.soak.recordings import Recording

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PATIENCE_SECONDS = 60.0


async def test_old_runs_are_interrupted_and_their_conversations_go_on(folder: Path) -> None:
    with cluster(folder, Script()) as nodes, Recording(folder / "clients.jsonl") as recording:
        nodes.start("old")
        killing = Killing(nodes, "nobody", recording)
        await killing.bring("old", UNFINISHED)
        _command(nodes.database_url, "backup", str(folder / "backup"), folder=folder)
        victims = await killing.strike(["old"])
        urls = [await _restored(nodes, folder), await _branch(nodes)]
        asked = len(nodes.host.requests)
        with ThreadPoolExecutor() as threads:
            copies = list(
                threads.map(
                    lambda n: nodes.start(f"copy {n}", DATABASE_URL=urls[n]), range(len(urls))
                )
            )
        for url, server in zip(urls, copies, strict=True):
            for victim in victims:
                await _until_interrupted(server, victim)
            assert len(nodes.host.requests) == asked
            assert await _effects(url) == await _effects(nodes.database_url)
        for n, server in enumerate(copies):
            for victim in victims:
                await _goes_on(server, victim, n, recording)


def _command(url: str, *arguments: str, folder: Path) -> None:
    settings = {"DATABASE_URL": url, "EVENT_KEY": EVENT_KEY, "BETTER_AUTH_SECRET": SECRET}
    verbatim(folder, *arguments, env=settings)


async def _restored(nodes: Cluster, folder: Path) -> str:
    """Of a backup; that has no leases."""
    await execute(nodes.database_url, "CREATE DATABASE restored")
    url = _url_of(nodes, "restored")
    await asyncio.to_thread(_command, url, "restore", str(folder / "backup"), folder=folder)
    return url


async def _branch(nodes: Cluster) -> str:
    """A copy of everything, taken eleven minutes ago."""
    await execute(
        _url_of(nodes, "template1"), "CREATE DATABASE branched TEMPLATE postgres STRATEGY file_copy"
    )
    url = _url_of(nodes, "branched")
    await execute(
        url, "UPDATE verbatim.leases SET heartbeat_at = heartbeat_at - interval '11 minutes'"
    )
    return url


def _url_of(nodes: Cluster, database: str) -> str:
    return nodes.database_url.replace("/postgres?", f"/{database}?")


async def _until_interrupted(server: Server, victim: Victim) -> None:
    user = victim.client.user
    path = f"{server.url}/api/{user}/runs/{victim.reply.run_id}"
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        httpx.AsyncClient(headers=headers_of(user), timeout=30) as http,
    ):
        while (status := (await http.get(path)).json()["status"]) in ("requested", "running"):
            await asyncio.sleep(0.1)
    assert status == "interrupted"


async def _effects(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        effects: int = await connection.fetchval(
            "SELECT count(*) FROM verbatim.events WHERE stream_id LIKE 'task-%'"
        )
        return effects
    finally:
        await connection.close()


async def _goes_on(server: Server, victim: Victim, n: int, recording: Recording) -> None:
    client = Client(victim.client.user, recording)
    reply = await client.send(
        server.url, "greet again", key=f"again-{n}", conversation_id=victim.conversation_id
    )
    assert reply.is_whole
    items = await client.look(server.url, victim.conversation_id, reply.run_id)
    badges = [item["task"]["status_indicator"] for item in items if item["type"] == "task"]
    assert set(badges) <= {"complete"}
    await client.close()
    await victim.client.close()
