"""The branches of a conversation: a tree in one stream, of which one branch is active.

What is recorded belongs to the branch that is active then. A branch holds that, and what its
parent holds up to where it forked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from events.conversation import MAIN_BRANCH, BranchForked

_NO_FORKS: Mapping[str, Fork] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Fork:
    parent_id: str
    #: The last stream version of the parent that the branch holds as well.
    until_version: int


@dataclass(frozen=True, slots=True)
class Branches:
    #: By branch id; the main branch has none.
    forks: Mapping[str, Fork] = field(default_factory=lambda: _NO_FORKS)
    #: From which stream version on which branch was active, oldest first.
    activations: tuple[tuple[int, str], ...] = ((0, MAIN_BRANCH),)

    @property
    def active_id(self) -> str:
        return self.activations[-1][1]

    def branch_at(self, version: int) -> str:
        """The branch that an event belongs to."""
        return self.activations[bisect_right(self.activations, (version + 1,)) - 1][1]

    def knows(self, branch_id: str) -> bool:
        return branch_id == MAIN_BRANCH or branch_id in self.forks

    def holds(self, branch_id: str, version: int) -> bool:
        """Whether the message or run requested at a stream version is part of a branch."""
        owner_id = self.branch_at(version)
        while branch_id != owner_id:
            fork = self.forks.get(branch_id)
            if fork is None or version > fork.until_version:
                return False
            branch_id = fork.parent_id
        return True

    def is_current(self, version: int) -> bool:
        return self.holds(self.active_id, version)

    def latest_with(self, version: int) -> str:
        """Of the branches that hold what was recorded at a version, the one active last."""
        last_first = dict.fromkeys(branch_id for _, branch_id in reversed(self.activations))
        return next(branch_id for branch_id in last_first if self.holds(branch_id, version))

    def forked(self, event: BranchForked, message_version: int, version: int) -> Branches:
        if self.knows(event.branch_id):
            return self.switched(event.branch_id, version)
        until = message_version if event.side == "after" else message_version - 1
        fork = Fork(self.branch_at(message_version), until)
        forks = MappingProxyType({**self.forks, event.branch_id: fork})
        return replace(self, forks=forks).switched(event.branch_id, version)

    def switched(self, branch_id: str, version: int) -> Branches:
        return replace(self, activations=(*self.activations, (version, branch_id)))
