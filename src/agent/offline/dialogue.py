"""What a message means in its conversation: "2" and "yes" answer the question before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.offline import replies
from agent.offline.choosing import shown_tasks
from agent.offline.courtesy import strip_courtesy
from agent.offline.history import Turn
from agent.offline.intents import (
    Add,
    Annotate,
    ById,
    ByScope,
    ByWords,
    Choose,
    Complete,
    Confirm,
    Decline,
    Delete,
    Draft,
    Intent,
    Rename,
    Reopen,
    Show,
    SmallTalk,
    Suggest,
    Undo,
)
from agent.offline.parsing import parse
from agent.offline.phrasing import clean_title, split_titles

_OTHER_MATTERS = (Decline, Show, SmallTalk, Undo)


def understand(turns: Sequence[Turn]) -> Intent:
    """The meaning of the last turn; goes back as far as one question led to the next."""
    first = len(turns) - 1
    while first > 0 and replies.question_of(turns[first - 1].reply):
        first -= 1
    intent = parse(turns[first].text)
    for place in range(first + 1, len(turns)):
        intent = _answer(parse(turns[place].text), intent, turns[place].text, turns[:place])
    return intent


def _answer(said: Intent, asked: Intent, text: str, past: Sequence[Turn]) -> Intent:
    question = replies.question_of(past[-1].reply)
    if question == replies.WHICH_ONE and isinstance(
        asked, Complete | Reopen | Delete | Rename | Annotate
    ):
        return _answer_which(said, asked, past)
    if question == replies.CONFIRM and isinstance(asked, Delete):
        return _answer_confirm(said, past)
    if question == replies.IS_IT and isinstance(asked, Complete):
        is_so = isinstance(said, Confirm)
        return Complete(_all_shown(past)) if is_so else _answer_which(said, asked, past)
    if question == replies.ADD_IT and isinstance(asked, Suggest) and isinstance(said, Confirm):
        return Add((Draft(asked.title),))
    if question == replies.WHAT_TO_ADD and not isinstance(said, (*_OTHER_MATTERS, Add)):
        titles = split_titles(strip_courtesy(text))
        return Add(tuple(Draft(title) for title in titles))
    if (
        question == replies.NEW_TITLE
        and isinstance(asked, Rename)
        and not isinstance(said, _OTHER_MATTERS)
    ):
        return replace(asked, title=clean_title(strip_courtesy(text)))
    return said


def _answer_which(
    said: Intent, asked: Complete | Reopen | Delete | Rename | Annotate, past: Sequence[Turn]
) -> Intent:
    match said:
        case Choose(target=ByScope(scope="all" | "both")):
            return replace(asked, target=_all_shown(past))
        case Choose(target=target):
            return replace(asked, target=target)
        case Suggest(title=title):
            return replace(asked, target=ByWords(title))
        case Confirm():
            return asked
        case _:
            return said


def _answer_confirm(said: Intent, past: Sequence[Turn]) -> Intent:
    match said:
        case Confirm() | Delete(target=ByScope(scope="all" | "both" | "it")):
            return Delete(_all_shown(past), is_confirmed=True)
        case Choose(target=ByScope(scope="all" | "both" | "it")):
            return Delete(_all_shown(past), is_confirmed=True)
        case Choose(target=target):
            return Delete(target, is_confirmed=True)
        case _:
            return said


def _all_shown(past: Sequence[Turn]) -> ById:
    return ById(tuple(task.task_id for task in shown_tasks(past) if task.task_id))
