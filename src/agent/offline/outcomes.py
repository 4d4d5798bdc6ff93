"""What one intent comes to, once the tasks are known: calls to make, words to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.offline import replies
from agent.offline.choosing import Choice, Scene, choose, shown_tasks
from agent.offline.history import Turn
from agent.offline.intents import (
    Add,
    Annotate,
    ByScope,
    Choose,
    Complete,
    Confirm,
    Decline,
    Delete,
    Find,
    Intent,
    Rename,
    Reopen,
    Show,
    SmallTalk,
    Suggest,
    Unclear,
    Undo,
)
from agent.offline.matching import mentions
from agent.offline.tasks import ADD, COMPLETE, DELETE, REOPEN, UPDATE, Task
from agent.offline.undoing import Request, undo_requests


@dataclass(frozen=True, slots=True)
class Outcome:
    requests: tuple[Request, ...] = ()
    text: str = ""
    #: Ends in one of replies.QUESTIONS, so that the answer will be understood.
    question: str = ""


def needs_tasks(intent: Intent, past: Sequence[Turn]) -> bool:
    if isinstance(intent, Choose):
        return bool(shown_tasks(past))
    return isinstance(intent, Complete | Reopen | Delete | Rename | Annotate)


def outcome(intent: Intent, scene: Scene) -> Outcome:
    match intent:
        case Add():
            return _add(intent)
        case Complete():
            return _complete(intent, choose(intent.target, scene, _is_open))
        case Reopen(target=target):
            return _change(choose(target, scene, _is_done), REOPEN, "reopen")
        case Delete():
            return _delete(intent, choose(intent.target, scene, _is_any))
        case Rename():
            return _rename(intent, _preferring_open(intent, scene))
        case Annotate():
            return _annotate(intent, _preferring_open(intent, scene))
        case Undo():
            requests, problem = undo_requests(scene.past)
            return Outcome(requests, problem)
        case Choose(target=target):
            return _chosen(choose(target, scene, _is_any))
        case Show() | Find():
            return Outcome()
        case _:
            return _talk(intent)


def find_tasks(intent: Find, tasks: Sequence[Task]) -> str:
    return replies.found(intent.words, [task for task in tasks if mentions(intent.words, task)])


def _add(intent: Add) -> Outcome:
    if not intent.drafts:
        return Outcome(question=replies.WHAT_TO_ADD)
    requests = (
        Request(ADD, {"title": draft.title} | ({"notes": draft.notes} if draft.notes else {}))
        for draft in intent.drafts
    )
    return Outcome(tuple(requests), replies.NO_REMINDER if intent.is_reminder else "")


def _change(choice: Choice, name: str, verb: str) -> Outcome:
    requests = tuple(Request(name, {"task_id": task.task_id}) for task in choice.tasks)
    return Outcome(requests, _told(choice, verb), choice.question)


def _complete(intent: Complete, choice: Choice) -> Outcome:
    if intent.is_claim and choice.tasks and not choice.has_same_verb:
        return Outcome(text=choice.problem, question=replies.is_it(choice.tasks))
    return _change(choice, COMPLETE, "complete")


def _delete(intent: Delete, choice: Choice) -> Outcome:
    is_vague = isinstance(intent.target, ByScope) and intent.target.scope != "it"
    is_many = len(choice.tasks) > 1 and is_vague
    if choice.tasks and not intent.is_confirmed and (is_many or not choice.is_exact):
        return Outcome(text=choice.problem, question=replies.confirm_delete(choice.tasks))
    return _change(choice, DELETE, "delete")


def _rename(intent: Rename, choice: Choice) -> Outcome:
    if len(choice.tasks) != 1:
        return _single(choice, "rename")
    if not intent.title:
        named = replies.quoted(choice.tasks[0].title)
        return Outcome(question=f"I can rename {named}. {replies.NEW_TITLE}")
    arguments = {"task_id": choice.tasks[0].task_id, "title": intent.title}
    return Outcome((Request(UPDATE, arguments),))


def _annotate(intent: Annotate, choice: Choice) -> Outcome:
    if len(choice.tasks) != 1:
        return _single(choice, "add a note to")
    task = choice.tasks[0]
    kept = "" if intent.is_replacing else task.notes
    notes = "\n".join(part for part in (kept, intent.notes) if part)
    return Outcome((Request(UPDATE, {"task_id": task.task_id, "notes": notes}),))


def _single(choice: Choice, verb: str) -> Outcome:
    if len(choice.tasks) > 1:
        return Outcome(question=replies.which_one(choice.tasks))
    return Outcome(text=_told(choice, verb), question=choice.question)


def _preferring_open(intent: Rename | Annotate, scene: Scene) -> Choice:
    choice = choose(intent.target, scene, _is_open)
    return Choice(choice.unfit[:1]) if len(choice.unfit) == 1 and not choice.tasks else choice


def _chosen(choice: Choice) -> Outcome:
    if choice.tasks:
        return Outcome(text=replies.what_to_do_with(choice.tasks))
    return Outcome(text=choice.problem or replies.UNCLEAR)


def _told(choice: Choice, verb: str) -> str:
    told = [replies.already(choice.unfit)] if choice.unfit else []
    told += [choice.problem] if choice.problem else []
    if not (told or choice.tasks or choice.question):
        told = [replies.nothing_to(verb)]
    return "\n\n".join(told)


def _talk(intent: Intent) -> Outcome:
    match intent:
        case SmallTalk():
            return Outcome(text=replies.small_talk(intent))
        case Suggest(title=title):
            return Outcome(question=replies.suggestion(title))
        case Confirm():
            return Outcome(text=replies.YES_TO_WHAT)
        case Decline():
            return Outcome(text=replies.LEFT_ALONE)
        case Unclear(is_too_long=True):
            return Outcome(text=replies.TOO_LONG)
        case _:
            return Outcome(text=replies.UNCLEAR)


def _is_open(task: Task) -> bool:
    return not task.is_done


def _is_done(task: Task) -> bool:
    return task.is_done


def _is_any(task: Task) -> bool:
    return True
