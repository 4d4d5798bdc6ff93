"""Which branch of its conversation an event belongs to."""

from __future__ import annotations

from events.conversation import MAIN_BRANCH, BranchForked, BranchSwitched, RunRequested
from events.stored import RecordedEvent


class BranchMarks:
    """Told every event of one conversation, in order."""

    def __init__(self) -> None:
        self._active_id = MAIN_BRANCH
        self._numbers = {MAIN_BRANCH: 1}
        self._of_run: dict[str, str] = {}

    def branch_of(self, recorded: RecordedEvent) -> str:
        """A run's events belong to the branch it was requested on, whichever is active then."""
        match recorded.event:
            case BranchForked(branch_id=branch_id) | BranchSwitched(branch_id=branch_id):
                self._active_id = branch_id
                self._numbers.setdefault(branch_id, len(self._numbers) + 1)
            case RunRequested(run_id=run_id):
                self._of_run[run_id] = self._active_id
        return self._of_run.get(getattr(recorded.event, "run_id", ""), self._active_id)

    def mark_of(self, branch_id: str) -> str:
        """Short, for a line; empty as long as the conversation has no branches."""
        if len(self._numbers) == 1:
            return ""
        name = MAIN_BRANCH if branch_id == MAIN_BRANCH else f"branch {self._numbers[branch_id]}"
        return f"[{name}] "
