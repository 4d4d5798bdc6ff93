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
from events.event import Event
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

    def story_of(self, point: Point) -> tuple[Victim, list[Event]]:
        """With what is true of every point."""
        victim = self.victims[point.name]
        assert victim.newest == point.newest
        assert set(victim.statuses) <= {"complete"}
        events = [one.event for one in self.evidence.runs[victim.reply.run_id]]
        assert [e.attempt for e in events if isinstance(e, c.RunResumed)] == [2]
        return victim, events


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


@pytest.mark.parametrize("point", [p for p in POINTS if not p.is_stopped], ids=str)
def test_run_is_finished_by_another_node(killed: Killed, point: Point) -> None:
    victim, events = killed.story_of(point)
    assert isinstance(events[-1], c.RunCompleted)
    replies = [e.text for e in events if isinstance(e, c.AssistantMessagePosted)]
    assert replies == [ANSWER]
    calls = [e for e in events if isinstance(e, c.ToolCalled)]
    assert len(calls) == (0 if point.name == "in_text" else 1)
    completed = [e.call_id for e in events if isinstance(e, c.ToolCompleted)]
    assert completed == [call.call_id for call in calls]
    print(f"{point}: taken over {victim.takeover_seconds:.1f} s after the kill")


@pytest.mark.parametrize("point", [p for p in POINTS if p.is_stopped], ids=str)
def test_run_stopped_while_nobody_worked_on_it_says_what_is_unknown(
    killed: Killed, point: Point
) -> None:
    victim, events = killed.story_of(point)
    assert isinstance(events[-1], c.RunCancelled)
    calls = [e.call_id for e in events if isinstance(e, c.ToolCalled)]
    unknown = [e.call_id for e in events if isinstance(e, c.ToolOutcomeUnknown)]
    assert len(calls) == 1
    assert unknown == calls
    assert victim.statuses == ["complete"]


def test_no_law_is_broken(killed: Killed) -> None:
    assert {law: found for law, found in killed.violations.items() if found} == {}
