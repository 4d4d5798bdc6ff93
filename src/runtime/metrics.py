"""What /metrics answers, right for all workers of a node.

Several workers share a folder in which each keeps its own figures; whoever is asked adds them up.
The Prometheus client decides on its import whether it works that way, so it is imported late,
which also spares every command that measures nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SHARED_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
PUBLISH_SECONDS = 1.0

FAST_BUCKETS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
REQUEST_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
RUN_BUCKETS_SECONDS = (0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)

RUN_OUTCOMES = ("completed", "failed", "cancelled", "interrupted")
TOKEN_KINDS = ("input", "output")
REPLICA_OUTCOMES = ("answered", "behind", "away")
#: Any other word a client sends is counted as one, or it could make up series without end.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Kind = Literal["counter", "gauge", "histogram"]
#: How the gauges of several living workers become one figure.
Merge = Literal["livesum", "livemax"]


@dataclass(frozen=True)
class Declared:
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    merge: Merge = "livemax"


DECLARED: dict[str, Declared] = {
    "verbatim_appends_total": Declared("counter", "Appends that were stored."),
    "verbatim_appended_events_total": Declared("counter", "Events that were stored."),
    "verbatim_append_seconds": Declared(
        "histogram",
        "Time from asking for an append to its commit, in seconds.",
        buckets=FAST_BUCKETS_SECONDS,
    ),
    "verbatim_append_queue_depth": Declared(
        "gauge", "Appends that wait for a writer.", merge="livesum"
    ),
    "verbatim_sealed_events_total": Declared("counter", "Events given a global position here."),
    "verbatim_seal_seconds": Declared(
        "histogram",
        "Time from a call for sealing to the sealed batch, in seconds.",
        buckets=FAST_BUCKETS_SECONDS,
    ),
    "verbatim_seal_lag_seconds": Declared(
        "gauge", "How long the oldest call for sealing has waited, in seconds."
    ),
    "verbatim_projected_events_total": Declared("counter", "Events applied to read tables here."),
    "verbatim_projection_seconds": Declared(
        "histogram",
        "Time from an event to its place in the read tables, in seconds.",
        buckets=FAST_BUCKETS_SECONDS,
    ),
    "verbatim_projection_lag_seconds": Declared(
        "gauge", "For how long the read tables have been behind the log, in seconds."
    ),
    "verbatim_projection_position": Declared("gauge", "Log position the read tables are at."),
    "verbatim_parked_streams": Declared(
        "gauge", "Streams with an event that the read tables could not take."
    ),
    "verbatim_projector_blocked": Declared(
        "gauge", "1 where the log is newer than this release, so that its read tables stand still."
    ),
    "verbatim_checkpoint_size": Declared(
        "gauge", "Events that the newest known checkpoint of the log covers."
    ),
    "verbatim_log_changed": Declared(
        "gauge", "1 where the log no longer begins with what was signed."
    ),
    "verbatim_replica_reads_total": Declared(
        "counter", "Reads that a replica was asked for, by outcome.", ("outcome",)
    ),
    "verbatim_runs_total": Declared("counter", "Runs that ended, by outcome.", ("outcome",)),
    "verbatim_run_seconds": Declared(
        "histogram",
        "Time a run took, in seconds, by outcome.",
        ("outcome",),
        buckets=RUN_BUCKETS_SECONDS,
    ),
    "verbatim_tokens_total": Declared("counter", "Tokens the model took and gave.", ("kind",)),
    "verbatim_open_streams": Declared("gauge", "Streams that clients hold open.", merge="livesum"),
    "verbatim_http_requests_total": Declared(
        "counter", "Requests answered, by route template.", ("method", "route", "status")
    ),
    "verbatim_http_request_seconds": Declared(
        "histogram",
        "Time to the end of an answer, streams left out, in seconds.",
        ("method", "route"),
        buckets=REQUEST_BUCKETS_SECONDS,
    ),
    "verbatim_database_last_look_age_seconds": Declared(
        "gauge", "Age of the figures about the database, in seconds: nobody polls a sleeping one."
    ),
}
#: Every metric with its help; the documentation is checked against it.
METRICS: dict[str, str] = {name: declared.help for name, declared in DECLARED.items()}


@contextmanager
def shared_by_workers() -> Iterator[Path]:
    """For the parent of several workers, around their lives: they inherit the folder's name."""
    with tempfile.TemporaryDirectory(prefix="verbatim-metrics-") as folder:
        os.environ[SHARED_FOLDER_VARIABLE] = folder
        try:
            yield Path(folder)
        finally:
            del os.environ[SHARED_FOLDER_VARIABLE]


class Metrics:
    """One for each process. The `on_*` methods are what the rooms below call back."""

    def __init__(self) -> None:
        import prometheus_client

        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        folder = os.environ.get(SHARED_FOLDER_VARIABLE)
        self._folder = Path(folder) if folder else None
        self._registry = None if folder else prometheus_client.CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        self._sources: dict[str, Callable[[], float]] = {}
        for name, declared in DECLARED.items():
            self._declare(name, declared)
        self._start_at_zero()

    def on_append(self, seconds: float, events: int) -> None:
        self._counters["verbatim_appends_total"].inc()
        self._counters["verbatim_appended_events_total"].inc(events)
        self._histograms["verbatim_append_seconds"].observe(seconds)

    def on_seal(self, events: int, seconds: float) -> None:
        self._counters["verbatim_sealed_events_total"].inc(events)
        self._histograms["verbatim_seal_seconds"].observe(seconds)

    def on_projected(self, events: int, lag_seconds: float) -> None:
        self._counters["verbatim_projected_events_total"].inc(events)
        self._histograms["verbatim_projection_seconds"].observe(lag_seconds)

    def on_replica_read(self, outcome: str) -> None:
        self._counters["verbatim_replica_reads_total"].labels(outcome).inc()

    def on_run_ended(self, outcome: str, seconds: float) -> None:
        self._counters["verbatim_runs_total"].labels(outcome).inc()
        self._histograms["verbatim_run_seconds"].labels(outcome).observe(seconds)

    def on_tokens(self, input_tokens: int, output_tokens: int) -> None:
        tokens = self._counters["verbatim_tokens_total"]
        tokens.labels("input").inc(input_tokens)
        tokens.labels("output").inc(output_tokens)

    def on_request(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """`route` is the template, never the path; `seconds` is None for a stream."""
        method = method if method in METHODS else "other"
        self._counters["verbatim_http_requests_total"].labels(method, route, status).inc()
        if seconds is not None:
            self._histograms["verbatim_http_request_seconds"].labels(method, route).observe(seconds)

    @contextmanager
    def open_stream(self) -> Iterator[None]:
        with self._gauges["verbatim_open_streams"].track_inprogress():
            yield

    def watch(self, name: str, read: Callable[[], float]) -> None:
        """Let a gauge follow a value in memory; `read` neither waits nor asks the database."""
        if name not in self._gauges:
            raise KeyError(f"no gauge is called {name}")
        self._sources[name] = read

    async def publish(self) -> NoReturn:
        """Keep the watched gauges fresh for the other workers, until cancelled."""
        while True:
            self._refresh()
            await asyncio.sleep(PUBLISH_SECONDS)

    def render(self) -> tuple[bytes, str]:
        """The body and the content type of the answer."""
        from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

        self._refresh()
        return generate_latest(self._registry or self._merged()), CONTENT_TYPE_PLAIN_0_0_4

    def _declare(self, name: str, declared: Declared) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        match declared.kind:
            case "counter":
                self._counters[name] = Counter(
                    name, declared.help, declared.labels, registry=self._registry
                )
            case "gauge":
                self._gauges[name] = Gauge(
                    name,
                    declared.help,
                    declared.labels,
                    registry=self._registry,
                    multiprocess_mode=declared.merge,
                )
            case "histogram":
                self._histograms[name] = Histogram(
                    name,
                    declared.help,
                    declared.labels,
                    registry=self._registry,
                    buckets=declared.buckets,
                )

    def _start_at_zero(self) -> None:
        for gauge in self._gauges.values():
            # A process that died may have left a value under the same pid.
            gauge.set(0)
        for outcome in RUN_OUTCOMES:
            self._counters["verbatim_runs_total"].labels(outcome)
            self._histograms["verbatim_run_seconds"].labels(outcome)
        for outcome in REPLICA_OUTCOMES:
            self._counters["verbatim_replica_reads_total"].labels(outcome)
        for kind in TOKEN_KINDS:
            self._counters["verbatim_tokens_total"].labels(kind)

    def _refresh(self) -> None:
        for name, read in self._sources.items():
            self._gauges[name].set(read())

    def _merged(self) -> CollectorRegistry:
        from prometheus_client import CollectorRegistry
        from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

        assert self._folder is not None  # noqa: S101
        for pid in _pids_in(self._folder):
            if not _is_alive(pid):
                mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call]
        return registry


def _pids_in(folder: Path) -> set[int]:
    matches = (re.fullmatch(r"gauge_live\w*_(\d+)\.db", path.name) for path in folder.iterdir())
    return {int(match[1]) for match in matches if match}


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
