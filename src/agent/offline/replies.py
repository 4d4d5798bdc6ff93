"""What the assistant says. Short, plain, and only what is known to have happened."""

from __future__ import annotations

from collections.abc import Sequence

from agent.offline.intents import SmallTalk
from agent.offline.tasks import Task, completed, pending

MOST_LINES = 50
LONGEST_NOTES_CHARACTERS = 80
MOST_EXAMPLES = 10

# A reply that ends in one of these waits for an answer; the next turn recognises it by this end.
WHICH_ONE = "Which one do you mean? Tell me its number."
CONFIRM = "Say “yes” to delete, or “no” to leave everything as it is."
IS_IT = "Say “yes” if so."
ADD_IT = "Say “yes” and I will add it."
WHAT_TO_ADD = "What should I add?"
NEW_TITLE = "What should the new title be?"
QUESTIONS = (WHICH_ONE, CONFIRM, IS_IT, ADD_IT, WHAT_TO_ADD, NEW_TITLE)

EXAMPLES = "Try “add buy milk”, “what's left?” or “done with milk”."
NO_TASKS = "Tasks are not available right now, so I can't do that."
LEFT_ALONE = "OK, I leave everything as it is."
YES_TO_WHAT = f"Yes to what? {EXAMPLES}"
NOTHING_TO_UNDO = "There is nothing to undo in this conversation."
UNCLEAR = (
    f"I only look after your tasks, and I'm not sure what you mean. Can you say it another way?"
    f" {EXAMPLES}"
)
TOO_LONG = "That is too long for me. Can you send it in parts of at most 8,000 characters?"
NO_REMINDER = "I can't ring a bell, but it is on your list."
NO_LIST_YET = "I have not shown you a numbered list yet."
CUT_LIST = "The list was too long to read in full; this is its beginning."

SMALL_TALK = {
    "hello": f"Hello! I can keep your task list. {EXAMPLES}",
    "mood": f"All fine here, thank you. {EXAMPLES}",
    "thanks": "You're welcome!",
    "bye": "Goodbye!",
    "identity": (
        "I'm a built-in, rule-based assistant, not a language model: I understand plain requests "
        f"about your tasks, and nothing else. {EXAMPLES}"
    ),
    "help": (
        "I keep your task list. You can say:\n\n"
        "- “add buy milk and call mum”\n"
        "- “what's left?”, “show all my tasks” or “what did I finish?”\n"
        "- “done with milk” or “mark 2 as done”\n"
        "- “rename milk to oat milk” or “add a note to milk: 2 litres”\n"
        "- “reopen milk”, “delete milk” or “clear all”\n"
        "- “undo that”"
    ),
}


def question_of(reply: str) -> str | None:
    return next((question for question in QUESTIONS if reply.rstrip().endswith(question)), None)


def without_question(reply: str) -> str:
    """For a question among other matters, whose answer could not be told apart."""
    question = question_of(reply)
    said = reply.rstrip().removesuffix(question or "").rstrip()
    return f"{said}\n\nPlease say in a new message which you mean.".strip()


def small_talk(intent: SmallTalk) -> str:
    return SMALL_TALK[intent.topic]


def quoted(title: str) -> str:
    return f"“{' '.join(title.split())}”"


def joined(titles: Sequence[str]) -> str:
    named = [quoted(title) for title in titles]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def line(task: Task) -> str:
    notes = " ".join(task.notes.split())
    if len(notes) > LONGEST_NOTES_CHARACTERS:
        notes = notes[: LONGEST_NOTES_CHARACTERS - 1] + "…"
    said = " ".join(task.title.split()) + (f" — {notes}" if notes else "")
    return f"{said} ✓" if task.is_done else said


def numbered(tasks: Sequence[Task], most: int = MOST_LINES) -> str:
    lines = [f"{place}. {line(task)}" for place, task in enumerate(tasks[:most], 1)]
    if len(tasks) > most:
        lines.append(f"\n… and {len(tasks) - most} more.")
    return "\n".join(lines)


def listing(tasks: Sequence[Task], status: str) -> str:
    todo, done = pending(tasks), completed(tasks)
    if status == "pending":
        return _headed(f"You have {_count(todo)} left", todo, "There is nothing left to do.")
    if status == "completed":
        return _headed(f"You have finished {_count(done)}", done, "Nothing is finished yet.")
    empty = "Your list is empty. Add something with “add buy milk”."
    return _headed(f"{len(todo)} to do, {len(done)} done", (*todo, *done), empty)


def found(words: str, tasks: Sequence[Task]) -> str:
    return _headed(
        f"I found {_count(tasks)}", tasks, f"There is no task like {quoted(words)} on your list."
    )


def which_one(tasks: Sequence[Task], words: str = "") -> str:
    opening = f"{len(tasks)} tasks match {quoted(words)}" if words else "Here is what there is"
    return f"{opening}:\n\n{numbered(tasks)}\n\n{WHICH_ONE}"


def is_it(tasks: Sequence[Task]) -> str:
    return f"Is this done, then?\n\n{numbered(tasks)}\n\n{IS_IT}"


def no_match(words: str, tasks: Sequence[Task]) -> str:
    if not tasks:
        return f"I found no task like {quoted(words)}; there is nothing to choose from."
    return (
        f"I found no task like {quoted(words)}. Here is what there is:\n\n"
        f"{numbered(tasks, MOST_EXAMPLES)}"
    )


def confirm_delete(tasks: Sequence[Task]) -> str:
    shown = tasks[:MOST_LINES]
    if len(shown) == 1:
        question = "Do you mean this task?"
    elif len(shown) < len(tasks):
        question = f"Delete the first {len(shown)} of these {len(tasks)} tasks?"
    else:
        question = f"Delete these {len(tasks)} tasks?"
    return f"{question}\n\n{numbered(shown)}\n\n{CONFIRM}"


def no_such_number(number: int, count: int) -> str:
    return f"There is no number {number} on the last list; it has {_tasks(count)}."


def is_gone(title: str) -> str:
    return f"{quoted(title)} is no longer on your list."


def already(tasks: Sequence[Task]) -> str:
    """For tasks that are in the wanted state as they are."""
    verb = "is" if len(tasks) == 1 else "are"
    state = "already done" if tasks[0].is_done else "still open"
    return f"{joined([task.title for task in tasks])} {verb} {state}."


def nothing_to(verb: str) -> str:
    return f"There is nothing to {verb}."


def suggestion(title: str) -> str:
    return f"I'm not sure what you mean. Should I add {quoted(title)} to your tasks? {ADD_IT}"


def what_to_do_with(tasks: Sequence[Task]) -> str:
    return (
        f"What should I do with {joined([task.title for task in tasks])}? You can say"
        f" “complete it”,"
        " “rename it to …” or “delete it”."
    )


def could_not_read(error: str) -> str:
    return f"I could not read your tasks: {_sentence(error)}"


def could_not(action: str, title: str, error: str) -> str:
    named = f" {quoted(title)}" if title else " the task"
    return f"I could not {action}{named}: {_sentence(error)}"


def left_alone(titles: Sequence[str]) -> str:
    named = joined([title for title in titles if title]) or "it"
    return f"You did not approve that, so I left {named} as it was."


def cannot_undo(title: str) -> str:
    named = quoted(title) if title else "the task"
    return f"I can't undo the change of {named}: I no longer know what it was before."


def too_many(count: int, most: int) -> str:
    return f"That was {count} steps; I took the first {most}. Say it again for the rest."


def _headed(heading: str, tasks: Sequence[Task], empty: str) -> str:
    return f"{heading}:\n\n{numbered(tasks)}" if tasks else empty


def _count(tasks: Sequence[Task]) -> str:
    return _tasks(len(tasks))


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
