"""From "milk", "2" or "both" to tasks, given the list and the conversation so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from agent.offline import replies
from agent.offline.history import Turn, calls_of, known_tasks
from agent.offline.intents import ById, ByNumber, ByScope, ByWords, Target
from agent.offline.matching import find, split_phrases
from agent.offline.tasks import Task, completed, pending

_LINE = re.compile(r"^\s*\d{1,4}[.)] (.+)$", re.MULTILINE)
_QUOTED = re.compile(r"“([^”]+)”")


@dataclass(frozen=True, slots=True)
class Choice:
    """The tasks meant; those meant but of the wrong state; and what has to be said or asked."""

    tasks: tuple[Task, ...] = ()
    unfit: tuple[Task, ...] = ()
    problem: str = ""
    question: str = ""
    is_exact: bool = True
    has_same_verb: bool = True


@dataclass(frozen=True, slots=True)
class Scene:
    """All tasks as they are now, and the conversation before this message."""

    tasks: tuple[Task, ...]
    past: Sequence[Turn]


def choose(target: Target, scene: Scene, fits: Callable[[Task], bool]) -> Choice:
    match target:
        case ById():
            return _sorted_out([t for t in scene.tasks if t.task_id in target.task_ids], fits)
        case ByNumber():
            return _by_number(target, scene, fits)
        case ByScope():
            return _by_scope(target, scene, fits)
        case ByWords():
            return _by_words(target.words, scene.tasks, fits)
        case _:
            assert_never(target)


def shown_tasks(past: Sequence[Turn]) -> tuple[Task, ...]:
    """The numbered list the user saw last, in its order; a task without id is only a title."""
    for place in range(len(past) - 1, -1, -1):
        if lines := _LINE.findall(past[place].reply):
            known = _known_then(past[: place + 1])
            return tuple(_recognise(line.strip(), known) for line in lines)
    return ()


def mentioned_tasks(scene: Scene) -> tuple[Task, ...]:
    """What "it" or "both" may mean: the tasks the last turn to speak of any was about."""
    by_id = {task.task_id: task for task in scene.tasks}
    for place in range(len(scene.past) - 1, -1, -1):
        turn = scene.past[place]
        if turn.made:
            changed = dict.fromkeys(call.task_id for call in turn.made)
            return tuple(by_id[task_id] for task_id in changed if task_id in by_id)
        if _LINE.search(turn.reply):
            shown = shown_tasks(scene.past[: place + 1])
            return tuple(task for old in shown if (task := _current(old, scene.tasks)))
        titles = set(_QUOTED.findall(turn.reply))
        if named := tuple(task for task in scene.tasks if task.title in titles):
            return named
    return ()


def _known_then(past: Sequence[Turn]) -> list[Task]:
    """In the order of that turn's last listing, then the others; none that was deleted."""
    known = known_tasks(calls_of(past))
    listed = [task.task_id for call in past[-1].listings[-1:] for task in call.tasks]
    ordered = [known[task_id] for task_id in dict.fromkeys([*listed, *known])]
    return [task for task in ordered if task.status != "deleted"]


def _recognise(line: str, known: list[Task]) -> Task:
    for task in known:
        if replies.line(task) == line:
            known.remove(task)
            return task
    return Task("", line.removesuffix(" ✓").split(" — ")[0])


def _current(old: Task, tasks: Sequence[Task]) -> Task | None:
    """A title alone will do: a task that was brought back has another id."""
    same_id = (task for task in tasks if task.task_id == old.task_id)
    same_title = (task for task in tasks if task.title == old.title)
    return next(same_id, None) or next(same_title, None)


def _by_number(target: ByNumber, scene: Scene, fits: Callable[[Task], bool]) -> Choice:
    shown = shown_tasks(scene.past)
    if not shown:
        return _ask(tuple(task for task in scene.tasks if fits(task)), replies.NO_LIST_YET)
    chosen: list[Task] = []
    problems: list[str] = []
    for number in target.numbers:
        place = number - 1 if number > 0 else len(shown) + number
        if not 0 <= place < len(shown) or number == 0:
            problems.append(replies.no_such_number(number, len(shown)))
        elif task := _current(shown[place], scene.tasks):
            chosen.append(task)
        else:
            problems.append(replies.is_gone(shown[place].title))
    return _sorted_out(chosen, fits, " ".join(problems))


def _by_scope(target: ByScope, scene: Scene, fits: Callable[[Task], bool]) -> Choice:
    fitting = tuple(task for task in scene.tasks if fits(task))
    match target.scope:
        case "all":
            return Choice(fitting)
        case "pending":
            return Choice(pending(fitting))
        case "completed":
            return Choice(completed(fitting))
        case "it":
            return _one_of(mentioned_tasks(scene), fitting, fits)
        case "both":
            mentioned = mentioned_tasks(scene)
            chosen = mentioned if len(mentioned) > 1 else fitting if len(fitting) == 2 else ()
            return _sorted_out(chosen, fits) if chosen else _ask(fitting)
        case "unspecified":
            return Choice(fitting, is_exact=False) if len(fitting) == 1 else _ask(fitting)
        case _:
            assert_never(target.scope)


def _one_of(
    mentioned: tuple[Task, ...], fitting: tuple[Task, ...], fits: Callable[[Task], bool]
) -> Choice:
    if len(mentioned) == 1:
        return _sorted_out(mentioned, fits)
    if mentioned:
        return _ask(tuple(task for task in mentioned if fits(task)))
    return Choice(fitting, is_exact=False) if len(fitting) == 1 else _ask(fitting)


def _by_words(words: str, tasks: Sequence[Task], fits: Callable[[Task], bool]) -> Choice:
    fitting = [task for task in tasks if fits(task)]
    phrases = split_phrases(words)
    whole = find(words, fitting)
    if len(phrases) < 2 or (whole.tasks and whole.is_whole):
        return _one_phrase(words, tasks, fits)
    choices = [_one_phrase(phrase, tasks, fits) for phrase in phrases]
    if not any(choice.tasks or choice.unfit or choice.question for choice in choices):
        return _one_phrase(words, tasks, fits)
    return Choice(
        tasks=tuple(dict.fromkeys(task for choice in choices for task in choice.tasks)),
        unfit=tuple(dict.fromkeys(task for choice in choices for task in choice.unfit)),
        problem="\n\n".join(choice.problem for choice in choices if choice.problem),
        question=next((choice.question for choice in choices if choice.question), ""),
        is_exact=all(choice.is_exact for choice in choices),
        has_same_verb=all(choice.has_same_verb for choice in choices),
    )


def _one_phrase(words: str, tasks: Sequence[Task], fits: Callable[[Task], bool]) -> Choice:
    fitting = [task for task in tasks if fits(task)]
    found = find(words, fitting)
    if len(found.tasks) > 1:
        return Choice(question=replies.which_one(found.tasks, words))
    if found.tasks:
        return Choice(found.tasks, is_exact=found.is_exact, has_same_verb=found.has_same_verb)
    others = find(words, [task for task in tasks if not fits(task)])
    if others.tasks:
        return Choice(unfit=others.tasks)
    return Choice(problem=replies.no_match(words, fitting or tasks))


def _sorted_out(tasks: Sequence[Task], fits: Callable[[Task], bool], problem: str = "") -> Choice:
    chosen = tuple(dict.fromkeys(tasks))
    return Choice(
        tasks=tuple(task for task in chosen if fits(task)),
        unfit=tuple(task for task in chosen if not fits(task)),
        problem=problem,
    )


def _ask(tasks: Sequence[Task], opening: str = "") -> Choice:
    if not tasks:
        return Choice()
    return Choice(question=f"{opening} {replies.which_one(tasks)}".strip())
