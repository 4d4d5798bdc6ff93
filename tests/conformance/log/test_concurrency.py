from __future__ import annotations

from tests.conformance.log.load import Load
from tests.conformance.log.protocol import LogFactory

LOAD_SECONDS = 2.5
KILL_EVERY_SECONDS = 0.2


async def test_tailing_readers_against_sixteen_writers_keep_the_laws(
    log_factory: LogFactory, log_url: str
) -> None:
    load = Load(log_factory, log_url, LOAD_SECONDS, seed=1)
    violations = await load.run()
    assert not violations, "\n".join(map(str, violations))


async def test_sealers_killed_every_200_ms_keep_the_laws(
    log_factory: LogFactory, log_url: str
) -> None:
    load = Load(
        log_factory, log_url, LOAD_SECONDS, seed=2, kill_sealers_every_seconds=KILL_EVERY_SECONDS
    )
    violations = await load.run()
    assert not violations, "\n".join(map(str, violations))
