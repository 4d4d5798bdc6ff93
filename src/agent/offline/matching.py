"""Finding the tasks that a few words mean, typos forgiven."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from agent.offline.phrasing import words_of
from agent.offline.tasks import Task
from agent.offline.vocabulary import STOP_WORDS, SYNONYMS, VERBS, is_past, stem

#: A verb says less about which task is meant than a noun.
VERB_WEIGHT = 0.4
LEAST_SCORE = 0.55
WHOLE_SCORE = 0.9
#: Matches this much weaker than the best are other tasks, not rivals.
SCORE_MARGIN = 0.08
LEAST_LIKENESS = 0.74
MOST_WORDS = 40

_VERB_STEMS = frozenset(stem(verb) for verb in VERBS)
_SEPARATOR = re.compile(r"\s*(?:,|;|&|\band\b|\bplus\b)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    tasks: tuple[Task, ...]
    #: No word had to be guessed from a similar one.
    is_exact: bool = True
    #: Every word that was asked for is in the title.
    is_whole: bool = True
    #: Not "spilled the milk" for "buy milk".
    has_same_verb: bool = True


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    stem: str

    @property
    def weight(self) -> float:
        return VERB_WEIGHT if self.stem in _VERB_STEMS else 1.0


def find(words: str, tasks: Sequence[Task]) -> Found:
    """The tasks that match best; several when they match about equally well."""
    if same := tuple(task for task in tasks if words_of(task.title) == words_of(words)):
        return Found(same)
    wanted = _content(words)
    scored = [(*_score(wanted, _content(task.title)), task) for task in tasks]
    best = max((score for score, _, _ in scored), default=0.0)
    if best < LEAST_SCORE:
        return Found(())
    winners = [(exact, task) for score, exact, task in scored if score >= best - SCORE_MARGIN]
    return Found(
        tuple(task for _, task in winners),
        is_exact=all(exact for exact, _ in winners),
        is_whole=best >= WHOLE_SCORE,
        has_same_verb=all(_has_same_verb(words, task.title) for _, task in winners),
    )


def split_phrases(words: str) -> list[str]:
    """The single mentions in "milk, eggs and mum"."""
    return [phrase for phrase in _SEPARATOR.split(words) if phrase.strip()]


def mentions(words: str, task: Task) -> bool:
    """Whether a search for these words should show the task."""
    wanted = _content(words)
    held = _content(f"{task.title} {task.notes}")
    return bool(wanted) and _score(wanted, held)[0] >= LEAST_SCORE


def _has_same_verb(words: str, title: str) -> bool:
    """Also true when either opens with no verb: "got the milk" for "milk"."""
    said, held = _content(words)[:1], _content(title)[:1]
    if not said or not held or held[0].stem not in _VERB_STEMS or not is_past(said[0].text):
        return True
    return _closest(said[0], held) is not None


def _content(text: str) -> list[_Word]:
    words = [word.replace("’", "'").removesuffix("'s") for word in words_of(text)][:MOST_WORDS]
    telling = [word for word in words if word not in STOP_WORDS] or words
    return [_Word(word, stem(word)) for word in dict.fromkeys(telling)]


def _score(wanted: list[_Word], held: list[_Word]) -> tuple[float, bool]:
    """From 0 to 1, and whether every shared word is the same word."""
    shared = [(word, like) for word in wanted if (like := _closest(word, held)) is not None]
    if not shared:
        return 0.0, True
    is_exact = all(word.stem == like.stem for word, like in shared)
    common = sum(word.weight for word, _ in shared)
    of_wanted = common / sum(word.weight for word in wanted)
    of_held = sum({like.stem: like.weight for _, like in shared}.values()) / sum(
        {word.stem: word.weight for word in held}.values()
    )
    if all(word.weight < 1 for word, _ in shared) and of_wanted < 1:
        return 0.0, is_exact  # "call the bank" and "call mum" have nothing in common
    if of_wanted >= 1:
        return WHOLE_SCORE + 0.1 * (of_held >= 1), is_exact
    return max(0.85 if of_held >= 1 else 0.0, (of_wanted + of_held) / 2 - 0.05), is_exact


def _closest(word: _Word, held: list[_Word]) -> _Word | None:
    for other in held:
        if word.stem == other.stem:
            return other
    if len(word.text) < 4 or word.text in SYNONYMS:
        return None
    likenesses = [(_likeness(word.text, other.text), other) for other in held]
    best, other = max(likenesses, key=lambda pair: pair[0], default=(0.0, word))
    return other if best >= LEAST_LIKENESS else None


def _likeness(word: str, other: str) -> float:
    """People rarely mistype the first letter, so "silk" is not "milk"."""
    if len(other) < 4 or word[0] != other[0] or abs(len(word) - len(other)) > 3:
        return 0.0
    return SequenceMatcher(None, word, other, autojunk=False).ratio()
