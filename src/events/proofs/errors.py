"""What a check of proofs can find.

EventError
├── MalformedProof    a note, key or bundle is not of its form
├── ProofFailed       it is of its form, and does not prove what it says
└── LogChanged        the log no longer begins with what a checkpoint was signed for
"""

from __future__ import annotations

from events.errors import EventError


class MalformedProof(EventError):
    pass


class ProofFailed(EventError):
    pass


class LogChanged(EventError):
    def __init__(self, tree_size: int) -> None:
        super().__init__(
            f"The first {tree_size} events of the log are not those that a checkpoint was signed "
            "for: nothing is signed any more; `verbatim audit verify` names what changed."
        )
        self.tree_size = tree_size
