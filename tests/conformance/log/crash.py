"""A load on a server that is killed with SIGKILL and restarted under it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tests.conformance.log.laws import Violation
from tests.conformance.log.load import Load
from tests.conformance.log.protocol import LogFactory
from tests.conformance.log.servers import KillableServer

SECONDS_BETWEEN = 0.8


@dataclass(frozen=True)
class CrashReport:
    violations: list[Violation]
    #: Transactions acknowledged after the last restart.
    committed_afterwards: int
    lost_connections: int


async def run_crashes(
    factory: LogFactory, server: KillableServer, database_url: str, *, crashes: int, seed: int = 3
) -> CrashReport:
    """`database_url` is an empty log on that server."""
    restarted_at = 0

    async def crash() -> None:
        nonlocal restarted_at
        for _ in range(crashes):
            await asyncio.sleep(SECONDS_BETWEEN)
            await asyncio.to_thread(server.kill_and_restart)
            restarted_at = load.history.tick()

    load = Load(factory, database_url, SECONDS_BETWEEN, seed, disaster=crash)
    violations = await load.run()
    commits = (record.committed_at or 0 for record in load.history.transactions)
    return CrashReport(violations, sum(c > restarted_at for c in commits), load.lost_connections)
