"""What the log's key signs: a checkpoint of the tree, and how far a stream goes in it.

A checkpoint is C2SP's tlog-checkpoint: origin, tree size, root in base64; its one extension
line says when it was made. A stream's head begins with another line, so that neither can be
taken for the other.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from events.proofs.errors import MalformedProof, ProofFailed
from events.proofs.merkle import HASH_BYTES
from events.proofs.notes import NoteSigner, NoteVerifier

ORIGIN_PREFIX = "verbatim/"
_HEAD_MARK = "verbatim-stream-head/v1 "
_TIME_MARK = "time "
_COUNT = re.compile(r"0|[1-9]\d{0,18}")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    origin: str
    tree_size: int
    root: bytes
    signed_at: datetime

    def sign(self, signer: NoteSigner) -> str:
        return signer.sign(
            f"{self.origin}\n{self.tree_size}\n{_encoded(self.root)}\n"
            f"{_TIME_MARK}{_stamp(self.signed_at)}\n"
        )

    @classmethod
    def open(cls, note: str, verifier: NoteVerifier) -> Checkpoint:
        """Raises MalformedProof, ProofFailed."""
        lines = _lines(verifier.open(note), "checkpoint", 4)
        checkpoint = cls(
            origin=lines[0],
            tree_size=_count(lines[1]),
            root=_root(lines[2]),
            signed_at=_time(lines[3]),
        )
        _require_origin(checkpoint.origin, verifier)
        return checkpoint


@dataclass(frozen=True, kw_only=True)
class StreamHead:
    """That a stream has `version` events, no more and no fewer, among the first `tree_size`."""

    origin: str
    stream_id: str
    version: int
    tree_size: int
    root: bytes

    def sign(self, signer: NoteSigner) -> str:
        return signer.sign(
            f"{_HEAD_MARK}{self.origin}\n{self.stream_id}\n{self.version}\n{self.tree_size}\n"
            f"{_encoded(self.root)}\n"
        )

    @classmethod
    def open(cls, note: str, verifier: NoteVerifier) -> StreamHead:
        """Raises MalformedProof, ProofFailed."""
        lines = _lines(verifier.open(note), "head of a stream", 5)
        if not lines[0].startswith(_HEAD_MARK):
            raise MalformedProof("The signed note is no head of a stream.")
        head = cls(
            origin=lines[0].removeprefix(_HEAD_MARK),
            stream_id=lines[1],
            version=_count(lines[2]),
            tree_size=_count(lines[3]),
            root=_root(lines[4]),
        )
        _require_origin(head.origin, verifier)
        return head


def _lines(text: str, kind: str, count: int) -> list[str]:
    lines = text.removesuffix("\n").split("\n")
    if len(lines) != count:
        raise MalformedProof(f"The signed note is no {kind}: it has {len(lines)} lines.")
    return lines


def _require_origin(origin: str, verifier: NoteVerifier) -> None:
    if origin != verifier.name:
        raise ProofFailed(f"The note is of the log {origin!r}, the key of {verifier.name!r}.")


def _encoded(root: bytes) -> str:
    return base64.b64encode(root).decode()


def _root(text: str) -> bytes:
    try:
        root = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        root = b""
    if len(root) != HASH_BYTES:
        raise MalformedProof(f"{text[:80]!r} is no root of a tree.")
    return root


def _count(text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise MalformedProof(f"{text[:80]!r} is no number of events.")
    return int(text)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _time(text: str) -> datetime:
    try:
        if not text.startswith(_TIME_MARK):
            raise ValueError
        return datetime.strptime(text, f"{_TIME_MARK}%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise MalformedProof(f"{text[:80]!r} does not say when the note was signed.") from None
