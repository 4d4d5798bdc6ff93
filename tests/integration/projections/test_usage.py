from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from events import conversation as c
from events.event import Event
from events.ids import new_id
from projections.errors import InvalidCursor
from projections.usage_totals import Asked, By, Used, read_totals
from tests.integration.projections.read_node import ReadNode, read_node
from tests.log_node import new_stream
from tests.unit.projections.histories import posted, requested, run_started


def run_of(tokens: int, message_id: str = "m1") -> list[Event]:
    run_id = str(new_id())
    usage = c.Usage(requests=1, input_tokens=tokens, output_tokens=1)
    return [
        posted(message_id),
        requested(run_id, message_id),
        run_started(run_id),
        c.RunCompleted(run_id=run_id, usage=usage),
    ]


def asked(by: By, owner_id: str | None = "ada") -> Asked:
    today = datetime.now(UTC).date()
    return Asked(by=by, from_day=today - timedelta(days=1), to_day=today, owner_id=owner_id)


async def write(node: ReadNode, *events: Event, owner_id: str = "ada") -> str:
    stream_id = new_stream()
    await node.append(stream_id, 0, c.Started(), *events, owner_id=owner_id)
    return c.id_of(stream_id)


async def test_usage_is_added_up_by_day_conversation_and_model(database_url: str) -> None:
    async with read_node(database_url) as node:
        one = await write(node, *run_of(10), *run_of(20, "m2"))
        deleted = await write(node, *run_of(5), c.Deleted())
        await write(node, *run_of(1_000), owner_id="bob")
        total = Used(runs=3, requests=3, input_tokens=35, output_tokens=3)
        for by in ("day", "conversation", "model"):
            found = await node.reads.usage(asked(by), limit=10)
            assert found.total == total
            assert not found.is_stale
        by_conversation = await node.reads.usage(asked("conversation"), limit=10)
        assert {row.key: row.input_tokens for row in by_conversation.rows} == {one: 30, deleted: 5}
        (model,) = (await node.reads.usage(asked("model"), limit=10)).rows
        assert (model.key, model.runs) == ("scripted", 3)
        everybody = await read_totals(node.pool, asked("user", None), limit=10)
        assert [(row.key, row.input_tokens) for row in everybody.rows] == [
            ("ada", 35),
            ("bob", 1_000),
        ]


async def test_pages_of_usage_hold_each_key_once_and_the_same_total(database_url: str) -> None:
    async with read_node(database_url) as node:
        written = {await write(node, *run_of(1)) for _ in range(7)}
        keys: list[str] = []
        after: str | None = None
        while True:
            page = await node.reads.usage(asked("conversation"), limit=3, after=after)
            assert page.total.runs == 7
            keys += (row.key for row in page.rows)
            if (after := page.after) is None:
                break
        assert keys == sorted(written)
        with pytest.raises(InvalidCursor):
            await node.reads.usage(asked("day"), limit=3, after="nonsense")


async def test_usage_counts_the_days_that_were_asked_for(database_url: str) -> None:
    async with read_node(database_url) as node:
        await write(node, *run_of(1))
        await write(node, *run_of(2))
        assert (await node.reads.usage(asked("day"), limit=9)).total.runs == 2
        moved = "UPDATE read_g1.usage SET day = '2026-03-01' WHERE input_tokens = 1"
        await node.pool.execute(moved)
        march = Asked(by="day", from_day=date(2026, 3, 1), to_day=date(2026, 3, 1), owner_id="ada")
        (row,) = (await node.reads.usage(march, limit=9)).rows
        assert (row.key, row.input_tokens) == ("2026-03-01", 1)
        nothing = await node.reads.usage(asked("day", "nobody"), limit=9)
        assert (nothing.rows, nothing.total.runs) == ((), 0)


async def test_usage_is_the_same_after_a_rebuild(database_url: str) -> None:
    async with read_node(database_url) as node:
        await write(node, *run_of(10), *run_of(20, "m2"))
        await write(node, *run_of(5), c.Deleted())
        before = await node.reads.usage(asked("conversation"), limit=10)
        await node.builder.rebuild()
        after = await read_totals(node.pool, asked("conversation"), limit=10)
        assert (after.rows, after.total) == (before.rows, before.total)


async def test_usage_is_read_in_one_statement(database_url: str) -> None:
    async with read_node(database_url) as node:
        await write(node, *run_of(10))
        await node.reads.usage(asked("day"), limit=10)
        node.statements.clear()
        await node.reads.usage(asked("conversation"), limit=10)
        assert len([text for text in node.statements if "usage" in text]) == 1
