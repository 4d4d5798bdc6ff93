from __future__ import annotations

from collections.abc import Sequence

import pytest

from agent.context import build_context, rederive
from agent.notes import (
    LINE_CHARACTERS,
    OPENING,
    TRANSCRIPT_CHARACTERS,
    extract,
    transcript,
    turns_to_sum_up,
)
from agent.turns import Turn, turns_before
from commands.summarizing import SUMMARY_CHARACTERS
from events import conversation as c
from events.history import HistorySummarized
from tests.unit.agent.histories import Story, call, message


def told(count: int, limit: int = 6) -> tuple[Story, str]:
    """A conversation of so many exchanges, and its last run."""
    story = Story(limit)
    runs = [story.exchange(f"question {n}", f"answer {n}") for n in range(count)]
    return story, runs[-1]


def turns_of(story: Story, run_id: str) -> Sequence[Turn]:
    return turns_before(story.recorded, run_id)


def texts(story: Story, run_id: str) -> list[str]:
    items = build_context(story.recorded, run_id, story.limit, summary=story.summary()).items
    return [item["content"][0]["text"] for item in items]


def test_nothing_is_summed_up_while_the_next_message_cuts_nothing() -> None:
    story, last = told(2)
    assert turns_to_sum_up(turns_of(story, last), 6) == ()
    story, last = told(3)
    assert len(turns_to_sum_up(turns_of(story, last), 6)) == 1
    assert len(turns_to_sum_up(turns_of(story, last), 7)) == 0


@pytest.mark.parametrize("limit", range(2, 16))
def test_two_thirds_of_the_limit_are_left_and_one_turn_at_least(limit: int) -> None:
    story, last = told(20, limit)
    turns = turns_of(story, last)
    left = turns[len(turns_to_sum_up(turns, limit)) :]
    count = sum(turn.message_count for turn in left)
    assert count == 2 or count <= limit * 2 / 3 < count + 2
    assert left


def test_context_begins_with_the_notes_and_goes_on_where_they_end() -> None:
    story, last = told(3)
    assert story.sum_up(last, "They asked question 0.")
    next_run = story.post("question 3")
    notes, *rest = texts(story, next_run)
    assert notes.startswith(OPENING)
    assert "They asked question 0." in notes
    assert rest == ["question 1", "answer 1", "question 2", "answer 2", "question 3"]


def test_notes_are_the_assistants_words_under_an_id_of_their_own() -> None:
    story, last = told(3)
    story.sum_up(last)
    run_id = story.post("and now?")
    item = build_context(story.recorded, run_id, 6, summary=story.summary()).items[0]
    assert (item["role"], item["type"]) == ("assistant", "message")
    assert item["id"].startswith("msg_e")


def test_conversation_is_summed_up_again_only_when_it_has_grown() -> None:
    story, last = told(3)
    assert story.sum_up(last)
    assert not story.sum_up(last)
    last = story.exchange("question 3", "answer 3")
    assert story.sum_up(last)
    newest = story.summary()
    assert newest is not None
    assert isinstance(newest.event, HistorySummarized)
    assert newest.event.through_message_id == "m4"


def test_summary_is_not_used_on_a_branch_that_has_another_history() -> None:
    story, last = told(3)
    story.sum_up(last)
    retried = story.retry("m1")
    assert story.summary() is None
    assert texts(story, retried) == ["question 0"]
    story.cancel(retried)
    story.switch(c.MAIN_BRANCH)
    assert story.summary() is not None
    kept = story.edit("m7", "another question 2")
    assert story.summary() is not None
    assert texts(story, kept)[1:] == ["question 1", "answer 1", "another question 2"]


def test_summary_through_the_very_message_that_is_answered_again_is_left_out() -> None:
    story = Story(2)
    story.interrupt(story.post("one"))
    last = story.exchange("two", "second")
    assert story.sum_up(last)
    again = story.retry("m1")
    assert story.summary() is not None
    assert texts(story, again) == ["one"]


def test_later_summary_does_not_change_what_an_attempt_was_given() -> None:
    story, last = told(3)
    story.sum_up(last, "first notes")
    run_id = story.post("and now?")
    story.start(run_id)
    begun = len(story.recorded)
    started = story.recorded[-1].event
    assert isinstance(started, c.RunStarted)
    story.respond(run_id, message("fine"))
    story.complete(run_id)
    assert story.sum_up(run_id, "second notes")
    before = [*story.recorded[: begun - 1], story.recorded[-1]]
    context = rederive(before, started)
    assert "first notes" in context.items[0]["content"][0]["text"]
    assert context.event_ids == started.context_event_ids


def test_transcript_tells_what_was_said_and_done() -> None:
    story = Story()
    run_id = story.post("add milk")
    story.start(run_id)
    (ours,) = story.respond(run_id, call("call_1"))
    story.finish_tool(run_id, ours, "added")
    story.respond(run_id, message("Done."))
    story.complete(run_id)
    assert transcript(turns_of(story, run_id)).splitlines() == [
        "User: add milk",
        'Tool add_task called with {"ours": ""}',
        "Tool answered: added",
        "Assistant: Done.",
    ]


def test_transcript_and_extract_are_bounded() -> None:
    story = Story(200)
    for number in range(60):
        last = story.exchange("x" * 5_000, f"answer {number}")
    turns = turns_of(story, last)
    assert len(transcript(turns)) == TRANSCRIPT_CHARACTERS
    notes = extract("an old line\n" * 300, turns)
    assert len(notes) <= SUMMARY_CHARACTERS
    assert notes.endswith("Assistant: answer 59")
    assert max(map(len, notes.splitlines())) <= LINE_CHARACTERS


def test_extract_goes_on_from_the_notes() -> None:
    story, last = told(1)
    assert extract("Before that.", turns_of(story, last)).splitlines() == [
        "Before that.",
        "User: question 0",
        "Assistant: answer 0",
    ]
