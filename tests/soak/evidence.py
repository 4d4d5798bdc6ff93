"""What the laws are judged by: the database as it stands, and what the clients recorded."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import orjson

from agent.frames import Frame, FrameSeal
from events import conversation as c
from events.stored import RecordedEvent
from projections.building import Builder
from projections.generations import definition, live_generation
from projections.rows import Key, ReadRow
from tests.integration.projections.read_node import all_rows
from tests.log_node import LogNode
from tests.soak.recordings import Entry, read_recordings

PAGE_EVENTS = 1_000
ENDINGS = (c.RunCompleted, c.RunFailed, c.RunCancelled, c.RunInterrupted)

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Evidence:
    #: In the order of the log.
    log: Sequence[RecordedEvent]
    #: By run, in order.
    frames: dict[str, list[Frame]]
    rows: dict[Key, ReadRow]
    rebuilt: dict[Key, ReadRow]
    entries: Sequence[Entry]
    #: Of the database itself: counts by name.
    counts: dict[str, int]

    def recorded(self, kind: type[Kind]) -> list[Kind]:
        return [entry for entry in self.entries if isinstance(entry, kind)]

    @cached_property
    def streams(self) -> dict[str, list[RecordedEvent]]:
        streams: dict[str, list[RecordedEvent]] = defaultdict(list)
        for one in self.log:
            streams[one.stream_id].append(one)
        return streams

    @cached_property
    def runs(self) -> dict[str, list[RecordedEvent]]:
        """The events of each run."""
        runs: dict[str, list[RecordedEvent]] = defaultdict(list)
        for one in self.log:
            if run_id := getattr(one.event, "run_id", None):
                runs[run_id].append(one)
        return runs

    def shown(self, run_id: str) -> list[dict[str, Any]]:
        """The run's frames as ChatKit events."""
        return [orjson.loads(frame.body) for frame in self.frames[run_id] if frame.body]


COUNTS = {
    "events": "SELECT count(*) FROM verbatim.events",
    "inbox": "SELECT count(*) FROM verbatim.inbox",
    "leases": "SELECT count(*) FROM verbatim.leases",
    "parked": "SELECT count(*) FROM verbatim.parked",
    "wrong leaves": "SELECT count(*) FROM verbatim.log AS l "
    "JOIN verbatim.events AS e USING (stream_id, stream_version) "
    "WHERE l.leaf <> verbatim.leaf_hash(e)",
    "wrong heads": "SELECT count(*) FROM verbatim.heads AS h FULL JOIN "
    "(SELECT stream_id, max(stream_version) AS newest FROM verbatim.events GROUP BY 1) AS e "
    "USING (stream_id) WHERE h.version IS DISTINCT FROM e.newest",
}


async def gather_evidence(node: LogNode, recordings: Path) -> Evidence:
    """Once nobody writes any more. Builds the read tables anew beside the live ones."""
    await node.sealer.seal()
    live = await live_generation(node.pool, definition())
    assert live is not None
    rows = await all_rows(node, live)
    rebuilt = await Builder(node.pool, node.store).rebuild()
    # Its swap is an event.
    await node.sealer.seal()
    log = await _read_log(node)
    return Evidence(
        log=log,
        frames=await _read_frames(node, log),
        rows=rows,
        rebuilt=await all_rows(node, rebuilt),
        entries=list(read_recordings(recordings)),
        counts={name: await node.pool.fetchval(query) for name, query in COUNTS.items()},
    )


async def _read_log(node: LogNode) -> list[RecordedEvent]:
    found: list[RecordedEvent] = []
    while page := await node.store.read_log(
        (found[-1].position or 0) if found else 0, limit=PAGE_EVENTS
    ):
        found += await node.store.decode(page)
    return found


async def _read_frames(node: LogNode, log: Sequence[RecordedEvent]) -> dict[str, list[Frame]]:
    owners = {
        one.event.run_id: one.owner_id for one in log if isinstance(one.event, c.RunRequested)
    }
    frames: dict[str, list[Frame]] = defaultdict(list)
    for row in await node.pool.fetch("SELECT * FROM verbatim.frames ORDER BY run_id, seq"):
        run_id: uuid.UUID = row["run_id"]
        key = await node.keys.current(owners[str(run_id)])
        body = FrameSeal(key, run_id).open(row["seq"], row["body"])
        frames[str(run_id)].append(Frame(row["seq"], body, row["is_last"]))
    return frames
