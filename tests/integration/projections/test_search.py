from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from events import conversation as c
from events.event import Event
from events.ids import new_id
from projections.errors import TooManyWords
from projections.pages import Order
from tests.integration.projections.read_node import ReadNode, read_node
from tests.integration.projections.test_read_models import walk
from tests.log_node import new_stream
from tests.unit.projections.histories import posted, replied, requested

DAY = timedelta(days=1)


async def write(node: ReadNode, *events: Event, owner_id: str = "ada") -> str:
    """A conversation of these events; its id."""
    stream_id = new_stream()
    await node.append(stream_id, 0, *events, owner_id=owner_id)
    return c.id_of(stream_id)


async def find(node: ReadNode, query: str, owner_id: str = "ada", **paging: Any) -> list[str]:
    page = await node.reads.conversations_page(owner_id, limit=50, query=query, **paging)
    return [row.id for row in page.rows]


async def test_conversations_are_found_by_all_words_of_title_and_messages(
    database_url: str,
) -> None:
    async with read_node(database_url) as node:
        run_id = str(new_id())
        shopping = await write(
            node,
            c.Started(title="Weekly Groceries"),
            posted("m1", "Buy crème brûlée"),
            requested(run_id, "m1"),
            replied(run_id, "a1", "Noted: 東京タワーへ行く"),
        )
        party = await write(node, c.Started(title="Party"), posted("m1", "buy balloons"))
        await write(node, c.Started(title="groceries"), posted("m1", "buy"), owner_id="bob")
        assert await find(node, "buy") == [party, shopping]
        assert await find(node, "BUY", order="asc") == [shopping, party]
        assert await find(node, "creme groceries NOTED") == [shopping]
        assert await find(node, "東京 タワー") == [shopping]
        assert await find(node, "京") == [shopping]
        assert await find(node, "brulee balloons") == []
        assert await find(node, "groc") == []
        assert await find(node, "!!") == []
        # 東ワ are no neighbours, and parts of one word stand in one text.
        assert await find(node, "東タ") == []
        assert await find(node, "weekly-buy") == []
        with pytest.raises(TooManyWords):
            await find(node, "a b c d e f g h i j k")


async def test_search_follows_renames_edits_and_deletions(database_url: str) -> None:
    async with read_node(database_url) as node:
        kept = await write(
            node,
            c.Started(title="Former"),
            posted("m1", "first wording"),
            c.Renamed(title="Later"),
            c.BranchForked(branch_id="b1", parent_id="main", message_id="m1", side="before"),
            posted("m2", "second wording"),
        )
        gone = await write(node, c.Started(title="Later"), posted("m1", "first"))
        assert await find(node, "first") == [gone, kept]
        await node.append(c.stream_of(gone), 2, c.Deleted())
        assert await find(node, "former") == []
        assert await find(node, "later") == [kept]
        assert await find(node, "first") == [kept]
        assert await find(node, "second") == [kept]
        rows = await node.pool.fetch("SELECT conversation_id FROM read_g1.search")
        assert gone not in {row[0] for row in rows}


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_of_what_is_found_skip_and_repeat_nothing(
    database_url: str, order: Order
) -> None:
    async with read_node(database_url) as node:
        created = [
            await write(node, c.Started(title=f"{'even' if n % 2 == 0 else 'odd'} one"))
            for n in range(15)
        ]

        def page(after: str | None) -> Any:
            return node.reads.conversations_page(
                "ada", limit=3, after=after, order=order, query="one even"
            )

        assert [row.id for row in await walk(page)] == created[::2][:: 1 if order == "asc" else -1]


async def test_search_sees_the_searchers_own_writes_in_one_statement(database_url: str) -> None:
    async with read_node(database_url) as node:
        await find(node, "warm")
        for n in range(5):
            written = await write(node, c.Started(title=f"fresh{n}"))
            assert await find(node, f"fresh{n}") == [written]
        node.statements.clear()
        await find(node, "fresh1")
        searches = [text for text in node.statements if "search" in text]
        assert len(searches) == 1
        assert len(node.statements) <= 2  # once a second, which generation is live


async def test_hashes_tell_nothing_without_the_key_and_an_erased_user_finds_nothing(
    database_url: str,
) -> None:
    async with read_node(database_url, is_projecting=False) as node:
        await write(node, c.Started(title="secret"))
        await write(node, c.Started(title="secret"), owner_id="bob")
        await node.seal()
        while await node.projector.advance():
            pass
        of_ada, of_bob = [
            row["hashes"] for row in await node.pool.fetch("SELECT hashes FROM read_g1.search")
        ]
        assert not set(of_ada) & set(of_bob)
        assert await find(node, "secret")
        await node.pool.execute("DELETE FROM verbatim.data_keys WHERE owner_id = 'ada'")
        node.log.keys.forget("ada")
        assert await find(node, "secret") == []
        assert await find(node, "secret", "bob")


async def test_search_by_someone_who_never_wrote_makes_no_key(database_url: str) -> None:
    async with read_node(database_url) as node:
        assert await find(node, "anything", "newcomer") == []
        assert await node.pool.fetchval("SELECT count(*) FROM verbatim.data_keys") == 0


async def test_rows_hashed_under_any_of_the_owners_keys_are_found(database_url: str) -> None:
    async with read_node(database_url) as node:
        older = await write(node, c.Started(title="milk"))
        assert await find(node, "milk") == [older]
        await node.pool.execute(
            "UPDATE verbatim.data_keys SET generation = 0 WHERE owner_id = 'ada'"
        )
        await node.pool.execute(_SECOND_KEY, *_wrapped(node, "ada"))
        node.log.keys.forget("ada")
        newer = await write(node, c.Started(title="milk bread"))
        assert await find(node, "milk") == [newer, older]
        assert await find(node, "bread") == [newer]


_SECOND_KEY = """
INSERT INTO verbatim.data_keys (key_id, owner_id, generation, wrapped) VALUES ($1, $2, 1, $3)
"""


def _wrapped(node: ReadNode, owner_id: str) -> tuple[Any, ...]:
    key_id = new_id()
    event_key = node.log.keys._event_key  # type: ignore[attr-defined]
    return key_id, owner_id, event_key.wrap(b"2" * 32, key_id, owner_id)
