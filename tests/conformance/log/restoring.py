"""A dump, taken while transactions are open, restored into a cluster that counts from lower."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests.conformance.log.laws import Law, Violation
from tests.conformance.log.protocol import LogFactory, Recorded
from tests.conformance.log.reading import read_all
from tests.conformance.log.servers import dump, restore

#: Transactions that the dumped cluster is ahead by, at least.
AHEAD = 5_000
COUNTER = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
SPEND = (
    f"DO $$ BEGIN FOR n IN 1..{AHEAD} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
)


@dataclass(frozen=True)
class Dumped:
    #: What a reader had seen.
    read: Sequence[Recorded]
    #: Events by stream that were committed, some of them not sealed yet.
    committed: dict[str, int]
    counter: int


async def run_restore(
    factory: LogFactory, source_url: str, target_url: str, file: Path
) -> list[Violation]:
    """`source_url` is a prepared log, `target_url` an empty database of another cluster."""
    dumped = await _fill_and_dump(factory, source_url, target_url, file)
    await asyncio.to_thread(restore, file, target_url)
    counter = await _ask(target_url, COUNTER)
    assert counter < dumped.counter, "the restored cluster does not count from lower"
    details = await _compare(factory, target_url, dumped)
    return [Violation(Law.RESTORED, detail) for detail in details]


async def _fill_and_dump(
    factory: LogFactory, source_url: str, target_url: str, file: Path
) -> Dumped:
    while (counter := await _ask(source_url, COUNTER)) < AHEAD + await _ask(target_url, COUNTER):
        await _ask(source_url, SPEND)
    log = await factory.open(source_url)
    try:
        for stream in ("kit-a", "kit-b", "kit-a"):
            await log.append_now(stream, 2)
        await log.seal_or_noop()
        read = await read_all(log)
        await log.append_now("kit-b", 1)
        await log.append_now("kit-unsealed", 3)
        open_transaction = await log.begin()
        await open_transaction.reserve("kit-open", 1)
        await open_transaction.append("kit-open", 1)
        await asyncio.to_thread(dump, source_url, file)
        await open_transaction.commit()
    finally:
        await log.close()
    return Dumped(read, {"kit-a": 4, "kit-b": 3, "kit-unsealed": 3}, counter)


async def _compare(factory: LogFactory, url: str, dumped: Dumped) -> list[str]:
    found = []
    log = await factory.open(url)
    try:
        await log.seal_or_noop()
        restored = await read_all(log)
        if missing := [r for r in dumped.read if r not in restored]:
            found.append(f"positions were not kept: {missing[0]} is not in {restored}")
        if hidden := _hidden(dumped.committed, restored):
            found.append(f"hidden: {hidden}")
        head = max((r.position for r in [*dumped.read, *restored]), default=0)
        await log.append_now("kit-after", 1)
        await log.seal_or_noop()
        following = await log.read(head, 10)
    finally:
        await log.close()
    if [r.stream for r in following] != ["kit-after"]:
        found.append(f"what follows position {head} is {following}, not the new event")
    elif factory.is_gapless and following[0].position != head + 1:
        found.append(f"continues at {following[0].position} after {head}")
    return found


def _hidden(committed: dict[str, int], restored: Sequence[Recorded]) -> list[tuple[str, int]]:
    known = {(r.stream, r.version) for r in restored}
    expected = [(s, version) for s, count in committed.items() for version in range(1, count + 1)]
    return [event for event in expected if event not in known]


async def _ask(url: str, query: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query) or 0
    finally:
        await connection.close()
