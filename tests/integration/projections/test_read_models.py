from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from events import conversation as c
from events import task as t
from events import user as u
from events.ids import new_id
from events.keys import PlainKeyRing
from events.signal import LogSignal
from events.store import EventStore
from projections.building import Builder
from projections.errors import InvalidCursor, NoLiveGeneration, ReadModelBehind
from projections.pages import Order, Page
from projections.read_models import ReadModels
from tests.integration.projections.read_node import ReadNode, eventually, read_node
from tests.log_node import append_to, new_stream
from tests.unit.projections.histories import posted, replied, requested, run_started

ListPage = Callable[[str | None], Awaitable[Page[Any]]]


async def start_conversations(node: ReadNode, count: int, owner_id: str = "ada") -> list[str]:
    """In order of creation."""
    streams = [new_stream() for _ in range(count)]
    for stream_id in streams:
        await node.append(stream_id, 0, c.Started(), owner_id=owner_id)
    return [c.id_of(stream_id) for stream_id in streams]


async def write_thread(node: ReadNode, turns: int) -> str:
    """A conversation with whole turns."""
    conversation_id, version = str(new_id()), 0
    events: list[Any] = [c.Started()]
    for n in range(turns):
        run_id = str(new_id())
        events += [
            posted(f"m{n}", f"question {n}"),
            requested(run_id, f"m{n}"),
            replied(run_id, f"a{n}", f"answer {n}"),
            c.RunCompleted(run_id=run_id),
        ]
    await node.append(c.stream_of(conversation_id), version, *events)
    return conversation_id


async def walk(list_page: ListPage) -> list[Any]:
    rows: list[Any] = []
    after: str | None = None
    for _ in range(100):
        page = await list_page(after)
        rows += page.rows
        assert page.has_more == (page.after is not None)
        if page.after is None:
            return rows
        after = page.after
    raise AssertionError("The pages do not end.")


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 3, 7, 8, 50])
async def test_pages_of_conversations_skip_and_repeat_nothing(
    database_url: str, order: Order, limit: int
) -> None:
    async with read_node(database_url) as node:
        created = await start_conversations(node, 8)
        await start_conversations(node, 3, owner_id="bob")
        rows = await walk(
            lambda after: node.reads.conversations_page(
                "ada", limit=limit, after=after, order=order
            )
        )
        expected = created if order == "asc" else created[::-1]
        assert [row.id for row in rows] == expected


async def test_pages_are_stable_while_conversations_are_added_and_changed(
    database_url: str,
) -> None:
    async with read_node(database_url) as node:
        created = await start_conversations(node, 6)
        first = await node.reads.conversations_page("ada", limit=3)
        await start_conversations(node, 2)
        await node.append(c.stream_of(created[0]), 1, c.Renamed(title="moved?"))
        second = await node.reads.conversations_page("ada", limit=3, after=first.after)
        assert [row.id for row in (*first.rows, *second.rows)] == created[::-1]
        assert second.rows[-1].title == "moved?"
        assert not second.has_more


async def test_conversations_created_at_the_same_moment_are_all_listed(
    database_url: str,
) -> None:
    async with read_node(database_url) as node:
        created = await start_conversations(node, 5)
        await node.reads.conversations_page("ada", limit=1)
        await node.pool.execute("UPDATE read_g1.conversations SET created_at = now()")
        rows = await walk(lambda after: node.reads.conversations_page("ada", limit=2, after=after))
        assert sorted(row.id for row in rows) == sorted(created)


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_of_messages_and_items_follow_the_turns(
    database_url: str, order: Order
) -> None:
    async with read_node(database_url) as node:
        conversation_id = await write_thread(node, 4)
        messages = await walk(
            lambda after: node.reads.messages_page(
                "ada", conversation_id, limit=3, after=after, order=order
            )
        )
        items = await walk(
            lambda after: node.reads.thread_items_page(
                "ada", conversation_id, limit=3, after=after, order=order
            )
        )
        texts = [text for n in range(4) for text in (f"question {n}", f"answer {n}")]
        ids = [item_id for n in range(4) for item_id in (f"m{n}", f"a{n}")]
        step = 1 if order == "asc" else -1
        assert [row.content for row in messages] == texts[::step]
        assert [row.item["id"] for row in items] == ids[::step]


async def test_hidden_and_inactive_items_are_left_out_before_paging(database_url: str) -> None:
    async with read_node(database_url) as node:
        conversation_id, run_id = str(new_id()), str(new_id())
        hidden = [{"id": f"h{n}", "type": "sdk_hidden_context"} for n in range(5)]
        await node.append(
            c.stream_of(conversation_id),
            0,
            c.Started(),
            posted("m1"),
            requested(run_id, "m1"),
            *(c.ThreadItemPut(item=item) for item in hidden),
            replied(run_id, "a1"),
            c.RunCompleted(run_id=run_id),
            c.BranchForked(branch_id="b", message_id="m1"),
            posted("m2"),
        )
        page = await node.reads.thread_items_page("ada", conversation_id, limit=2)
        assert [row.id for row in page.rows] == ["m1", "m2"]
        assert not page.has_more
        left = await node.reads.thread_item("ada", conversation_id, "a1")
        assert left is not None
        assert left.branch_id == "main"


async def test_cursor_that_no_page_gave_is_refused(database_url: str) -> None:
    async with read_node(database_url) as node:
        conversation_id = await write_thread(node, 1)
        reads = node.reads
        for list_page in (
            lambda bad: reads.conversations_page("ada", limit=1, after=bad),
            lambda bad: reads.messages_page("ada", conversation_id, limit=1, after=bad),
            lambda bad: reads.thread_items_page("ada", conversation_id, limit=1, after=bad),
            lambda bad: reads.tasks_list("ada", limit=1, after=bad),
        ):
            for bad in ("nonsense", "", "💥", "a\x00"):
                with pytest.raises(InvalidCursor):
                    await list_page(bad)


async def test_foreign_owner_sees_nothing(database_url: str) -> None:
    async with read_node(database_url) as node:
        conversation_id, run_id = str(new_id()), str(new_id())
        await node.append(
            c.stream_of(conversation_id), 0, c.Started(), posted("m1"), requested(run_id, "m1")
        )
        await node.append(t.stream_of(str(new_id())), 0, t.Added(title="Milk"))
        reads = node.reads
        assert await reads.run("ada", run_id) is not None
        assert (await reads.conversations_page("eve", limit=9)).rows == ()
        assert await reads.conversation("eve", conversation_id) is None
        assert (await reads.messages_page("eve", conversation_id, limit=9)).rows == ()
        assert (await reads.thread_items_page("eve", conversation_id, limit=9)).rows == ()
        with pytest.raises(InvalidCursor):
            await reads.thread_items_page("eve", conversation_id, limit=9, after="m1")
        assert await reads.thread_item("eve", conversation_id, "m1") is None
        assert (await reads.tasks_list("eve", limit=9)).rows == ()
        assert await reads.run("eve", run_id) is None
        assert await reads.unfinished_runs("eve", conversation_id) == []
        assert await reads.owner_of_conversation(conversation_id) == "ada"
        assert await reads.owner_of_conversation(str(new_id())) is None
        found = await reads.run(None, run_id)
        assert found is not None
        assert found.owner_id == "ada"


async def test_each_query_is_one_statement(database_url: str) -> None:
    async with read_node(database_url) as node:
        conversation_id = await write_thread(node, 3)
        first = await node.reads.conversations_page("ada", limit=1)
        page = await node.reads.messages_page("ada", conversation_id, limit=1)
        reads = node.reads
        for query in (
            lambda: reads.conversations_page("ada", limit=1, after=first.after),
            lambda: reads.conversation("ada", conversation_id),
            lambda: reads.messages_page("ada", conversation_id, limit=1, after=page.after),
            lambda: reads.thread_items_page("ada", conversation_id, limit=1, after="m0"),
            lambda: reads.thread_item("ada", conversation_id, "m0"),
            lambda: reads.tasks_list("ada", status="pending", limit=1),
            lambda: reads.unfinished_runs("ada", conversation_id),
            lambda: reads.owner_of_conversation(conversation_id),
        ):
            node.statements.clear()
            await query()
            # The live generation is looked up once a second, beside them.
            queries = [s for s in node.statements if "definition" not in s]
            assert len(queries) == 1, node.statements


async def test_unfinished_runs_come_in_the_order_they_wait(database_url: str) -> None:
    async with read_node(database_url) as node:
        conversation_id = str(new_id())
        run_ids = [str(new_id()) for _ in range(3)]
        asked = [e for n, r in enumerate(run_ids) for e in (posted(f"m{n}"), requested(r, f"m{n}"))]
        stream_id = c.stream_of(conversation_id)
        version = await node.append(stream_id, 0, c.Started(), *asked, run_started(run_ids[0]))
        unfinished = await node.reads.unfinished_runs("ada", conversation_id)
        assert [(run.id, run.status) for run in unfinished] == list(
            zip(run_ids, ("running", "requested", "requested"), strict=True)
        )
        await node.append(stream_id, version, c.RunCompleted(run_id=run_ids[0]))
        row = await node.reads.conversation("ada", conversation_id)
        assert row is not None
        assert (row.active_run_id, row.queued_run_ids) == (run_ids[1], (run_ids[2],))
        ended = await node.reads.run("ada", run_ids[0])
        assert ended is not None
        assert ended.ended_at is not None


async def test_tasks_are_listed_by_status_in_order(database_url: str) -> None:
    async with read_node(database_url) as node:
        for n in range(4):
            done = [t.Completed()] if n % 2 else []
            await node.append(t.stream_of(str(new_id())), 0, t.Added(title=f"task {n}"), *done)

        async def titles(status: str | None, order: Order = "asc") -> list[str]:
            rows = await walk(
                lambda after: node.reads.tasks_list(
                    "ada", status=status, limit=1, after=after, order=order
                )
            )
            return [row.title for row in rows]

        assert await titles(None) == ["task 0", "task 1", "task 2", "task 3"]
        assert await titles("completed", "desc") == ["task 3", "task 1"]
        assert await titles("pending") == ["task 0", "task 2"]


async def test_owner_reads_own_writes_on_any_node(database_url: str) -> None:
    async with read_node(database_url) as one, read_node(database_url) as two:
        stream_id = new_stream()
        version = await one.append(stream_id, 0, c.Started())
        for n in range(20):
            version = await one.append(stream_id, version, c.Renamed(title=f"title {n}"))
            for node in (two, one):
                row = await node.reads.conversation("ada", c.id_of(stream_id))
                assert row is not None
                assert row.title == f"title {n}"


async def test_page_tells_the_position_it_was_read_at(database_url: str) -> None:
    async with read_node(database_url) as node:
        await start_conversations(node, 3)
        page = await node.reads.conversations_page("ada", limit=9)
        assert page.position == 3


async def test_reader_of_own_writes_gives_up_in_time(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False, patience_seconds=0.3) as node:
        await start_conversations(node, 1)
        started = asyncio.get_running_loop().time()
        with pytest.raises(ReadModelBehind):
            await node.reads.conversations_page("ada", limit=1)
        assert 0.3 <= asyncio.get_running_loop().time() - started < 2
        await node.seal()
        with pytest.raises(ReadModelBehind):
            await node.reads.conversations_page("ada", limit=1)
        assert (await node.reads.conversations_page("bob", limit=1)).rows == ()


async def test_waiting_reader_does_not_spin_when_progress_is_of_another_generation(
    database_url: str,
) -> None:
    async with read_node(database_url, is_projecting=False, patience_seconds=0.5) as node:
        node.projector.progress.advance(1_000)
        await start_conversations(node, 1)
        with pytest.raises(ReadModelBehind):
            await node.reads.conversations_page("ada", limit=1)
        assert len(node.statements) < 20


async def test_parked_conversation_is_stale_and_not_behind(database_url: str) -> None:
    async with read_node(database_url) as node:
        (healthy,) = await start_conversations(node, 1)
        stream_id = new_stream()
        conversation_id = c.id_of(stream_id)
        version = await node.append(stream_id, 0, c.Started(), posted("m1"))
        await node.append(stream_id, version, replied("never requested", "a1"))
        page = await node.reads.conversations_page("ada", limit=9, order="asc")
        assert [(row.id, row.is_stale) for row in page.rows] == [
            (healthy, False),
            (conversation_id, True),
        ]
        assert page.is_stale
        row = await node.reads.conversation("ada", conversation_id)
        assert row is not None
        assert row.is_stale
        messages = await node.reads.messages_page("ada", conversation_id, limit=9)
        assert messages.is_stale
        assert [row.content for row in messages.rows] == ["hello"]
        items = await node.reads.thread_items_page(
            "ada", conversation_id, limit=9, order="desc", after="m1"
        )
        assert items.is_stale
        assert items.rows == ()
        assert not (await node.reads.messages_page("ada", healthy, limit=9)).is_stale


async def test_deleted_conversation_is_not_shown(database_url: str) -> None:
    async with read_node(database_url) as node:
        conversation_id = await write_thread(node, 1)
        await node.append(c.stream_of(conversation_id), 5, c.Deleted())
        assert await node.reads.conversation("ada", conversation_id) is None
        assert (await node.reads.conversations_page("ada", limit=9)).rows == ()
        assert (await node.reads.messages_page("ada", conversation_id, limit=9)).rows == ()
        assert await node.reads.owner_of_conversation(conversation_id) == "ada"


async def test_read_without_a_generation_says_what_to_do(database_url: str) -> None:
    async with read_node(database_url, wanted="unknown") as node:
        with pytest.raises(NoLiveGeneration, match="db migrate"):
            await node.reads.conversations_page("ada", limit=1)


async def test_content_stands_encrypted_in_every_table(database_url: str) -> None:
    secret = "zanzibar"
    async with read_node(database_url) as node:
        conversation_id, run_id = str(new_id()), str(new_id())
        await node.append(
            c.stream_of(conversation_id),
            0,
            c.Started(title=secret),
            posted("m1", secret),
            requested(run_id, "m1"),
            replied(run_id, "a1", secret),
            c.RunFailed(run_id=run_id, code="internal", message=secret),
        )
        await node.append(t.stream_of(str(new_id())), 0, t.Added(title=secret, notes=secret))
        page = await node.reads.tasks_list("ada", limit=1)
        assert page.rows[0].title == secret
        for table in ("conversations", "messages", "thread_items", "runs", "tasks"):
            query = f"SELECT t.*::text AS row, sealed FROM read_g1.{table} AS t"
            rows = await node.pool.fetch(query)
            assert rows
            for row in rows:
                assert secret not in row["row"]
                assert secret.encode() not in row["sealed"]


async def test_erased_user_is_gone_and_a_rebuild_agrees(database_url: str) -> None:
    async with read_node(database_url) as node:
        await write_thread(node, 2)
        (kept,) = await start_conversations(node, 1, owner_id="bob")
        assert (await node.reads.conversations_page("ada", limit=9)).rows
        await node.append(u.stream_of("ada"), 0, u.Erased(keys=1), owner_id="system")
        await node.pool.execute("DELETE FROM verbatim.data_keys WHERE owner_id = 'ada'")
        node.log.keys.forget("ada")
        head = await node.seal()
        await eventually(lambda: node.projector.status.position == head)
        assert (await node.reads.conversations_page("ada", limit=9)).rows == ()
        await start_conversations(node, 1)
        assert len((await node.reads.conversations_page("ada", limit=9)).rows) == 1
        rebuilt = await node.builder.rebuild()
        rows = await node.all_rows(rebuilt)
        assert {row.owner_id for row in rows.values()} == {"ada", "bob"}
        assert ("conversations", kept) in rows
        assert len(rows) == 2
        assert await node.pool.fetchval("SELECT count(*) FROM verbatim.parked") == 0


async def test_rows_under_a_destroyed_key_are_not_there(database_url: str) -> None:
    async with read_node(database_url) as node:
        conversation_id = await write_thread(node, 1)
        assert await node.reads.conversation("ada", conversation_id) is not None
        await node.pool.execute("DELETE FROM verbatim.data_keys WHERE owner_id = 'ada'")
        node.log.keys.forget("ada")
        assert await node.reads.conversation("ada", conversation_id) is None
        assert (await node.reads.messages_page("ada", conversation_id, limit=9)).rows == ()


async def test_everything_works_without_encryption(database_url: str) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        keys = PlainKeyRing()
        store = EventStore(node.pool, keys, node.log.commits, on_commit=node.log.sealer.wake)
        stream_id = new_stream()
        await store.append(append_to(stream_id, 0, c.Started(title="in the clear")))
        await node.seal()
        await Builder(node.pool, store).rebuild()
        reads = ReadModels(node.engine, keys, progress=LogSignal())
        row = await reads.conversation("ada", c.id_of(stream_id))
        assert row is not None
        assert row.title == "in the clear"
        sealed = await node.pool.fetchrow("SELECT key_id, sealed FROM read_g2.conversations")
        assert sealed["key_id"] is None
        assert b"in the clear" in sealed["sealed"]
