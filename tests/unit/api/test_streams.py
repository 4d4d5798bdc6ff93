from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from agent.errors import FramesGone
from agent.frames import Frame
from api import run_feed
from api.errors import StreamGone, UnusableRequest
from api.run_feed import RunFeed
from api.sse import seq_after

RUN = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")
FRAMES = [Frame(n, b"{}", is_last=n == 4) for n in range(1, 5)]

Step = Callable[[int], list[Frame]]


class Frames:
    """A reader of stored frames whose answers are given one by one."""

    def __init__(self, *steps: Step | Exception | float) -> None:
        self._steps = list(steps)
        self.asked: list[int] = []

    async def follow(
        self, run_id: uuid.UUID, owner_id: str, after_seq: int = 0
    ) -> AsyncIterator[list[Frame]]:
        self.asked.append(after_seq)
        seq = after_seq
        while self._steps:
            step = self._steps.pop(0)
            if isinstance(step, Exception):
                raise step
            if isinstance(step, float):
                await asyncio.sleep(step)
                continue
            frames = step(seq)
            yield frames
            seq = frames[-1].seq


def rest(seq: int) -> list[Frame]:
    return FRAMES[seq:]


def one(seq: int) -> list[Frame]:
    return FRAMES[seq : seq + 1]


def feed(frames: Any, after_seq: int = 0) -> RunFeed:
    return RunFeed(frames, RUN, "ada", after_seq)


async def drain(of: RunFeed) -> list[list[int]]:
    await of.begin()
    return [[frame.seq for frame in batch] async for batch in of.batches()]


async def test_feed_gives_every_frame_once() -> None:
    whole = feed(Frames(one, one, rest))
    assert await drain(whole) == [[1], [2], [3, 4]]
    assert whole.is_complete


@pytest.mark.parametrize(("after_seq", "expected"), [(1, [[2, 3, 4]]), (3, [[4]]), (4, [])])
async def test_feed_goes_on_after_a_frame(after_seq: int, expected: list[list[int]]) -> None:
    frames = Frames(rest)
    resumed = feed(frames, after_seq)
    assert await drain(resumed) == expected
    assert resumed.is_complete
    assert frames.asked == [after_seq - 1]


async def test_feed_from_beyond_the_end_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_feed, "FIRST_SECONDS", 0.05)
    with pytest.raises(StreamGone):
        await feed(Frames(5.0), 9).begin()
    with pytest.raises(FramesGone):
        await feed(Frames(FramesGone("run")), 9).begin()
    with pytest.raises(StreamGone):
        await feed(Frames(lambda seq: FRAMES[3:]), 2).begin()


async def test_silence_gives_empty_batches_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_feed, "SILENCE_SECONDS", 0.05)
    frames = Frames(one, 5.0, 5.0, one, rest)
    assert await drain(feed(frames)) == [[1], [], [], [2], [3, 4]]
    assert frames.asked == [0, 1, 1]


async def test_outage_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_feed, "RETRY_SECONDS", 0.01)
    frames = Frames(one, ConnectionResetError(), ConnectionResetError(), rest)
    assert await drain(feed(frames)) == [[1], [2, 3, 4]]
    assert frames.asked == [0, 1, 1]


@pytest.mark.parametrize("error", [FramesGone("run"), ConnectionResetError()])
async def test_stream_that_cannot_go_on_ends_early(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_feed, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(run_feed, "OUTAGE_SECONDS", 0.05)
    broken = feed(Frames(one, *[error] * 20))
    assert await drain(broken) == [[1]]
    assert not broken.is_complete


async def test_lost_database_at_the_beginning_is_raised() -> None:
    with pytest.raises(ConnectionResetError):
        await feed(Frames(ConnectionResetError())).begin()
    with pytest.raises(TimeoutError):
        await feed(Frames(TimeoutError())).begin()


def test_last_event_id_is_the_runs_own() -> None:
    assert seq_after(None, RUN) is None
    assert seq_after(f"{RUN}:0", RUN) == 0
    assert seq_after(f"{RUN}:17", RUN) == 17


@pytest.mark.parametrize(
    "last_event_id",
    ["", "17", f"{RUN}", f"{RUN}:", f"{RUN}:-1", f"{RUN}:1x", f"{RUN}:٣", f"{RUN}:9999999999"],
)
def test_other_last_event_ids_are_refused(last_event_id: str) -> None:
    with pytest.raises(UnusableRequest):
        seq_after(last_event_id, RUN)


def test_last_event_id_of_another_run_is_refused() -> None:
    with pytest.raises(UnusableRequest):
        seq_after(f"{uuid.uuid4()}:1", RUN)
