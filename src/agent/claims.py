"""What a node holds when it works on a run."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    run_id: uuid.UUID
    conversation_id: str
    owner_id: str
    attempt: int
    #: The worker before was silent for too long: the run is closed, not resumed.
    is_dead: bool = False
    is_cancel_requested: bool = False
    #: The append that claimed the run has recorded run_resumed as well.
    is_resumed: bool = False

    @property
    def is_takeover(self) -> bool:
        return self.attempt > 1
