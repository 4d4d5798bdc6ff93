from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from runtime.metrics import METRICS, SHARED_FOLDER_VARIABLE, Metrics, shared_by_workers

WORKER = """
import sys
from runtime.metrics import Metrics
metrics = Metrics()
lag = float(sys.argv[1])
metrics.watch("verbatim_seal_lag_seconds", lambda: lag)
metrics.watch("verbatim_append_queue_depth", lambda: 2)
metrics.on_append(0.003, 5)
metrics.on_run_ended("completed", 2.0)
metrics.on_tokens(100, 10)
metrics.on_request("POST", "/chatkit", 200, 0.02)
with metrics.open_stream():
    for _ in sys.stdin:
        body, _ = metrics.render()
        sys.stdout.write(body.decode() + "# EOF" + chr(10))
        sys.stdout.flush()
"""


def parse(body: str) -> dict[str, float]:
    """Samples by name and labels, as Prometheus' own parser reads them."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(body):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            key = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert key not in found
            found[key] = sample.value
    return found


def samples_of(metrics: Metrics) -> dict[str, float]:
    return parse(metrics.render()[0].decode())


class Worker:
    def __init__(self, lag: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(lag)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.scrape()

    def scrape(self) -> dict[str, float]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("scrape\n")
        self.process.stdin.flush()
        return parse("".join(iter(self.process.stdout.readline, "# EOF\n")))

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SHARED_FOLDER_VARIABLE, raising=False)


def test_figures_appear_under_the_declared_names() -> None:
    metrics = Metrics()
    metrics.on_append(0.003, 5)
    metrics.on_seal(5, 0.004)
    metrics.on_projected(5, 0.005)
    metrics.on_run_ended("failed", 3.0)
    metrics.on_tokens(100, 10)
    metrics.on_request("GET", "/api/{user_id}/tasks", 403, 0.02)
    metrics.watch("verbatim_projection_position", lambda: 41)
    samples = samples_of(metrics)
    assert samples["verbatim_appends_total"] == 1
    assert samples["verbatim_appended_events_total"] == 5
    assert samples["verbatim_append_seconds_sum"] == 0.003
    assert samples["verbatim_append_seconds_bucket{le=0.0025}"] == 0
    assert samples["verbatim_append_seconds_bucket{le=0.005}"] == 1
    assert samples["verbatim_sealed_events_total"] == 5
    assert samples["verbatim_seal_seconds_count"] == 1
    assert samples["verbatim_projected_events_total"] == 5
    assert samples["verbatim_projection_seconds_count"] == 1
    assert samples["verbatim_projection_position"] == 41
    assert samples["verbatim_runs_total{outcome=failed}"] == 1
    assert samples["verbatim_runs_total{outcome=completed}"] == 0
    assert samples["verbatim_tokens_total{kind=input}"] == 100
    assert samples["verbatim_tokens_total{kind=output}"] == 10
    assert (
        samples["verbatim_http_requests_total{method=GET,route=/api/{user_id}/tasks,status=403}"]
        == 1
    )


def test_every_metric_declared_is_rendered_with_its_help_and_no_other() -> None:
    body = Metrics().render()[0].decode()
    helps = [line.split(" ", 3)[2:] for line in body.splitlines() if line.startswith("# HELP")]
    assert {name: text for name, text in helps} == METRICS


def test_content_type_names_the_text_format() -> None:
    assert Metrics().render()[1].startswith("text/plain; version=0.0.4")


def test_open_streams_go_down_again() -> None:
    metrics = Metrics()
    with metrics.open_stream(), metrics.open_stream():
        assert samples_of(metrics)["verbatim_open_streams"] == 2
    assert samples_of(metrics)["verbatim_open_streams"] == 0


def test_open_stream_counts_down_when_it_breaks() -> None:
    metrics = Metrics()
    with pytest.raises(ConnectionError), metrics.open_stream():
        raise ConnectionError
    assert samples_of(metrics)["verbatim_open_streams"] == 0


def test_stream_counts_as_a_request_without_a_time() -> None:
    metrics = Metrics()
    metrics.on_request("GET", "/events", 200, None)
    samples = samples_of(metrics)
    assert samples["verbatim_http_requests_total{method=GET,route=/events,status=200}"] == 1
    assert not any(name.startswith("verbatim_http_request_seconds_") for name in samples)


def test_methods_that_clients_make_up_share_one_series() -> None:
    metrics = Metrics()
    for method in ("FOO", "BAR"):
        metrics.on_request(method, "unmatched", 405, 0.001)
    samples = samples_of(metrics)
    assert samples["verbatim_http_requests_total{method=other,route=unmatched,status=405}"] == 2


def test_watched_gauge_follows_its_source_at_each_scrape() -> None:
    metrics = Metrics()
    values = iter([1.0, 7.0])
    metrics.watch("verbatim_database_last_look_age_seconds", lambda: next(values))
    assert samples_of(metrics)["verbatim_database_last_look_age_seconds"] == 1
    assert samples_of(metrics)["verbatim_database_last_look_age_seconds"] == 7


def test_watching_what_is_no_gauge_is_refused() -> None:
    with pytest.raises(KeyError, match="no gauge"):
        Metrics().watch("verbatim_appends_total", lambda: 0)


async def test_publish_refreshes_until_cancelled() -> None:
    metrics = Metrics()
    was_read = asyncio.Event()

    def read() -> float:
        was_read.set()
        return 0

    metrics.watch("verbatim_seal_lag_seconds", read)
    publishing = asyncio.create_task(metrics.publish())
    await asyncio.wait_for(was_read.wait(), 5)
    publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing


def test_two_metrics_of_one_process_do_not_share_figures() -> None:
    first, second = Metrics(), Metrics()
    first.on_append(0.001, 1)
    assert samples_of(second)["verbatim_appends_total"] == 0


def test_workers_are_added_up_and_a_dead_one_leaves_only_its_counts() -> None:
    with shared_by_workers() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        first, second = Worker(lag=1.5), Worker(lag=0.25)
        try:
            samples = first.scrape()
            assert samples == second.scrape()
            assert samples["verbatim_appends_total"] == 2
            assert samples["verbatim_appended_events_total"] == 10
            assert samples["verbatim_append_seconds_count"] == 2
            assert samples["verbatim_append_seconds_bucket{le=0.005}"] == 2
            assert samples["verbatim_runs_total{outcome=completed}"] == 2
            assert samples["verbatim_tokens_total{kind=input}"] == 200
            assert samples["verbatim_open_streams"] == 2
            assert samples["verbatim_append_queue_depth"] == 4
            assert samples["verbatim_seal_lag_seconds"] == 1.5
            first.kill()
            samples = second.scrape()
            assert samples["verbatim_open_streams"] == 1
            assert samples["verbatim_seal_lag_seconds"] == 0.25
            assert samples["verbatim_appends_total"] == 2
        finally:
            first.kill()
            second.kill()
    assert not folder.exists()
    assert SHARED_FOLDER_VARIABLE not in os.environ


def test_folder_is_gone_after_an_error_in_the_parent() -> None:
    with pytest.raises(RuntimeError), shared_by_workers() as folder:
        raise RuntimeError
    assert not folder.exists()
    assert SHARED_FOLDER_VARIABLE not in os.environ


def test_importing_metrics_does_not_import_the_prometheus_client() -> None:
    code = "import sys, runtime.metrics; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
