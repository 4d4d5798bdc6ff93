"""Cutting what a person typed into clauses and titles."""

from __future__ import annotations

import re
from collections.abc import Iterable

from agent.offline.courtesy import strip_courtesy
from agent.offline.vocabulary import CONTINUATIONS, NOUN_VERBS, VERBS, pattern

LONGEST_LISTED_WORDS = 6

_COMMAND = (
    r"(?:please )?(?:add |mark |rename |reopen |undo\b|tick off |check off |remind me "
    r"|(?:show|list|display|tell) (?:me|my|the|all|what|everything|tasks)\b|what's left"
    r"|(?:delete|remove) .{1,80}?(?:\btask\b|from (?:my|the) (?:\w+ )?list))"
)
_LOOSE_COMMAND = (
    r"(?:please )?(?:delete |remove |complete |finish |change |update |replace |i need to )"
)
_JOINT = pattern(
    r"(?:[.!?;] |\n|,? (?:and|then|also|plus|&)(?: then| also)? |, )(?=" + _COMMAND + ")"
)
_LOOSE_JOINT = pattern(
    r"(?:[.!?;] |\n|,? (?:and|then|also|plus|&)(?: then| also)? |, )(?="
    + _COMMAND
    + "|"
    + _LOOSE_COMMAND
    + ")"
)
_SENTENCE_JOINT = pattern(r"[.!?] (?=" + _LOOSE_COMMAND + ")")
_ADDING = pattern(r"(?:add|remind|put|create|new|todo|buy|i need|i have to|note)\b")

_BULLET = re.compile(r"(?:[-*•–+]|\d{1,3}[.)]|\[[ xX]?\])\s+")
_INLINE_NUMBER = re.compile(r"(?:^| )\d{1,2}[.)] ")
_QUOTED = re.compile(r"[\"“”„«]([^\"“”„«»]+)[\"“”»]|(?<!\w)'([^']+)'(?!\w)")
_AND = pattern(r" (?:and then|and also|and|then|plus|&) ")
_OPENING_AND = pattern(r"^(?:and then|and also|and|then|plus|&) ")
_PARTICLES = frozenset("up off out in on over away down back".split())


def split_clauses(text: str) -> list[str]:
    """One clause per command: "delete milk and add bread".

    After "add" only an unmistakable command opens a clause, because "clean the disk and delete
    old photos" is two things to do later, not an order to delete.
    """
    if not _ADDING.match(strip_courtesy(text)):
        return _split(_LOOSE_JOINT, text)
    clauses = _split(_JOINT, text)
    return [part for clause in clauses for part in _split(_SENTENCE_JOINT, clause)]


def listed_lines(text: str) -> list[str]:
    """The entries of a text that is wholly a bulleted or numbered list, else nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or not all(_BULLET.match(line) for line in lines):
        return []
    return [_BULLET.sub("", line, count=1) for line in lines]


def split_titles(text: str) -> list[str]:
    """The titles in "milk, eggs and flour"; "bread and butter" and quoted text stay whole."""
    text = text.strip()
    if quoted := _only_quoted(text):
        return quoted
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1:
        return _cleaned(_BULLET.sub("", line.strip(), count=1) for line in lines)
    if len(_INLINE_NUMBER.findall(text)) > 1:
        return _cleaned(_INLINE_NUMBER.split(text))
    parts = text.split(";")
    return _cleaned(title for part in parts for title in _split_enumeration(_unbulleted(part)))


def clean_title(text: str) -> str:
    text = " ".join(text.split()).strip(" ,;:")
    text = text[:-1] if text.endswith((".", "!")) and not text.endswith("..") else text
    match = _QUOTED.fullmatch(text)
    return next(group for group in match.groups() if group).strip() if match else text.strip()


def unquote(text: str) -> str | None:
    match = _QUOTED.fullmatch(text.strip())
    return next(group for group in match.groups() if group).strip() if match else None


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.casefold())


def _split(joint: re.Pattern[str], text: str) -> list[str]:
    return [part.strip() for part in joint.split(text) if part.strip(" .,!?;")]


def _cleaned(titles: Iterable[str]) -> list[str]:
    return [title for raw in titles if (title := clean_title(raw))]


def _unbulleted(text: str) -> str:
    return _BULLET.sub("", text.strip(), count=1)


def _only_quoted(text: str) -> list[str]:
    rest = _QUOTED.sub("", text)
    if words_of(rest.replace(" and ", " ").replace("&", " ")):
        return []
    return [title.strip() for groups in _QUOTED.findall(text) if (title := "".join(groups))]


def _split_enumeration(text: str) -> list[str]:
    pieces = text.split(", ")
    if len(pieces) == 1 or not _is_enumeration(pieces):
        return _split_verbs(text)
    *firsts, last = pieces
    return [*(_OPENING_AND.sub("", piece) for piece in firsts), *_split_last(last)]


def _split_last(text: str) -> list[str]:
    opened = _OPENING_AND.sub("", text)
    if opened != text:
        return [opened]
    parts = _AND.split(text)
    return parts if len(parts) == 2 else _split_verbs(text)


def _is_enumeration(pieces: list[str]) -> bool:
    if " with " in pieces[0].casefold():
        return False
    for piece in pieces[1:]:
        words = words_of(piece)
        words = words[1:] if words[:1] in (["and"], ["then"], ["plus"]) else words
        if not words or words[0] in CONTINUATIONS:
            return False
        if len(words) > LONGEST_LISTED_WORDS and words[0] not in VERBS:
            return False
    return True


def _split_verbs(text: str) -> list[str]:
    """Splits at each "and" that opens an errand of its own."""
    parts = [""]
    position = 0
    for match in _AND.finditer(text):
        parts[-1] = text[position : match.start()]
        if _is_errand(text[match.end() :], after=parts[-1]):
            parts.append("")
            position = match.end()
    parts[-1] = text[position:]
    return parts


def _is_errand(right: str, *, after: str) -> bool:
    left, words = words_of(after[:200]), words_of(right[:200])
    if len(words) < 2 or words[0] not in VERBS:
        return False
    bare = [word for word in left if word not in _PARTICLES]
    if len(bare) < 2 and left and left[0] in VERBS:
        return False  # "wash and fold the laundry": two verbs, one errand
    opens_with_verb = bool(left) and left[0] in VERBS
    return opens_with_verb or words[0] not in NOUN_VERBS
