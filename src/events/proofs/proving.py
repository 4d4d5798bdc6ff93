"""Makes bundles and consistency proofs from the log and its tree."""

from __future__ import annotations

from collections.abc import AsyncIterator

from events import statements
from events.errors import EventError
from events.proofs import tree
from events.proofs.bundle import BundleHeader, ConsistencyProof, bundled, line_of
from events.proofs.checkpoints import Checkpoint, StreamHead
from events.proofs.merkle import consistency_ranges, inclusion_ranges
from events.proofs.notes import NoteSigner, NoteVerifier
from events.store import EventStore
from events.stored import StoredEvent

#: Events whose proofs are read with one statement.
PAGE_EVENTS = 256


class NothingToProve(EventError):
    def __init__(self, stream_id: str) -> None:
        super().__init__(f"The log holds no event of {stream_id}.")


async def prove_stream(
    store: EventStore, reads: tree.Reads, signer: NoteSigner, note: str, stream_id: str
) -> AsyncIterator[bytes]:
    """The lines of a bundle, as of a checkpoint's note. Raises NothingToProve."""
    checkpoint = Checkpoint.open(note, signer.verifier)
    size = checkpoint.tree_size
    version = await reads.fetchval(statements.load("stream_head_at"), stream_id, size)
    if version is None:
        raise NothingToProve(stream_id)
    head = StreamHead(
        origin=signer.name,
        stream_id=stream_id,
        version=version,
        tree_size=size,
        root=checkpoint.root,
    )
    yield line_of(
        BundleHeader(
            stream_id=stream_id,
            checkpoint=note,
            head=head.sign(signer),
            key=str(signer.verifier),
        )
    )
    async for page in store.stored_stream(stream_id, up_to_version=version):
        for start in range(0, len(page), PAGE_EVENTS):
            for line in await _prove(reads, page[start : start + PAGE_EVENTS], size):
                yield line


async def _prove(reads: tree.Reads, events: list[StoredEvent], size: int) -> list[bytes]:
    ranges = [inclusion_ranges((event.position or 1) - 1, size) for event in events]
    hashes = iter(await tree.range_hashes(reads, [one for path in ranges for one in path]))
    return [
        line_of(bundled(event, event.position or 0, [next(hashes) for _ in path]))
        for event, path in zip(events, ranges, strict=True)
    ]


async def prove_growth(
    reads: tree.Reads, verifier: NoteVerifier, old_note: str, new_note: str
) -> ConsistencyProof:
    """That the tree of the newer checkpoint begins with the older one's."""
    old, new = Checkpoint.open(old_note, verifier), Checkpoint.open(new_note, verifier)
    hashes = await tree.range_hashes(reads, consistency_ranges(old.tree_size, new.tree_size))
    return ConsistencyProof(old=old_note, new=new_note, proof=b"".join(hashes), key=str(verifier))
