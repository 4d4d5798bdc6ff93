"""Streams through `next start`, read as a browser reads them: asking for gzip."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.web.belongings import events_of, message
from tests.e2e.web.model import AFTER_SILENCE, COUNTING, SILENT_SECONDS, WORD_SECONDS, WORDS
from tests.e2e.web.people import Person
from tests.e2e.web.reading import STREAM, Line, read
from tests.e2e.web.site import Site
from tests.e2e.web.tokens import mint
from tests.wire import ResponsesServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.05
#: What the site may add to the API's own time, which a busy machine stretches for both.
FIRST_LATER_SECONDS = 0.5
GAP_LONGER_SECONDS = 1.0


def arrivals(lines: list[Line]) -> dict[str, float]:
    """When each frame was there, by its id."""
    return {line.text: line.at for line in lines if line.text.startswith("id:")}


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture(scope="module")
def token(site: Site, ada_person: Person) -> str:
    return mint(site, ada_person).good


def test_words_come_through_the_site_as_the_api_sends_them(
    site: Site, ada_person: Person, token: str, pool: ThreadPoolExecutor
) -> None:
    with ada_person.client(site) as client:
        said = message("count slowly")
        with client.stream("POST", "/api/chatkit", json=said, headers=STREAM) as response:
            assert response.status_code == 200
            assert "no-transform" in response.headers["cache-control"]
            run_id = response.headers["verbatim-run"]
            direct = pool.submit(_read_from_api, site, token, run_id)
            lines = read(response)
    through, sent = arrivals(lines), arrivals(direct.result(PATIENCE_SECONDS))
    assert COUNTING.replace(" ", "") in _said(lines).replace(" ", "")
    words = list(through)[-len(WORDS) :]
    assert set(words) <= set(sent)
    # The frames before that were there when the API began to be read.
    lags = [through[word] - sent[word] for word in words]
    assert statistics.median(lags) < FIRST_LATER_SECONDS
    assert _widest_gap(through, words) < _widest_gap(sent, words) + GAP_LONGER_SECONDS
    spread = through[words[-1]] - through[words[0]]
    assert spread > WORD_SECONDS * len(WORDS) / 2


def _read_from_api(site: Site, token: str, run_id: str) -> list[Line]:
    headers = STREAM | {"Authorization": f"Bearer {token}"}
    url = f"{site.api_url}/chatkit/runs/{run_id}/stream"
    with (
        httpx.Client(timeout=PATIENCE_SECONDS) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        return read(response)


def _widest_gap(at: dict[str, float], frames: list[str]) -> float:
    times = [at[frame] for frame in frames]
    return max(later - sooner for sooner, later in itertools.pairwise(times))


def _said(lines: list[Line]) -> str:
    events = events_of("\n".join(line.text for line in lines))
    return "".join(event.get("update", {}).get("delta", "") for event in events)


def test_list_of_tasks_is_there_before_its_stream_ends(site: Site, ada_person: Person) -> None:
    with (
        ada_person.client(site) as client,
        client.stream("GET", "/api/tasks/stream", headers=STREAM) as response,
    ):
        assert next(response.iter_lines()).startswith('data: {"data":')


def test_leaving_reaches_the_api(site: Site, ada_person: Person, wire: ResponsesServer) -> None:
    wire.gate.hold(before_chunk=3, user="count to abort")
    before = wire.abandoned
    headers = STREAM | {"Verbatim-Abort": "stop"}
    with ada_person.client(site) as client:
        said = message("count to abort")
        with client.stream("POST", "/api/chatkit", json=said, headers=headers) as response:
            lines = response.iter_lines()
            while "text_delta" not in next(lines):
                pass
        deadline = time.monotonic() + PATIENCE_SECONDS
        while wire.abandoned == before and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    wire.gate.release()
    assert wire.abandoned == before + 1


def test_half_a_minute_of_silence_is_survived(silence: Future[list[Line]]) -> None:
    """It was begun with the first test of this folder."""
    lines = silence.result(SILENT_SECONDS + PATIENCE_SECONDS)
    assert _said(lines) == AFTER_SILENCE
    assert lines[-1].text == ": end"
    pings = [line for line in lines if line.text == ": ping"]
    assert len(pings) >= SILENT_SECONDS // 10
    frames = list(arrivals(lines).values())
    gaps = [later - sooner for sooner, later in itertools.pairwise(frames)]
    assert max(gaps) > SILENT_SECONDS - 1
