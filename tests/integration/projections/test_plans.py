"""The pages that people look at find their rows by indexes, however much there is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Select

from events import conversation as c
from projections import selects
from projections.searching import search_for
from projections.statements import bound
from projections.usage_totals import Asked, parameters, statement
from tests.integration.projections.read_node import ReadNode, read_node
from tests.log_node import new_stream
from tests.unit.projections.histories import posted

OWNERS = 20
CONVERSATIONS = 6_000
MESSAGES_EACH = 5
#: Of user0; every tenth conversation of the lot holds the common word, one in a hundred the other.
COMMON, RARE = "common", "rare"


async def fill(node: ReadNode) -> tuple[int, int]:
    """Hashes of words that user0's key leads to, in a set as a year of chats would leave it."""
    await node.append(new_stream(), 0, c.Started(), posted("m1"), owner_id="user0")
    await node.reads.conversations_page("user0", limit=1)
    (key,) = await node.log.keys.living("user0")
    common, rare = key.word_hashes([COMMON, RARE])
    await node.pool.execute(_CONVERSATIONS, CONVERSATIONS, OWNERS)
    await node.pool.execute(_MESSAGES, MESSAGES_EACH)
    await node.pool.execute(_SEARCH, common, rare)
    await node.pool.execute(_USAGE)
    for table in ("conversations", "messages", "search", "usage", "branches"):
        await node.pool.execute(f"VACUUM ANALYZE read_g1.{table}")
    return common, rare


_CONVERSATIONS = """
INSERT INTO read_g1.conversations (id, owner_id, status, created_at, updated_at, branch_id,
    message_count, version, sealed)
SELECT 'c' || n, 'user' || n % $2::int, 'active', now() - n * interval '1 minute', now(), 'main',
    2, 3, ''
FROM generate_series(1, $1::int) AS n
"""
_MESSAGES = """
INSERT INTO read_g1.messages (conversation_id, id, owner_id, ordinal, role, status, created_at,
    branch_id, number, slot_id, sealed)
SELECT id, 'm' || m, owner_id, m * 16777216, 'user', 'completed', now(), 'main', m, 'm' || m, ''
FROM read_g1.conversations, generate_series(1, $1::int) AS m
WHERE id LIKE 'c%'
"""
_SEARCH = """
INSERT INTO read_g1.search (conversation_id, id, owner_id, hashes, sealed)
SELECT conversation_id, id, owner_id,
    array(SELECT (random() * 30000)::bigint FROM generate_series(1, 12 + number * 0))
        || CASE WHEN number = 1 AND substr(conversation_id, 2)::int % 10 = 0
            THEN ARRAY[$1::bigint] ELSE '{}' END
        || CASE WHEN number = 1 AND substr(conversation_id, 2)::int % 100 = 0
            THEN ARRAY[$2::bigint] ELSE '{}' END,
    ''
FROM read_g1.messages
WHERE conversation_id LIKE 'c%'
"""
_USAGE = """
INSERT INTO read_g1.usage (conversation_id, id, owner_id, day, model, status, requests,
    input_tokens, output_tokens, sealed)
SELECT conversation_id, id, owner_id,
    date '2025-01-01' + substr(conversation_id, 2)::int % 600, 'gpt', 'completed', 1, 100, 10, ''
FROM read_g1.messages
WHERE conversation_id LIKE 'c%'
"""


async def plan_of(
    node: ReadNode, select: Select[Any], given: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Every node of the plan that PostgreSQL carried out."""
    sql, values = bound(select, "read_g1", {"generation": 1, "owner_id": "user0", **given})
    (plan,) = await node.pool.fetchrow(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *values)
    return list(_nodes(json.loads(plan)[0]["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def rows_read(nodes: list[dict[str, Any]], table: str) -> float:
    return sum(
        (n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) * n["Actual Loops"]
        for n in nodes
        if n.get("Relation Name") == table
    )


def assert_by_index(nodes: list[dict[str, Any]]) -> None:
    walked = [n["Relation Name"] for n in nodes if n["Node Type"] == "Seq Scan"]
    assert not {"conversations", "messages", "search", "usage"} & set(walked), walked


async def test_pages_are_found_by_their_indexes(database_url: str) -> None:
    async with read_node(database_url) as node:
        await fill(node)
        keys = await node.log.keys.living("user0")
        now = datetime.now(UTC)

        listed = await plan_of(node, selects.conversations_page("desc", has_after=False), _LIMIT)
        assert_by_index(listed)
        assert rows_read(listed, "conversations") <= 31

        after = {**_LIMIT, "after_at": now, "after_id": "c0"}
        assert_by_index(
            await plan_of(node, selects.conversations_page("desc", has_after=True), after)
        )

        history = await plan_of(
            node,
            selects.messages_page("asc", has_after=False, has_branch=False),
            {**_LIMIT, "conversation_id": "c20"},
        )
        assert_by_index(history)
        assert rows_read(history, "messages") <= 3 * MESSAGES_EACH

        for query in (COMMON, RARE, f"{COMMON} {RARE}", "neverwritten"):
            wanted = search_for(query, keys)
            select = selects.conversations_page("desc", has_after=False, search=wanted.shape)
            searched = await plan_of(node, select, {**_LIMIT, **wanted.parameters})
            assert_by_index(searched)
            used = {n.get("Index Name") for n in searched}
            assert used & {"search_hashes", "search_pkey"}, query

        days = Asked(
            by="conversation",
            from_day=date(2025, 3, 1),
            to_day=date(2025, 3, 20),
            owner_id="user0",
        )
        used_up = await plan_of(node, statement(days, has_after=False), parameters(days, 30, None))
        assert_by_index(used_up)


_LIMIT = {"limit": 31}
