"""A worker killed around a question and its answer: the run waits, and acts once when approved."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from events import conversation as c
from events import task
from events.stored import RecordedEvent
from tests.e2e.kills.killing import PATIENCE_SECONDS
from tests.e2e.kills.points import Point
from tests.e2e.kills.turnstile import Turnstile
from tests.log_node import LogNode, log_node
from tests.soak.client import Client, Reply
from tests.soak.cluster import Cluster, cluster, headers_of
from tests.soak.recordings import Recording
from tests.wire import Calls, Text, Turn, WireRequest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

HEIR = "heir"
#: The appends of the message's run: its request, its start, the response with the call, the pause.
PAUSING = (
    Point("before_pause", "conversation", 3, newest="tool_approval_requested"),
    Point("pause_in_flight", "conversation", 3, True, newest="tool_approval_requested"),
)
#: Those of the decision's: the decision itself, the result, the start, the answer, the end.
DECIDING = (
    Point("decision_lost", "conversation", 0, newest="run_paused"),
    Point("decision_in_flight", "conversation", 0, True, newest="run_paused"),
    Point("before_effect", "task", newest="run_resumed"),
    Point("after_effect", "conversation", 1, newest="run_resumed"),
    Point("result_in_flight", "conversation", 1, True, newest="run_resumed"),
    Point("before_end", "conversation", 4, newest="assistant_message_posted"),
)
#: Each has as many writers as may stand still at once.
WORKERS = {
    "first": (*PAUSING, DECIDING[0]),
    "second": DECIDING[1:4],
    "third": DECIDING[4:],
}


@dataclass
class Victim:
    point: Point
    client: Client
    conversation_id: str
    task_id: str
    turnstile: Turnstile
    reading: asyncio.Task[Any]
    newest: str = ""
    recorded: list[RecordedEvent] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    whole: Reply = field(default_factory=lambda: Reply(""))


def script(request: WireRequest) -> Turn:
    word, _, subject = request.last_user_text.partition(" ")
    if word == "greet":
        return Text("Hello.")
    if request.tool_outputs:
        return Text("It is done.")
    if word == "add":
        return Calls([("add_task", {"title": subject})])
    return Calls([("delete_task", {"task_id": subject})])


@pytest.fixture(scope="module")
def victims() -> Iterator[dict[str, Victim]]:
    with tempfile.TemporaryDirectory(prefix="verbatim-kills-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with cluster(folder, script, APPROVAL_TOOLS="delete_task") as nodes:
            with ThreadPoolExecutor() as threads:
                list(threads.map(nodes.start, (*WORKERS, HEIR)))
            yield asyncio.run(go_through(nodes, folder))


async def go_through(nodes: Cluster, folder: Path) -> dict[str, Victim]:
    with Recording(folder / "clients.jsonl") as recording:
        async with log_node(nodes.database_url, is_sealing=False) as log:
            found = [
                await bring(nodes, log, Client(f"user-{point}", recording), worker, point)
                for worker, points in WORKERS.items()
                for point in points
            ]
            for worker in WORKERS:
                nodes.kill(worker)
            for one in found:
                await let_go(one)
            await asyncio.gather(*(see_through(nodes, log, one) for one in found))
            return {one.point.name: one for one in found}


async def bring(nodes: Cluster, log: LogNode, client: Client, worker: str, point: Point) -> Victim:
    """A run of the worker stands at the point."""
    node = nodes.nodes[worker].url
    await client.send(node, f"add thing of {client.user}", key=f"add-{point}")
    async with httpx.AsyncClient(headers=headers_of(client.user)) as http:
        listed = await http.get(f"{node}/api/{client.user}/tasks")
    task_id = listed.json()["data"][0]["id"]
    greeted = await client.send(node, "greet", key=f"greet-{point}")
    conversation_id = greeted.conversation_id
    assert conversation_id is not None
    stream_id = c.stream_of(conversation_id)
    stands_at = task.stream_of(task_id) if point.where == "task" else stream_id
    turnstile = Turnstile(nodes.database_url, stands_at)
    asking = client.send(
        node, f"delete {task_id}", key=f"delete-{point}", conversation_id=conversation_id
    )
    if point in PAUSING:
        await turnstile.close()
        reading: asyncio.Task[Any] = asyncio.create_task(asking)
    else:
        assert (await asking).is_whole
        await turnstile.close()
        recorded = await log.store.read_stream(stream_id)
        reading = asyncio.create_task(approve(node, client.user, recorded))
    for _ in range(point.passed):
        await turnstile.pass_one()
    await turnstile.arrival()
    one = Victim(point, client, conversation_id, task_id, turnstile, reading)
    one.newest = topics(await log.store.read_stream(stream_id))[-1]
    return one


async def approve(node: str, user: str, recorded: list[RecordedEvent]) -> None:
    (asked,) = (r.event for r in recorded if isinstance(r.event, c.ToolApprovalRequested))
    path = f"{node}/api/{user}/runs/{asked.run_id}/approvals/{asked.call_id}"
    async with httpx.AsyncClient(headers=headers_of(user), timeout=PATIENCE_SECONDS) as http:
        answer = await http.post(path, json={"decision": "approve"})
        assert answer.status_code == 200, answer.text


async def let_go(one: Victim) -> None:
    if not one.point.is_late:
        await one.turnstile.lose()
    await one.turnstile.open()
    with suppress(httpx.HTTPError):
        await one.reading


async def see_through(nodes: Cluster, log: LogNode, one: Victim) -> None:
    """Whatever the user was not told of, they do again."""
    heir, stream_id = nodes.nodes[HEIR].url, c.stream_of(one.conversation_id)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "run_paused" not in topics(one.recorded):
            await asyncio.sleep(0.05)
            one.recorded = list(await log.store.read_stream(stream_id))
        await approve(heir, one.client.user, one.recorded)
        while topics(one.recorded)[-1] != "run_completed":
            await asyncio.sleep(0.05)
            one.recorded = list(await log.store.read_stream(stream_id))
    effects = await log.store.read_stream(task.stream_of(one.task_id))
    one.effects = [r.event.topic for r in effects]
    one.whole.run_id = getattr(one.recorded[-1].event, "run_id", "")
    await one.client.resume(heir, one.whole)
    await one.client.close()


def topics(recorded: list[RecordedEvent]) -> list[str]:
    return [r.event.topic.removeprefix("conversation.") for r in recorded]


@pytest.mark.parametrize("point", [*PAUSING, *DECIDING], ids=str)
def test_approved_call_acts_once(victims: dict[str, Victim], point: Point) -> None:
    one = victims[point.name]
    assert one.newest == point.newest
    assert one.effects == ["task.added", "task.deleted"]
    told = topics(one.recorded)
    once = ("tool_called", "tool_approval_granted", "tool_completed")
    assert {topic: told.count(topic) for topic in once} == dict.fromkeys(once, 1)
    assert told.index("tool_approval_granted") > told.index("run_paused")
    assert told.count("run_completed") == 2  # the greeting's as well
    assert one.whole.is_whole
    assert one.whole.body.count(b'"type":"widget"') == 1
    assert one.whole.body.count(b"check-circle") == 1
    assert one.whole.body.count(b"It is done.") >= 1
