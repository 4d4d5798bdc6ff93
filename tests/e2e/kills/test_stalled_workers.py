"""A worker that is stalled (SIGSTOP), loses its runs, and wakes up: it changes nothing any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from events import conversation as c
from tests.e2e.kills.killing import Killing
from tests.e2e.kills.points import ANSWER, STALLED
from tests.log_node import log_node
from tests.soak.cluster import Cluster
from tests.soak.evidence import gather_evidence
from tests.soak.laws import END, violations
from tests.soak.recordings import Recording, Stream
from tests.soak.settling import settled

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


async def test_stalled_worker_wakes_up_to_runs_of_another(pair: Cluster, folder: Path) -> None:
    with Recording(folder / "clients.jsonl") as recording:
        killing = Killing(pair, "second", recording)
        await killing.bring("first", STALLED)
        victims = await killing.stall("first")
    async with log_node(pair.database_url, is_sealing=False) as log:
        await settled(log)
        evidence = await gather_evidence(log, folder)
        broken = await violations(evidence, log)
    assert {law: found for law, found in broken.items() if found} == {}
    for victim in victims:
        assert victim.newest == victim.point.newest
        events = [one.event for one in evidence.runs[victim.reply.run_id]]
        assert [e.attempt for e in events if isinstance(e, c.RunResumed)] == [2]
        replies = [e.text for e in events if isinstance(e, c.AssistantMessagePosted)]
        assert replies == [ANSWER]
        # The connection to the stalled worker went on with what the other one sent.
        through = [s for s in evidence.recorded(Stream) if s.run_id == victim.reply.run_id]
        assert [(s.after_seq, s.body.endswith(END)) for s in through] == [(0, True), (0, True)]
        print(f"{victim.point}: taken over {victim.takeover_seconds:.1f} s after the stall")
