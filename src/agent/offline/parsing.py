"""From what a person typed to what they mean. Pure, and quick for any text."""

from __future__ import annotations

from typing import cast

from agent.offline.courtesy import strip_courtesy
from agent.offline.intents import (
    Add,
    Choose,
    Command,
    Confirm,
    Decline,
    Draft,
    Intent,
    Several,
    SmallTalk,
    Suggest,
    Unclear,
)
from agent.offline.phrasing import (
    clean_title,
    listed_lines,
    split_clauses,
    split_titles,
    words_of,
)
from agent.offline.rules import ADDING_RULES, ANSWER_RULES, RULES, TALK_RULES
from agent.offline.rules.rule import Rule
from agent.offline.targets import parse_pointer
from agent.offline.vocabulary import ERRAND_VERBS, pattern

MAX_TEXT_CHARACTERS = 8_000
#: Beyond this only something to add is expected, such as a pasted list.
LONGEST_COMMAND_CHARACTERS = 1_000
MOST_CLAUSES = 50
LONGEST_SUGGESTION_WORDS = 10

_NO_COMMANDS = (Unclear, Suggest, Confirm, Decline, Choose)
_NEGATED = pattern(r"(?:don't|do not|never|please don't)\b(?! (?:let me )?forget)")
_QUESTION = pattern(
    r"(?:what|who|whom|whose|why|when|where|which|how|should|would|could|can|may|is|are|was|were|do"
    r"|does|did|has|have|am|will|if|what's|who's|where's|how's)\b"
)


def parse(text: str) -> Intent:
    if len(text) > MAX_TEXT_CHARACTERS:
        return Unclear(is_too_long=True)
    text = "\n".join(" ".join(line.split()) for line in text.splitlines()).strip()
    if lines := listed_lines(text):
        titles = [title for line in lines if (title := clean_title(line))]
        return Add(tuple(Draft(title) for title in titles)) if titles else Unclear()
    clauses = split_clauses(text)
    if 1 < len(clauses) <= MOST_CLAUSES and (joined := _join(clauses)):
        return joined
    return _parse_clause(text)


def _join(clauses: list[str]) -> Intent | None:
    """None when a clause is no command; then the text is better read as a whole."""
    parts: list[Intent] = []
    for clause in clauses:
        part = _parse_clause(clause)
        if isinstance(part, _NO_COMMANDS):
            return None
        _append(part, parts)
    if len(parts) < 2:
        return parts[0] if parts else None
    return Several(tuple(cast(list[Command], parts)))


def _append(part: Intent, parts: list[Intent]) -> None:
    last = parts[-1] if parts else None
    if isinstance(part, Add) and isinstance(last, Add):
        parts[-1] = Add((*last.drafts, *part.drafts), last.is_reminder or part.is_reminder)
    elif not isinstance(part, SmallTalk) and part not in parts:
        parts.append(part)


def _parse_clause(text: str) -> Intent:
    bare = strip_courtesy(text)
    if talk := _first(TALK_RULES, _spoken(text)) or _first(TALK_RULES, _spoken(bare)):
        return talk
    if answer := _first(ANSWER_RULES, text.strip()) or _first(ANSWER_RULES, bare):
        return answer
    if _NEGATED.match(bare):
        return Unclear()
    said = bare.rstrip(" .!?")
    if len(said) > LONGEST_COMMAND_CHARACTERS:
        return _first(ADDING_RULES, said) or Unclear()
    return _first(RULES, said) or _choice(said) or _errand_or_unclear(bare)


def _spoken(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum() or letter in " ,'’").strip(" ,")


def _first(rules: tuple[Rule, ...], text: str) -> Intent | None:
    return next((intent for rule in rules if (intent := rule.read(text))), None)


def _choice(text: str) -> Intent | None:
    pointer = parse_pointer(text.removeprefix("only "))
    return Choose(pointer) if pointer else None


def _errand_or_unclear(text: str) -> Intent:
    words = words_of(text)
    if not words or _QUESTION.match(text) or "me" in words[1:2]:
        return Unclear()
    if words[0] in ERRAND_VERBS and len(words) > 1 and not text.endswith("?"):
        return Add(tuple(Draft(title) for title in split_titles(text)))
    if len(words) <= LONGEST_SUGGESTION_WORDS:
        return Suggest(clean_title(text.rstrip(" ?")))
    return Unclear()
