"""The kit finds what is wrong with a wrong log, and nothing in a right one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.embedded import EmbeddedServer
from tests.conformance.log import wrong_logs
from tests.conformance.log.crash import run_crashes
from tests.conformance.log.interleaving import open_stage, play
from tests.conformance.log.laws import Law, Violation
from tests.conformance.log.load import Load
from tests.conformance.log.restoring import run_restore
from tests.conformance.log.schedules import Schedule, every_interleaving, plans_of
from tests.conformance.log.servers import KillableServer, prepared
from tests.conformance.log.wrong_logs import WrongFactory

LOAD_SECONDS = 0.7
MOST_LOADS = 15
KILL_EVERY_SECONDS = 0.2
Make = Callable[[], WrongFactory]


def schedules() -> Iterator[Schedule]:
    for is_shared in (False, True):
        for is_reserved_apart in (False, True):
            yield from every_interleaving(
                plans_of((False, False), is_shared=is_shared, is_reserved_apart=is_reserved_apart)
            )


async def broken_by_interleavings(factory: WrongFactory, server: EmbeddedServer) -> set[Law]:
    async with prepared(server, factory) as url, open_stage(factory, url) as stage:
        return {v.law for schedule in schedules() for v in await play(stage, schedule)}


def laws_of(violations: list[Violation]) -> set[Law]:
    return {violation.law for violation in violations}


async def broken_by_loads(
    factory: WrongFactory,
    server: EmbeddedServer,
    expected: set[Law],
    *,
    kill_every_seconds: float | None = None,
) -> set[Law]:
    """What loads break, one after another until it is what is expected: each is a matter of chance,
    of less where a machine is busy."""
    found: set[Law] = set()
    for seed in range(MOST_LOADS):
        async with prepared(server, factory) as url:
            load = Load(factory, url, LOAD_SECONDS, seed, kill_every_seconds)
            found |= laws_of(await load.run())
        if expected <= found:
            break
    return found


@pytest.mark.parametrize(
    ("make", "broken"),
    [
        (wrong_logs.bigserial, {Law.NOTHING_BELOW}),
        (wrong_logs.snapshot_xmin, {Law.NOTHING_BELOW}),
        (wrong_logs.transaction_order, {Law.REAL_TIME, Law.STREAM_ORDER}),
        (wrong_logs.late_lock, {Law.NOTHING_BELOW, Law.STREAM_ORDER}),
        (wrong_logs.slow_and_right, set()),
    ],
)
async def test_interleavings_find_what_a_log_breaks(
    postgres: EmbeddedServer, make: Make, broken: set[Law]
) -> None:
    assert await broken_by_interleavings(make(), postgres) == broken


@pytest.mark.parametrize(
    ("make", "broken"),
    [
        (wrong_logs.bigserial, {Law.NOTHING_BELOW}),
        (wrong_logs.snapshot_xmin, {Law.NOTHING_BELOW}),
        (wrong_logs.transaction_order, {Law.REAL_TIME, Law.STREAM_ORDER}),
        (wrong_logs.late_lock, {Law.NOTHING_BELOW}),
        (wrong_logs.slow_and_right, set()),
    ],
)
async def test_load_finds_what_a_log_breaks(
    postgres: EmbeddedServer, make: Make, broken: set[Law]
) -> None:
    found = await broken_by_loads(make(), postgres, broken)
    assert broken <= found
    assert found if broken else not found


async def test_killed_sealers_find_a_seal_of_two_transactions(postgres: EmbeddedServer) -> None:
    found = await broken_by_loads(
        wrong_logs.torn_seal(), postgres, {Law.KEPT}, kill_every_seconds=KILL_EVERY_SECONDS
    )
    assert Law.KEPT in found


async def test_crash_finds_an_acknowledgement_before_the_disk(
    doomed_server: KillableServer,
) -> None:
    factory = wrong_logs.lazy_commit()
    async with prepared(doomed_server, factory) as url:
        report = await run_crashes(factory, doomed_server, url, crashes=1)
    assert Law.KEPT in laws_of(report.violations)


@pytest.mark.parametrize(
    ("make", "is_right"),
    [
        (wrong_logs.snapshot_xmin, False),
        (wrong_logs.transaction_order, False),
        (wrong_logs.slow_and_right, True),
    ],
)
async def test_restore_finds_an_order_by_transaction_counter(
    postgres: EmbeddedServer,
    other_cluster_url: str,
    tmp_path: Path,
    make: Make,
    is_right: bool,
) -> None:
    factory = make()
    async with prepared(postgres, factory) as url:
        violations = await run_restore(factory, url, other_cluster_url, tmp_path / "log.dump")
    assert laws_of(violations) == (set() if is_right else {Law.RESTORED})


def test_pytest_with_the_factory_of_a_wrong_log_fails_and_names_the_law() -> None:
    kit = Path(__file__).parent
    options = [str(kit / "test_interleavings.py"), "-x", "-k", "two_transactions"]
    factory = f"--log-factory={wrong_logs.__name__}:bigserial"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, factory]
    run = subprocess.run(
        command, cwd=kit.parents[2], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout
    assert f"{Law.NOTHING_BELOW.name} ({Law.NOTHING_BELOW})" in run.stdout
