""" "Find passport", "is milk on my list?", "did I call mum?" """

from __future__ import annotations

import re

from agent.offline.intents import Find, Intent
from agent.offline.phrasing import words_of
from agent.offline.rules.rule import DONE, LIST, rule

LONGEST_SEARCH_WORDS = 8


def _find(match: re.Match[str]) -> Intent | None:
    words = words_of(match["words"])
    return Find(match["words"]) if 0 < len(words) <= LONGEST_SEARCH_WORDS else None


RULES = (
    rule(
        _find,
        r"(?:find|search(?: for)?|look for|where(?:'s| is))(?: an?| the| my| any)?"
        rf" (?P<words>.+?)(?: tasks?)?(?: (?:on|in) {LIST})?",
    ),
    rule(_find, r"(?:what|how) about(?: an?| the| my)? (?P<words>.+)"),
    rule(
        _find,
        r"(?:do i (?:still )?have|have i got|is there|show(?: me)?)(?: an?| the| my| any)?"
        rf" (?P<words>.+?)(?: tasks?| (?:on|in) {LIST})",
    ),
    rule(
        _find,
        r"(?:is|are|was|were|has|have)(?: the| my)? (?P<words>.+?)(?: already| been| still| now)*"
        rf" (?:{DONE}|open|pending|left|(?:on|in) {LIST})(?: yet| already)?",
    ),
    rule(_find, r"(?:did|have|had) (?:i|we)(?: already| ever)? (?P<words>.+?)(?: yet| already)?"),
)
