"""Appends a second at 32 and at 256 conversations, beside pgbench and the stock recorder."""

from __future__ import annotations

from collections import defaultdict

from benchmarks.baselines import StockRecorder
from benchmarks.measures import Goal, Measure, Rate, compared, percentile
from benchmarks.node import append_for, log_node
from benchmarks.pgbench import Pgbench, prepare
from benchmarks.plan import Plan
from benchmarks.server import database
from runtime.embedded import EmbeddedServer

THREADS = 32
GOALS = {
    (32, "whole"): Goal(1.5, 1.0),
    (256, "whole"): Goal(3.0, 2.0),
    (32, "bare"): Goal(2.0, 1.4),
    (256, "bare"): Goal(4.0, 3.0),
}
NAMES = {"whole": "sealed and encrypted", "bare": "neither sealed nor encrypted"}


async def measure(server: EmbeddedServer, plan: Plan) -> list[Measure]:
    async with (
        database(server, "pgbench") as plain_url,
        database(server, "whole") as whole_url,
        database(server, "bare") as bare_url,
        log_node(whole_url) as whole,
        log_node(bare_url, is_sealed=False) as bare,
    ):
        await prepare(plain_url)
        pgbench = Pgbench(plain_url)
        recorder = StockRecorder(plain_url, THREADS)
        rates: dict[tuple[int, str], list[Rate]] = defaultdict(list)
        for _ in range(plan.rounds):
            for callers in (32, 256):
                seconds = plan.round_seconds
                rates[callers, "pgbench"].append(await pgbench.insert(callers, seconds))
                rates[callers, "whole"].append(await append_for(whole, callers, seconds))
                await whole.settle()
                rates[callers, "bare"].append(await append_for(bare, callers, seconds))
            rates[32, "recorder"].append(await recorder.append_for(plan.round_seconds))
        recorder.close()
    return _measures(rates)


def _measures(rates: dict[tuple[int, str], list[Rate]]) -> list[Measure]:
    def speeds(callers: int, who: str) -> list[float]:
        return [rate.per_second for rate in rates[callers, who]]

    def slowest(who: str) -> list[float]:
        return [1e3 * percentile(rate.latencies, 0.99) for rate in rates[32, who]]

    pgbench = "pgbench, one INSERT a transaction, {} clients"
    found = [
        compared(
            f"appends of one event, {callers} conversations, {NAMES[kind]}",
            "/s",
            speeds(callers, kind),
            pgbench.format(callers),
            speeds(callers, "pgbench"),
            goal,
        )
        for (callers, kind), goal in GOALS.items()
    ]
    found.append(
        compared(
            f"appends of one event, 32 conversations, {NAMES['whole']}",
            "/s",
            speeds(32, "whole"),
            f"eventsourcing's PostgresApplicationRecorder, {THREADS} threads",
            speeds(32, "recorder"),
            Goal(20.0, 12.0),
        )
    )
    found.append(
        compared(
            "append latency p99, 32 conversations",
            "ms",
            slowest("whole"),
            pgbench.format(32),
            slowest("pgbench"),
            Goal(0.5, 1.0, is_upper=True),
        )
    )
    return found
