"""The sentences the assistant understands: each a pattern and what to make of a match."""

from __future__ import annotations

from agent.offline.rules import adding, editing, finding, finishing, listing, removing
from agent.offline.rules.rule import Rule
from agent.offline.rules.talking import ANSWER_RULES, TALK_RULES

#: In the order they are tried: "remind me to check the oven is off" adds and completes nothing.
RULES: tuple[Rule, ...] = (
    *removing.UNDO_RULES,
    *listing.RULES,
    *editing.NOTE_RULES,
    *adding.RULES,
    *editing.TITLE_RULES,
    *removing.RULES,
    *finding.RULES,
    *finishing.RULES,
)

ADDING_RULES = adding.RULES

__all__ = ["ADDING_RULES", "ANSWER_RULES", "RULES", "TALK_RULES"]
