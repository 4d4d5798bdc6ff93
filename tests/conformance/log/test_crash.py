from __future__ import annotations

from tests.conformance.log.crash import run_crashes
from tests.conformance.log.protocol import LogFactory
from tests.conformance.log.servers import KillableServer, prepared

CRASHES = 2


async def test_server_killed_and_restarted_loses_nothing_acknowledged(
    log_factory: LogFactory, doomed_server: KillableServer
) -> None:
    async with prepared(doomed_server, log_factory) as url:
        report = await run_crashes(log_factory, doomed_server, url, crashes=CRASHES)
    assert not report.violations, "\n".join(map(str, report.violations))
    assert report.committed_afterwards
    assert report.lost_connections
