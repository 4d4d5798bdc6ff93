"""Checks what a stranger was handed, with a public key and nothing else."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from events.leaf import leaf_hash
from events.proofs.bundle import (
    BundledEvent,
    BundleHeader,
    ConsistencyProof,
    read_event,
    read_first,
)
from events.proofs.checkpoints import Checkpoint, StreamHead
from events.proofs.errors import MalformedProof, ProofFailed
from events.proofs.merkle import HASH_BYTES, InclusionChecker, is_consistent
from events.proofs.notes import NoteVerifier


@dataclass(frozen=True, kw_only=True)
class ProvedStream:
    """All of a stream's events up to `version`, as they stood in the log at the checkpoint."""

    checkpoint: Checkpoint
    stream_id: str
    version: int


@dataclass(frozen=True, kw_only=True)
class ProvedGrowth:
    """The newer tree begins with the older one."""

    old: Checkpoint
    new: Checkpoint


def check_file(lines: Iterable[bytes], key: NoteVerifier | None) -> ProvedStream | ProvedGrowth:
    """`key` is None to believe the one in the file. Raises MalformedProof, ProofFailed."""
    rest = iter(lines)
    first = read_first(next(rest, b""))
    verifier = key or NoteVerifier.parse(first.key)
    if isinstance(first, BundleHeader):
        return _check_bundle(first, rest, verifier)
    if next(rest, b"").strip():
        raise MalformedProof("Something follows the consistency proof.")
    return _check_growth(first, verifier)


def _check_growth(proof: ConsistencyProof, verifier: NoteVerifier) -> ProvedGrowth:
    old, new = Checkpoint.open(proof.old, verifier), Checkpoint.open(proof.new, verifier)
    hashes = [proof.proof[n : n + HASH_BYTES] for n in range(0, len(proof.proof), HASH_BYTES)]
    if not is_consistent(old.tree_size, new.tree_size, old.root, new.root, hashes):
        raise ProofFailed(
            f"The log of {new.tree_size} events does not begin with the log of {old.tree_size} "
            "that was signed before: one of the two is another log, or the proof is damaged."
        )
    return ProvedGrowth(old=old, new=new)


def _check_bundle(
    header: BundleHeader, lines: Iterator[bytes], verifier: NoteVerifier
) -> ProvedStream:
    checkpoint = Checkpoint.open(header.checkpoint, verifier)
    head = StreamHead.open(header.head, verifier)
    if head.stream_id != header.stream_id:
        raise ProofFailed(f"The signed head is of {head.stream_id}, not of {header.stream_id}.")
    if (head.tree_size, head.root) != (checkpoint.tree_size, checkpoint.root):
        raise ProofFailed(
            f"The signed head is of a log of {head.tree_size} events, the checkpoint of another "
            f"with {checkpoint.tree_size}."
        )
    _check_events(head, lines)
    return ProvedStream(checkpoint=checkpoint, stream_id=head.stream_id, version=head.version)


def _check_events(head: StreamHead, lines: Iterator[bytes]) -> None:
    checker = InclusionChecker(head.tree_size, head.root)
    version = position = 0
    for number, line in enumerate(lines, start=2):
        event = read_event(line, number)
        _check_place(event, version, position, head)
        leaf = _leaf_of(event, head.stream_id)
        if leaf is None or not checker.holds(leaf, event.position - 1, event.proof):
            raise ProofFailed(
                f"{_named(event)} is not what the log holds there: the event or its proof was "
                "changed, or it belongs elsewhere."
            )
        version, position = event.stream_version, event.position
    if version != head.version:
        raise ProofFailed(
            f"The events end at version {version} (position {position}), but the stream has "
            f"{head.version}: the rest was cut off."
        )


def _check_place(event: BundledEvent, version: int, position: int, head: StreamHead) -> None:
    expected = version + 1
    if event.stream_version > head.version:
        raise ProofFailed(f"{_named(event)} was added: the stream has {head.version} versions.")
    if event.stream_version < expected:
        raise ProofFailed(f"{_named(event)} stands after version {version}: repeated or moved.")
    if event.stream_version > expected:
        raise ProofFailed(
            f"Version {expected} is missing, or moved: {_named(event)} follows version {version} "
            f"(position {position})."
        )
    if event.position <= position:
        raise ProofFailed(f"{_named(event)} stands after position {position}: it was moved.")


def _leaf_of(event: BundledEvent, stream_id: str) -> bytes | None:
    """None where a field is out of any range that is stored."""
    try:
        return leaf_hash(event.stored(stream_id))
    except (OverflowError, UnicodeEncodeError, struct.error):
        return None


def _named(event: BundledEvent) -> str:
    return f"Version {event.stream_version} (position {event.position})"


def split_lines(parts: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Lines of a file read in parts; raises MalformedProof for one beyond the limit in bytes."""
    held = b""
    for part in chain(parts, (b"",)):
        *lines, held = (held + part).split(b"\n")
        yield from lines
        if len(held) > limit:
            raise MalformedProof(f"A line is longer than {limit} bytes.")
    if held:
        yield held
