"""Checks the log where it lies: every event, the order, the tree and all that was signed.

No hash of the database is believed: leaves are computed here from the events, and the tree from
the leaves. The log is read in pages, so that no snapshot is held for longer than one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from events import statements
from events.leaf import leaf_hash
from events.proofs.checkpoints import Checkpoint
from events.proofs.errors import MalformedProof, ProofFailed
from events.proofs.merkle import Node, fold, node_hash
from events.proofs.notes import NoteVerifier
from events.proofs.tree import LEVELS_APART, Reads
from events.stored import StoredEvent

PAGE_EVENTS = 5_000
PAGE_NOTES = 1_000
MOST_FINDINGS = 20


@dataclass(frozen=True, kw_only=True)
class LogFinding:
    #: 0 where it is of no position of the log.
    position: int
    text: str


@dataclass(kw_only=True)
class LogReport:
    #: Events that were checked, and checkpoints whose signature and root were.
    events: int = 0
    checkpoints: int = 0
    root: bytes = b""
    findings: list[LogFinding] = field(default_factory=list)

    def find(self, position: int, text: str) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(LogFinding(position=position, text=text))


@dataclass(frozen=True, kw_only=True)
class SignedRoot:
    tree_size: int
    #: None where the note itself is no good.
    root: bytes | None
    source: str


class LogCheck:
    """`verifier` is the log's key; `anchored` are notes of checkpoints that were kept elsewhere."""

    def __init__(
        self,
        reads: Reads,
        verifier: NoteVerifier,
        anchored: Sequence[str] = (),
        on_progress: Callable[[int], None] = lambda position: None,
    ) -> None:
        self._reads = reads
        self._verifier = verifier
        self._anchored = sorted(
            [_signed(note, verifier, "The checkpoint you gave") for note in anchored],
            key=lambda signed: signed.tree_size,
        )
        self._on_progress = on_progress
        self._report = LogReport()
        self._frontier: list[tuple[int, bytes]] = []
        self._good_size = 0
        self._is_changed = False

    async def run(self) -> LogReport:
        """Raises MalformedProof, ProofFailed for an anchored note that is no good itself."""
        signed = await self._signed_roots()
        while rows := await self._reads.fetch(
            statements.load("audit_log"), self._report.events, PAGE_EVENTS
        ):
            await self._check_page(rows, signed)
            self._on_progress(self._report.events)
        for one in signed:
            self._report.find(
                one.tree_size,
                f"The log ends at position {self._report.events}, but {one.source} was signed for "
                f"{one.tree_size} events: the rest was cut off.",
            )
        self._report.root = self._root()
        await self._check_streams()
        self._report.findings.sort(key=lambda finding: finding.position)
        return self._report

    async def _signed_roots(self) -> list[SignedRoot]:
        """By size, the largest first, so that the next one is the last."""
        signed = list(self._anchored)
        size = 0
        while rows := await self._reads.fetch(
            statements.load("read_checkpoints"), size, PAGE_NOTES
        ):
            signed += [self._stored_root(row) for row in rows]
            size = rows[-1]["tree_size"]
        return sorted(signed, key=lambda one: -one.tree_size)

    def _stored_root(self, row: Any) -> SignedRoot:
        size, source = row["tree_size"], f"the checkpoint of {row['tree_size']} events"
        try:
            signed = _signed(row["note"], self._verifier, source)
        except (MalformedProof, ProofFailed) as error:
            self._report.find(size, f"The checkpoint of {size} events is forged: {error}")
            return SignedRoot(tree_size=size, root=None, source=source)
        if signed.tree_size != size:
            self._report.find(size, f"The checkpoint of {size} events is one of another size.")
        return signed

    async def _check_page(self, rows: Sequence[Any], signed: list[SignedRoot]) -> None:
        nodes: dict[Node, bytes] = {}
        for row in rows:
            self._check_place(row["position"])
            self._add(self._leaf_of(row), nodes)
            while signed and signed[-1].tree_size <= self._report.events:
                self._check_root(signed.pop())
        await self._check_stored_nodes(nodes)

    def _check_place(self, position: int) -> None:
        expected = self._report.events + 1
        if position != expected:
            self._report.find(
                expected, f"Positions {expected} to {position - 1} are missing from the log."
            )
        self._report.events = position

    def _leaf_of(self, row: Any) -> bytes:
        where = f"Position {row['position']} ({row['stream_id']}, version {row['stream_version']})"
        leaf: bytes = row["leaf"]
        if row["event_id"] is None:
            self._report.find(row["position"], f"{where}: its event was deleted.")
            return leaf
        computed = leaf_hash(
            StoredEvent(
                row["stream_id"],
                row["stream_version"],
                row["event_id"],
                row["topic"],
                row["schema_version"],
                row["state"],
                row["owner_id"],
                row["metadata"],
                row["recorded_at"],
            )
        )
        if computed != leaf:
            self._report.find(row["position"], f"{where}: the event is not the one sealed there.")
        return leaf

    def _add(self, leaf: bytes, nodes: dict[Node, bytes]) -> None:
        level, node = 0, leaf
        while self._frontier and self._frontier[-1][0] == level:
            node = node_hash(self._frontier.pop()[1], node)
            level += 1
            if level == LEVELS_APART:
                nodes[level, (self._report.events - 1) >> level] = node
        self._frontier.append((level, node))

    def _root(self) -> bytes:
        return fold([node for _, node in self._frontier])

    def _check_root(self, signed: SignedRoot) -> None:
        # What comes after a change is changed as well, and says nothing more.
        if signed.root is None or self._is_changed:
            return
        self._report.checkpoints += 1
        if signed.root == self._root():
            self._good_size = signed.tree_size
            return
        self._is_changed = True
        self._report.find(
            self._good_size + 1,
            f"Positions {self._good_size + 1} to {signed.tree_size} are not those that "
            f"{signed.source} was signed for: something there was changed, moved or replaced.",
        )

    async def _check_stored_nodes(self, nodes: dict[Node, bytes]) -> None:
        if not nodes:
            return
        indexes = [index for _, index in nodes]
        for row in await self._reads.fetch(
            statements.load("read_tree_level"), LEVELS_APART, min(indexes), max(indexes)
        ):
            index = row["index"]
            if nodes.get((LEVELS_APART, index), row["hash"]) != row["hash"]:
                first = (index << LEVELS_APART) + 1
                last = first + (1 << LEVELS_APART) - 1
                self._report.find(
                    first, f"Positions {first} to {last} are not those the tree was grown from."
                )

    async def _check_streams(self) -> None:
        for row in await self._reads.fetch(
            statements.load("audit_stream_order"), self._report.events, MOST_FINDINGS
        ):
            self._report.find(
                row["position"],
                f"Position {row['position']}: version {row['stream_version']} of "
                f"{row['stream_id']} follows version {row['previous']}.",
            )
        for row in await self._reads.fetch(statements.load("audit_unlogged"), MOST_FINDINGS):
            self._report.find(
                0,
                f"Version {row['stream_version']} of {row['stream_id']} was added beside the log: "
                "it has no position and waits for none.",
            )


def _signed(note: str, verifier: NoteVerifier, source: str) -> SignedRoot:
    checkpoint = Checkpoint.open(note, verifier)
    return SignedRoot(tree_size=checkpoint.tree_size, root=checkpoint.root, source=source)
