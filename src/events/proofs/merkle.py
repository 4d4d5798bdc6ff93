"""The Merkle tree of RFC 6962 over SHA-256, as pure functions.

A node is (level, index): the root of the perfect subtree over the 2**level leaves from
index * 2**level. A range is (start, end) of leaves, 0-based, the end excluded; ranges are those a
tree splits into, so their own hash is that of a tree over their leaves.

Checking follows RFC 9162, sections 2.1.3.2 and 2.1.4.2, which hold for RFC 6962's proofs as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import reduce

Node = tuple[int, int]
Range = tuple[int, int]

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def perfect_nodes(start: int, end: int) -> list[Node]:
    """The fewest perfect subtrees that cover a range, from left to right."""
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def fold(subtrees: Sequence[bytes]) -> bytes:
    """The root over adjoining perfect subtrees, given from left to right."""
    if not subtrees:
        return EMPTY_ROOT
    return reduce(lambda right, left: node_hash(left, right), reversed(subtrees))


def range_hash(wanted: Range, hashes: Mapping[Node, bytes]) -> bytes:
    return fold([hashes[node] for node in perfect_nodes(*wanted)])


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """What an inclusion proof consists of, from the leaf upwards."""
    start, end = 0, size
    ranges: list[Range] = []
    while end - start > 1:
        middle = _middle(start, end)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old_size: int, size: int) -> list[Range]:
    """What a proof consists of that the tree of `size` begins with the tree of `old_size`."""
    start, end = 0, size
    ranges: list[Range] = []
    is_old_root = True
    while 0 < old_size != end:
        middle = _middle(start, end)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, is_old_root = middle, False
    if not is_old_root:
        ranges.append((start, end))
    return ranges[::-1]


class InclusionChecker:
    """Checks proofs in one tree; what they have in common is hashed once."""

    def __init__(self, size: int, root: bytes) -> None:
        self._size = size
        self._root = root
        #: By (level, place): a node that was proved, and the rest of its proof.
        self._proved: dict[Node, tuple[bytes, bytes]] = {}

    def holds(self, leaf: bytes, index: int, proof: bytes) -> bool:
        """Whether the tree has that leaf there; `proof` is its hashes, joined."""
        if not 0 <= index < self._size or len(proof) % HASH_BYTES:
            return False
        steps: list[tuple[Node, tuple[bytes, bytes]]] = []
        at, last, level, node = index, self._size - 1, 0, leaf
        for offset in range(0, len(proof), HASH_BYTES):
            proved = self._proved.get((level, at))
            if proved is not None:
                return proved == (node, proof[offset:]) and self._keep(steps)
            steps.append(((level, at), (node, proof[offset:])))
            if last == 0:
                return False
            sibling = proof[offset : offset + HASH_BYTES]
            if at & 1 or at == last:
                node = node_hash(sibling, node)
                while not at & 1 and at:
                    at, last, level = at >> 1, last >> 1, level + 1
            else:
                node = node_hash(node, sibling)
            at, last, level = at >> 1, last >> 1, level + 1
        return last == 0 and node == self._root and self._keep(steps)

    def _keep(self, steps: list[tuple[Node, tuple[bytes, bytes]]]) -> bool:
        self._proved.update(steps)
        return True


def is_consistent(
    old_size: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the tree of `size` with `root` begins with the tree of `old_size` with `old_root`."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    if not proof:
        return False
    # A tree of a power of two is a node of the greater one, and its hash is not repeated.
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    return _roots_of_consistency(old_size - 1, size - 1, path) == (old_root, root)


def _roots_of_consistency(at: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    while at & 1:
        at, last = at >> 1, last >> 1
    old_root = root = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if at & 1 or at == last:
            old_root, root = node_hash(sibling, old_root), node_hash(sibling, root)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        at, last = at >> 1, last >> 1
    return (old_root, root) if last == 0 else None


def _middle(start: int, end: int) -> int:
    """Where a tree over more than one leaf is split."""
    return start + (1 << (end - start - 1).bit_length() - 1)
