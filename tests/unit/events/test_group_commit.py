"""How appends are picked for a batch; that batches reach the database is tested elsewhere."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.encoded_append import EncodedAppend
from events.errors import QueueFull, StoreUnavailable
from events.group_commit import (
    BATCH_APPENDS,
    FEW_APPENDS,
    MANY_APPENDS,
    GroupCommit,
    Waiting,
)

#: Queues of appends: the streams that each of them writes to.
QUEUES = st.lists(
    st.lists(st.sampled_from("abcde"), min_size=1, max_size=2, unique=True), max_size=30
)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def commits_of(waiting: list[Waiting], **settings: Any) -> GroupCommit:
    commits = GroupCommit(cast("Any", None), **settings)
    commits._queue.extend(waiting)
    return commits


def encoded(stream_id: str) -> EncodedAppend:
    return EncodedAppend(
        stream_id=stream_id,
        expected_version=0,
        owner_id="ada",
        key_id=None,
        idempotency_key=None,
        request_hash=None,
        event_ids=[str(uuid.uuid4())],
        topics=["conversation.started"],
        schema_versions=[1],
        states=[b"{}"],
        metadata=["{}"],
        companions=(),
    )


def waiting_for(loop: asyncio.AbstractEventLoop, *streams: str) -> Waiting:
    return Waiting([encoded(stream) for stream in streams], has_won=loop.create_future())


def finish(commits: GroupCommit, batch: list[Waiting]) -> None:
    commits._busy_streams.difference_update(*(waiting.streams for waiting in batch))


def names(batch: list[Waiting]) -> list[str]:
    return ["".join(append.stream_id for append in waiting.appends) for waiting in batch]


def test_batch_takes_everything_of_different_streams(loop: asyncio.AbstractEventLoop) -> None:
    commits = commits_of([waiting_for(loop, stream) for stream in "abc"])
    assert names(commits._take()) == ["a", "b", "c"]
    assert commits.depth == 0
    assert commits._take() == []


def test_batch_takes_one_append_of_a_stream(loop: asyncio.AbstractEventLoop) -> None:
    first, second = waiting_for(loop, "a"), waiting_for(loop, "a")
    commits = commits_of([first, second, waiting_for(loop, "b")])
    batch = commits._take()
    assert names(batch) == ["a", "b"]
    assert batch[0] is first
    assert commits._take() == []
    finish(commits, batch)
    assert commits._take() == [second]


def test_stream_of_another_writer_is_left_alone(loop: asyncio.AbstractEventLoop) -> None:
    commits = commits_of([waiting_for(loop, "a")])
    busy = commits._take()
    commits._queue.extend(waiting_for(loop, stream) for stream in "ab")
    assert names(commits._take()) == ["b"]
    finish(commits, busy)
    assert names(commits._take()) == ["a"]


def test_append_to_several_streams_goes_alone(loop: asyncio.AbstractEventLoop) -> None:
    commits = commits_of(
        [waiting_for(loop, "a"), waiting_for(loop, "b", "c"), waiting_for(loop, "d")]
    )
    batches = [names(commits._take()) for _ in range(3)]
    assert batches == [["a"], ["bc"], ["d"]]


def test_append_to_several_streams_waits_for_each_and_is_not_overtaken(
    loop: asyncio.AbstractEventLoop,
) -> None:
    commits = commits_of([waiting_for(loop, "a")])
    busy = commits._take()
    commits._queue.extend([waiting_for(loop, "a", "b"), waiting_for(loop, "b")])
    assert commits._take() == []
    finish(commits, busy)
    assert names(commits._take()) == ["ab"]


def test_batch_is_limited(loop: asyncio.AbstractEventLoop) -> None:
    commits = commits_of([waiting_for(loop, f"s{n}") for n in range(BATCH_APPENDS + 3)])
    assert len(commits._take()) == BATCH_APPENDS
    assert names(commits._take()) == [f"s{BATCH_APPENDS + n}" for n in range(3)]


@pytest.mark.parametrize(
    ("under_way", "queued", "is_written"),
    [
        (0, 1, True),
        (FEW_APPENDS, 1, True),
        (FEW_APPENDS + 1, MANY_APPENDS - 1, False),
        (FEW_APPENDS + 1, MANY_APPENDS, True),
    ],
    ids=["idle", "little", "between", "much"],
)
async def test_statement_starts_beside_others_under_little_load_and_under_much(
    under_way: int, queued: int, is_written: bool
) -> None:
    commits = commits_of([Waiting([encoded(f"s{n}")]) for n in range(queued)])
    commits._under_way = under_way
    try:
        async with asyncio.timeout(0.05):
            batch = await commits._next_batch()
    except TimeoutError:
        batch = []
    assert len(batch) == (queued if is_written else 0)


@given(queue=QUEUES, writers=st.integers(1, 3), data=st.data())
@settings(max_examples=300, deadline=None)
def test_each_stream_is_written_in_the_order_asked_by_one_writer_at_a_time(
    queue: list[list[str]], writers: int, data: st.DataObject, loop: asyncio.AbstractEventLoop
) -> None:
    asked = [waiting_for(loop, *streams) for streams in queue]
    commits = commits_of(asked)
    written: list[Waiting] = []
    running: list[list[Waiting]] = []
    while commits.depth or running:
        batch = commits._take() if len(running) < writers else []
        if batch:
            running.append(batch)
        else:
            assert running, "nothing is written and nothing can be taken"
            done = running.pop(data.draw(st.integers(0, len(running) - 1)))
            written += done
            finish(commits, done)
        held = [stream for each in running for waiting in each for stream in waiting.streams]
        assert len(held) == len(set(held))
        assert all(len(each) == 1 for each in running if any(len(w.appends) > 1 for w in each))
    for stream in "abcde":
        order = [waiting for waiting in asked if stream in waiting.streams]
        assert [waiting for waiting in written if stream in waiting.streams] == order


async def test_full_queue_refuses_and_says_its_size() -> None:
    commits = GroupCommit(cast("Any", None), capacity=2)
    queued = [asyncio.create_task(commits.append([encoded(stream)])) for stream in "ab"]
    await asyncio.sleep(0)
    with pytest.raises(QueueFull, match=r"^2 appends are waiting"):
        await commits.append([encoded("c")])
    assert commits.depth == 2
    for task in queued:
        task.cancel()
    await asyncio.gather(*queued, return_exceptions=True)


async def test_closed_queue_refuses() -> None:
    commits = GroupCommit(cast("Any", None))
    commits.close()
    with pytest.raises(StoreUnavailable, match="shutting down"):
        await commits.append([encoded("a")])
