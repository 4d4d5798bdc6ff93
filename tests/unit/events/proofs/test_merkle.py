"""Against the vectors of a public implementation, and against the RFC's definition."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.proofs.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    InclusionChecker,
    Node,
    Range,
    consistency_ranges,
    fold,
    inclusion_ranges,
    is_consistent,
    leaf_hash,
    node_hash,
    perfect_nodes,
    range_hash,
)

VECTORS = json.loads((Path(__file__).parent / "vectors" / "transparency_dev.json").read_text())
LEAVES = [leaf_hash(b"%d" % n) for n in range(200)]

sizes = st.integers(1, len(LEAVES))


def root_of(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return node_hash(root_of(leaves[:middle]), root_of(leaves[middle:]))


def proof(ranges: list[Range]) -> list[bytes]:
    return [root_of(LEAVES[start:end]) for start, end in ranges]


def named(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def bytes_of(texts: list[str] | None) -> list[bytes]:
    return [b64decode(text) for text in texts or ()]


@pytest.mark.parametrize("size", range(9))
def test_roots_of_a_public_implementation(size: int) -> None:
    leaves = [leaf_hash(bytes.fromhex(entry)) for entry in VECTORS["entries"][:size]]
    assert fold([root_of(leaves)] if leaves else []).hex() == VECTORS["roots"][size]


@pytest.mark.parametrize("vector", VECTORS["inclusion"], ids=named)
def test_inclusion_vectors(vector: dict[str, Any]) -> None:
    root = b64decode(vector["root"] or "")
    leaf = b64decode(vector["leafHash"] or "")
    path = bytes_of(vector["proof"])
    checker = InclusionChecker(vector["treeSize"], root)
    # A joined proof and a leaf that was hashed here can have no other length.
    is_whole = all(len(part) == HASH_BYTES for part in [leaf, *path])
    is_right = is_whole and checker.holds(leaf, vector["leafIdx"], b"".join(path))
    assert is_right is not vector["wantErr"]


@pytest.mark.parametrize("vector", VECTORS["consistency"], ids=named)
def test_consistency_vectors(vector: dict[str, Any]) -> None:
    roots = b64decode(vector["root1"] or ""), b64decode(vector["root2"] or "")
    is_right = is_consistent(vector["size1"], vector["size2"], *roots, bytes_of(vector["proof"]))
    assert is_right is not vector["wantErr"]


def test_paths_of_the_rfcs_example() -> None:
    """RFC 6962, section 2.1.3: a tree of seven leaves."""
    b, c, d, g, h = (1, 2), (2, 3), (3, 4), (0, 2), (2, 4)
    i, j, k, leaf_j = (4, 6), (6, 7), (0, 4), (6, 7)
    assert inclusion_ranges(0, 7) == [b, h, (4, 7)]
    assert inclusion_ranges(3, 7) == [c, g, (4, 7)]
    assert inclusion_ranges(4, 7) == [(5, 6), j, k]
    assert inclusion_ranges(6, 7) == [i, k]
    assert consistency_ranges(3, 7) == [c, d, g, (4, 7)]
    assert consistency_ranges(4, 7) == [(4, 7)]
    assert consistency_ranges(6, 7) == [i, leaf_j, k]


@given(sizes, st.data())
def test_each_leaf_is_proved_and_no_other(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = b"".join(proof(inclusion_ranges(index, size)))
    checker = InclusionChecker(size, root_of(LEAVES[:size]))
    other = data.draw(st.integers(0, size).filter(lambda n: n != index))
    for _ in range(2):  # the second time nothing is hashed
        assert not checker.holds(LEAVES[index][::-1], index, path)
        assert not checker.holds(LEAVES[index], other, path)
        assert not path or not checker.holds(LEAVES[index], index, path[:-1])
        assert not checker.holds(LEAVES[index], index, path + LEAVES[0])
        assert checker.holds(LEAVES[index], index, path)


@given(sizes)
def test_proofs_of_one_tree_are_checked_together(size: int) -> None:
    checker = InclusionChecker(size, root_of(LEAVES[:size]))
    for index in range(size):
        path = b"".join(proof(inclusion_ranges(index, size)))
        if path:
            assert not checker.holds(LEAVES[index], index, path[:-1] + bytes([path[-1] ^ 1]))
        assert checker.holds(LEAVES[index], index, path)


@given(sizes, st.data())
def test_each_tree_begins_with_the_ones_before_it(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    path = proof(consistency_ranges(old, size))
    roots = root_of(LEAVES[:old]), root_of(LEAVES[:size])
    assert is_consistent(old, size, *roots, path)
    assert not is_consistent(old, size, roots[0][::-1], roots[1], path)
    assert not is_consistent(old, size, roots[0], roots[1][::-1], path)
    assert not is_consistent(old, size, *roots, [*path, LEAVES[0]])


@given(st.integers(0, 200), st.integers(0, 200))
def test_perfect_nodes_cover_a_range_once(one: int, other: int) -> None:
    start, end = sorted((one, other))
    nodes = perfect_nodes(start, end)
    covered = [leaf for level, at in nodes for leaf in range(at << level, (at + 1) << level)]
    assert covered == list(range(start, end))


@given(sizes)
def test_root_is_folded_from_perfect_nodes(size: int) -> None:
    hashes: dict[Node, bytes] = {
        (level, at): root_of(LEAVES[at << level : (at + 1) << level])
        for level, at in perfect_nodes(0, size)
    }
    assert range_hash((0, size), hashes) == root_of(LEAVES[:size])
