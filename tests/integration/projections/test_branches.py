from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import asyncpg

from events import conversation as c
from events.event import Event
from events.ids import new_id
from projections import selects
from projections.conversations import ConversationRow
from projections.errors import InvalidCursor, UnknownBranch
from projections.messages import MessageRow
from projections.pages import Order
from projections.rows import ReadRow, Siblings
from projections.tables import SCHEMA
from projections.thread_items import ThreadItemRow
from runtime.embedded import EmbeddedServer
from tests.databases import cloned
from tests.integration.projections.read_node import ReadNode, read_node
from tests.integration.projections.test_read_models import walk
from tests.unit.projections.histories import (
    Step,
    histories,
    posted,
    recorded,
    replied,
    requested,
)
from tests.unit.projections.memory import MemoryRows, folded, rows_of_branch


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories(max_actions=90))
async def test_every_branch_is_read_in_pages_as_the_fold_has_it(
    postgres: EmbeddedServer, template_database: str, history: list[Step]
) -> None:
    memory = await asyncio.to_thread(folded, recorded(history))
    async with cloned(postgres, template_database) as url, read_node(url) as node:
        await node.append_all(history)
        for row in conversations_of(memory):
            for branch_id in branches_of(history, row.id):
                expected = rows_of_branch(memory, MessageRow, row.id, branch_id)
                found = await walk_messages(node, row, branch_id=branch_id)
                assert bare(found) == bare(expected)
            assert bare(await walk_messages(node, row)) == bare(
                rows_of_branch(memory, MessageRow, row.id, row.branch_id)
            )
            items = rows_of_branch(memory, ThreadItemRow, row.id, row.branch_id)
            shown = [item.id for item in items if not item.is_hidden]
            assert [item.id for item in await walk_items(node, row)] == shown
            assert [i.id for i in await walk_items(node, row, order="desc")] == shown[::-1]


async def test_siblings_are_counted_and_named_on_every_page(database_url: str) -> None:
    async with read_node(database_url) as node:
        conversation_id, runs = str(new_id()), [str(new_id()) for _ in range(5)]
        replies = [c.reply_id_of(run_id) for run_id in runs]
        await node.append(
            c.stream_of(conversation_id),
            0,
            c.Started(),
            *turn("m1", runs[0], "a1"),
            c.BranchForked(branch_id="b1", parent_id="main", message_id="m1"),
            *turn("m1", runs[1], "a2", is_retry=True),
            c.BranchForked(branch_id="b2", parent_id="main", message_id="m1"),
            *turn("m1", runs[2], "a3", is_retry=True),
            c.BranchForked(branch_id="b3", parent_id="main", message_id="m1", side="before"),
            *turn("m2", runs[3], "a4"),
            c.BranchSwitched(branch_id="b1", from_branch_id="b3"),
            *turn("m3", runs[4], "a5"),
        )
        page = await node.reads.messages_page("ada", conversation_id, limit=9)
        of_message = Siblings(message_id="m1", number=1, count=2, previous_id=None, next_id="m2")
        of_reply = Siblings(
            message_id=replies[1], number=2, count=3, previous_id=replies[0], next_id=replies[2]
        )
        assert [(row.id, row.siblings) for row in page.rows] == [
            ("m1", of_message),
            (replies[1], of_reply),
            ("m3", None),
            (replies[4], None),
        ]
        items = await node.reads.thread_items_page("ada", conversation_id, limit=9)
        assert [(row.id, row.siblings) for row in items.rows] == [
            ("m1", of_message),
            ("a2", of_reply),
            ("m3", None),
            ("a5", None),
        ]


async def test_pages_stay_on_the_branch_they_began_on(database_url: str) -> None:
    async with read_node(database_url) as node:
        conversation_id = str(new_id())
        stream_id = c.stream_of(conversation_id)
        version = await node.append(stream_id, 0, c.Started(), *turns(4))
        read = node.reads.messages_page
        first = await read("ada", conversation_id, limit=3)
        fork = c.BranchForked(branch_id="b1", parent_id="main", message_id="m1")
        await node.append(stream_id, version, fork, *turn("m1", str(new_id()), "again"))
        second = await read("ada", conversation_id, limit=9, after=first.after)
        assert [row.number for row in (*first.rows, *second.rows)] == list(range(1, 9))
        assert {row.branch_id for row in second.rows} == {"main"}
        with pytest.raises(InvalidCursor):
            await read("ada", conversation_id, limit=9, after=first.after, branch_id="b1")


async def test_unknown_or_foreign_branch_is_refused(database_url: str) -> None:
    async with read_node(database_url) as node:
        conversation_id = str(new_id())
        fork = c.BranchForked(branch_id="b1", parent_id="main", message_id="m0")
        await node.append(c.stream_of(conversation_id), 0, c.Started(), *turns(1), fork)
        read = node.reads.messages_page
        assert len((await read("ada", conversation_id, limit=9, branch_id="main")).rows) == 2
        assert len((await read("ada", conversation_id, limit=9, branch_id="b1")).rows) == 1
        for owner_id, branch_id in (("ada", "b2"), ("ada", ""), ("eve", "main"), ("eve", "b1")):
            with pytest.raises(UnknownBranch):
                await read(owner_id, conversation_id, limit=9, branch_id=branch_id)


async def test_reply_is_read_by_id_on_any_branch(database_url: str) -> None:
    async with read_node(database_url) as node:
        conversation_id = str(new_id())
        fork = c.BranchForked(branch_id="b1", parent_id="main", message_id="m0", side="before")
        await node.append(c.stream_of(conversation_id), 0, c.Started(), *turns(1), fork)
        found = await node.reads.message("ada", conversation_id, "m0")
        assert found is not None
        assert found.branch_id == "main"
        assert await node.reads.message("eve", conversation_id, "m0") is None


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_page_of_a_long_conversation_with_many_branches_reads_little(
    database_url: str, order: Order
) -> None:
    async with read_node(database_url, patience_seconds=30) as node:
        conversation_id = str(new_id())
        events: list[Event] = [c.Started(), *turns(400)]
        for n in range(30):
            fork = c.BranchForked(branch_id=f"b{n}", parent_id="", message_id=f"m{200 + n}")
            events += [fork, *turn(f"m{200 + n}", str(new_id()), f"again {n}", is_retry=True)]
            events += turns(20, f"b{n}-")
        await node.append(c.stream_of(conversation_id), 0, *events)
        limit = 20
        whole = await walk_messages(node, conversation_id, order=order)
        middle = whole[len(whole) // 2].ordinal
        for table, statement, after in (
            ("messages", selects.messages_page(order, has_after=True, has_branch=False), middle),
            ("thread_items", selects.thread_items_page(order, has_after=True), "m100"),
        ):
            assert len(whole) > 400
            await node.pool.execute(f"ANALYZE read_g1.{table}")
            read = await rows_read(node, table, statement, conversation_id, limit, after)
            # A page of each of the path's two stretches, and two rows to find the siblings of each.
            assert read <= 6 * limit


def turn(message_id: str, run_id: str, reply_id: str, *, is_retry: bool = False) -> Iterator[Event]:
    if not is_retry:
        yield posted(message_id)
    yield requested(run_id, message_id, "retry" if is_retry else "message")
    yield replied(run_id, reply_id)
    yield c.RunCompleted(run_id=run_id)


def turns(count: int, prefix: str = "") -> list[Event]:
    return [
        event
        for n in range(count)
        for event in turn(f"{prefix}m{n}", str(new_id()), f"{prefix}a{n}")
    ]


def conversations_of(memory: MemoryRows) -> list[ConversationRow]:
    rows = memory.stored.values()
    return [row for row in rows if isinstance(row, ConversationRow) and row.status == "active"]


def branches_of(history: Iterable[Step], conversation_id: str) -> list[str]:
    forks = [
        step.event.branch_id
        for step in history
        if isinstance(step.event, c.BranchForked) and step.stream_id == c.stream_of(conversation_id)
    ]
    return [c.MAIN_BRANCH, *forks]


def bare(rows: Iterable[ReadRow]) -> list[tuple[Any, ...]]:
    return [(row.id, row.ordinal, row.branch_id, row.number) for row in rows]  # type: ignore[attr-defined]


async def walk_messages(
    node: ReadNode, of: ConversationRow | str, *, order: Order = "asc", **named: Any
) -> list[MessageRow]:
    owner_id, conversation_id = ("ada", of) if isinstance(of, str) else (of.owner_id, of.id)
    return await walk(
        lambda after: node.reads.messages_page(
            owner_id, conversation_id, limit=30, after=after, order=order, **named
        )
    )


async def walk_items(
    node: ReadNode, row: ConversationRow, *, order: Order = "asc"
) -> list[ThreadItemRow]:
    return await walk(
        lambda after: node.reads.thread_items_page(
            row.owner_id, row.id, limit=3, after=after, order=order
        )
    )


async def rows_read(
    node: ReadNode,
    table: str,
    statement: Select[Any],
    conversation_id: str,
    limit: int,
    after: int | str,
) -> int:
    """How many rows of a table (messages: and of its siblings) the statement looks at."""
    compiled = statement.compile(
        dialect=asyncpg.dialect(),  # type: ignore[no-untyped-call]
        schema_translate_map={SCHEMA: "read_g1"},
        render_schema_translate=True,
    )
    given = {
        "owner_id": "ada",
        "conversation_id": conversation_id,
        "limit": limit,
        "generation": 1,
        "after_ordinal": after,
        "after_id": after,
    }
    values = [given.get(name, compiled.params[name]) for name in compiled.positiontup or ()]
    (plan,) = await node.pool.fetchrow(f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}", *values)
    return sum(
        (scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)) * scan["Actual Loops"]
        for scan in scans(json.loads(plan)[0]["Plan"])
        if scan.get("Relation Name") in (table, "messages")
    )


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from scans(below)
