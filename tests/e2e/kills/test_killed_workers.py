"""A worker killed with SIGKILL at each point of a run: another node finishes it, exactly once."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from events import conversation as c
from tests.e2e.kills.killing import Killing, Victim
from tests.e2e.kills.points import ANSWER, POINTS, WORKERS, Point, Script
from tests.log_node import log_node
from tests.soak.cluster import Cluster, cluster
from tests.soak.evidence import Evidence, gather_evidence
from tests.soak.laws import violations
from tests.soak.recordings import Recording
from tests.soak.settling import settled

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

VICTIMS = ("first", "second", "third")
HEIR = "heir"


@dataclass
class Killed:
    victims: dict[str, Victim]
    evidence: Evidence
    violations: dict[str, list[str]]


@pytest.fixture(scope="module", params=["in_process", "mcp_server"])
def killed(request: pytest.FixtureRequest) -> Iterator[Killed]:
    """Every point has been gone through, by three workers that were killed at once."""
    with tempfile.TemporaryDirectory(prefix="verbatim-kills-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with cluster(folder, Script()) as nodes:
            where = {}
            if request.param == "mcp_server":
                where = {"MCP_SERVER_URL": f"{nodes.start('tools').url}/mcp"}
            yield asyncio.run(go_through(nodes, folder, where))


async def go_through(nodes: Cluster, folder: Path, settings: dict[str, str]) -> Killed:
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda name: nodes.start(name, **settings), (*VICTIMS, HEIR)))
    with Recording(folder / "clients.jsonl") as recording:
        killing = Killing(nodes, HEIR, recording)
        for worker, points in zip(VICTIMS, WORKERS, strict=True):
            await killing.bring(worker, points)
        victims = await killing.kill(VICTIMS)
    async with log_node(nodes.database_url, is_sealing=False) as log:
        await settled(log)
        evidence = await gather_evidence(log, folder)
        return Killed({v.point.name: v for v in victims}, evidence, await violations(evidence, log))


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_run_is_finished_by_another_node(killed: Killed, point: Point) -> None:
    victim = killed.victims[point.name]
    assert victim.newest == point.newest
    events = [one.event for one in killed.evidence.runs[victim.reply.run_id]]
    assert isinstance(events[-1], c.RunCompleted)
    replies = [e.text for e in events if isinstance(e, c.AssistantMessagePosted)]
    assert replies == [ANSWER]
    assert [e.attempt for e in events if isinstance(e, c.RunResumed)] == [2]
    calls = [e for e in events if isinstance(e, c.ToolCalled)]
    assert len(calls) == (0 if point.name == "in_text" else 1)
    completed = [e.call_id for e in events if isinstance(e, c.ToolCompleted)]
    assert completed == [call.call_id for call in calls]
    assert set(victim.statuses) <= {"complete"}
    if victim.takeover_seconds is not None:
        print(f"{point}: taken over {victim.takeover_seconds:.1f} s after the kill")


def test_no_law_is_broken(killed: Killed) -> None:
    assert {law: found for law, found in killed.violations.items() if found} == {}
