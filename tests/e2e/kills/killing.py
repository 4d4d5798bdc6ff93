"""Brings the runs of one worker to their points, kills it, and sees another finish them."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import asyncpg
import httpx

from events.conversation import stream_of
from events.task import stream_of as task_stream_of
from tests.e2e.kills.points import Point
from tests.e2e.kills.turnstile import LEASE, POLL_SECONDS, Turnstile
from tests.soak.client import Client, Reply
from tests.soak.cluster import Cluster, headers_of
from tests.soak.recordings import Recording

#: Far beyond the 15 s in which a takeover should happen: a machine may be busy.
PATIENCE_SECONDS = 60.0


@dataclass
class Victim:
    """A run that stands at its point."""

    point: Point
    client: Client
    conversation_id: str
    reply: Reply = field(default_factory=lambda: Reply(""))
    reading: asyncio.Task[Reply] | None = None
    turnstile: Turnstile | None = None
    newest: str = ""
    #: Kill to run_resumed; None where nothing had to be taken over.
    takeover_seconds: float | None = None
    statuses: list[str] = field(default_factory=list)


class Killing:
    def __init__(self, cluster: Cluster, heir: str, recording: Recording) -> None:
        self._cluster = cluster
        self._recording = recording
        self._heir = heir
        self._victims: list[Victim] = []

    async def bring(self, worker: str, points: tuple[Point, ...]) -> None:
        """A run of the worker stands at each of the points."""
        for point in points:
            self._victims.append(await self._bring_to(self._cluster.nodes[worker].url, point))

    async def kill(self, workers: Iterable[str]) -> list[Victim]:
        """All at once; then the heir finishes the runs."""
        killed_at = time.time()
        await self.strike(workers)
        await asyncio.gather(*(self._see_through(one, killed_at) for one in self._victims))
        return self._victims

    async def strike(self, workers: Iterable[str]) -> list[Victim]:
        """Kills them, and leaves the runs as they are."""
        for worker in workers:
            self._cluster.kill(worker)
        for one in self._victims:
            await self._let_go(one)
            assert one.reading is not None
            await one.reading
        return self._victims

    async def stall(self, worker: str) -> list[Victim]:
        """It is stopped until the heir has finished its runs, and then it wakes up."""
        process = self._cluster.nodes[worker].process
        stalled_at = time.time()
        process.send_signal(signal.SIGSTOP)
        for one in self._victims:
            await self._let_go(one)
        await asyncio.gather(*(self._see_elsewhere(one, stalled_at) for one in self._victims))
        process.send_signal(signal.SIGCONT)
        await asyncio.gather(*(self._see_through(one, stalled_at) for one in self._victims))
        return self._victims

    async def _see_elsewhere(self, one: Victim, stalled_at: float) -> None:
        """The whole stream, while the connection that the message came by is silent."""
        tab = Reply(one.reply.run_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await one.client.finish(self._cluster.nodes[self._heir].url, tab)

    async def _bring_to(self, node: str, point: Point) -> Victim:
        # An owner each, so that a task list holds one run's effects.
        client = Client(f"user-{point}", self._recording)
        greeted = await client.send(node, f"greet {point}", key=f"greet-{point}")
        conversation_id = greeted.conversation_id
        assert conversation_id is not None
        one = Victim(point, client, conversation_id)
        subject = f"thing-{point}"
        if point.where == "task":
            subject = await self._add_task(node, client, conversation_id)
            one.turnstile = Turnstile(self._cluster.database_url, task_stream_of(subject))
        elif point.where == "conversation":
            one.turnstile = Turnstile(self._cluster.database_url, stream_of(conversation_id))
        if one.turnstile is not None:
            await one.turnstile.close()
        if point.where == "lease":
            self._cluster.host.gate.hold(1, user=point.name)
        one.reading = asyncio.create_task(
            client.send(
                node,
                f"{point} {subject}",
                key=f"act-{point}",
                conversation_id=conversation_id,
                reply=one.reply,
            )
        )
        await self._stand_still(one)
        one.newest = (await _topics(self._cluster, conversation_id))[-1]
        return one

    async def _add_task(self, node: str, client: Client, conversation_id: str) -> str:
        await client.send(
            node,
            f"add thing for {client.user}",
            key=f"add-{client.user}",
            conversation_id=conversation_id,
        )
        async with httpx.AsyncClient(headers=headers_of(client.user)) as http:
            listed = await http.get(f"{node}/api/{client.user}/tasks")
        task_id: str = listed.json()["data"][0]["id"]
        return task_id

    async def _stand_still(self, one: Victim) -> None:
        if one.point.where == "lease":
            await self._cluster.host.gate.reached(timeout_seconds=PATIENCE_SECONDS)
            one.turnstile = Turnstile(self._cluster.database_url, one.reply.run_id, LEASE)
            await one.turnstile.close()
            self._cluster.host.gate.release()
        if one.turnstile is not None:
            for _ in range(one.point.passed):
                await one.turnstile.pass_one()
            await one.turnstile.arrival()
            return
        # At the wire: the model is silent, and everything before that is stored and sent.
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not _has_come(one):
                await asyncio.sleep(POLL_SECONDS)

    async def _let_go(self, one: Victim) -> None:
        if one.turnstile is not None:
            if not one.point.is_late and not self._is_elsewhere(one):
                await one.turnstile.lose()
            await one.turnstile.open()

    def _is_elsewhere(self, one: Victim) -> bool:
        """With tools in a process of their own, the effect's statement outlives the worker."""
        return one.point.where == "task" and "tools" in self._cluster.nodes

    async def _see_through(self, one: Victim, killed_at: float) -> None:
        assert one.reading is not None
        await one.reading
        heir = self._cluster.nodes[self._heir].url
        if one.point.is_stopped:
            await one.client.stop(heir, one.reply.run_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await one.client.finish(heir, one.reply)
        one.takeover_seconds = await _resumed_after(self._cluster, one.conversation_id, killed_at)
        items = await one.client.look(heir, one.conversation_id, one.reply.run_id)
        one.statuses = [i["task"]["status_indicator"] for i in items if i["type"] == "task"]
        await one.client.close()


def _has_come(one: Victim) -> bool:
    match one.point.name:
        case "in_text":
            return one.reply.body.count(b"text_delta") == 2
        case "between_items":
            return one.reply.body.count(b"content_part.done") == 1
        case _:
            return b"check-circle" in one.reply.body


async def _topics(cluster: Cluster, conversation_id: str) -> list[str]:
    rows = await _fetch(cluster, "topic", conversation_id)
    return [row["topic"].removeprefix("conversation.") for row in rows]


async def _resumed_after(cluster: Cluster, conversation_id: str, killed_at: float) -> float | None:
    rows = await _fetch(
        cluster, "topic, extract(epoch FROM recorded_at)::float8 AS at", conversation_id
    )
    at = [row["at"] for row in rows if row["topic"] == "conversation.run_resumed"]
    return at[-1] - killed_at if at else None


async def _fetch(cluster: Cluster, columns: str, conversation_id: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(cluster.database_url)
    try:
        return await connection.fetch(
            f"SELECT {columns} FROM verbatim.events WHERE stream_id = $1 ORDER BY stream_version",
            stream_of(conversation_id),
        )
    finally:
        await connection.close()
