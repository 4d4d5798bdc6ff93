"""The log's Merkle tree as it is stored: of every fourth level the nodes that are complete.

Rows of the tree can be thrown away: they grow again from the leaves, which the sealer wrote.
Reading a proof takes one statement and at most 15 rows for each fourth level.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from events import statements
from events.proofs.merkle import Node, Range, fold, node_hash, perfect_nodes

#: A stored node stands for 16 of the stored level below it.
LEVELS_APART = 4
CHILDREN = 1 << LEVELS_APART
#: Nodes added by one statement.
BATCH_NODES = 4_096


class Reads(Protocol):
    """A pool or connection of asyncpg."""

    async def fetch(self, statement: str, *values: object) -> Any: ...

    async def fetchval(self, statement: str, *values: object) -> Any: ...


async def grow(connection: Reads, head: int) -> None:
    """Store every node that is complete with `head` leaves and is not stored yet."""
    level, width = LEVELS_APART, head // CHILDREN
    while width:
        stored = await connection.fetchval(statements.load("tree_width"), level)
        for first in range(stored, width, BATCH_NODES):
            last = min(first + BATCH_NODES, width)
            await _add(connection, level, first, last)
        level, width = level + LEVELS_APART, width // CHILDREN


async def _add(connection: Reads, level: int, first: int, last: int) -> None:
    below = await _stored(
        connection, [(level - LEVELS_APART, first * CHILDREN, last * CHILDREN - 1)]
    )
    children = [below[level - LEVELS_APART, index] for index in sorted(i for _, i in below)]
    hashes = [
        root_of_perfect(children[start : start + CHILDREN])
        for start in range(0, len(children), CHILDREN)
    ]
    await connection.fetchval(statements.load("add_tree_nodes"), level, first, hashes)


def root_of_perfect(nodes: Sequence[bytes]) -> bytes:
    """Of a power of two of adjoining nodes."""
    while len(nodes) > 1:
        nodes = [node_hash(nodes[n], nodes[n + 1]) for n in range(0, len(nodes), 2)]
    return nodes[0]


async def range_hashes(reads: Reads, ranges: Sequence[Range]) -> list[bytes]:
    """The root over each range of leaves, in one statement; the tree must have grown that far."""
    parts = [perfect_nodes(*wanted) for wanted in ranges]
    stored = await _stored(reads, [_run_of(node) for nodes in parts for node in nodes])
    return [fold([_root_of(node, stored) for node in nodes]) for nodes in parts]


def _run_of(node: Node) -> tuple[int, int, int]:
    """A node as the stored nodes it is made of: (level, first, last)."""
    level, index = node
    apart = level % LEVELS_APART
    return level - apart, index << apart, (index + 1 << apart) - 1


def _root_of(node: Node, stored: dict[Node, bytes]) -> bytes:
    level, first, last = _run_of(node)
    return root_of_perfect([stored[level, index] for index in range(first, last + 1)])


async def _stored(reads: Reads, runs: Iterable[tuple[int, int, int]]) -> dict[Node, bytes]:
    levels, firsts, lasts = zip(*set(runs), strict=True) if runs else ((), (), ())
    rows = await reads.fetch(
        statements.load("read_tree_nodes"), list(levels), list(firsts), list(lasts)
    )
    return {(row["level"], row["index"]): row["hash"] for row in rows}
