from __future__ import annotations

from pathlib import Path

from tests.conformance.log.protocol import LogFactory
from tests.conformance.log.restoring import run_restore


async def test_dump_restored_below_its_transaction_counter_keeps_the_log(
    log_factory: LogFactory, log_url: str, other_cluster_url: str, tmp_path: Path
) -> None:
    violations = await run_restore(log_factory, log_url, other_cluster_url, tmp_path / "log.dump")
    assert not violations, "\n".join(map(str, violations))
