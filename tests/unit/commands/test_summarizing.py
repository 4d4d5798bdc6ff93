from __future__ import annotations

from dataclasses import replace

import pytest

from commands.errors import InvalidCommand, NotFound
from commands.summarizing import SUMMARY_CHARACTERS, RecordSummary
from events import conversation as c
from events.history import HistorySummarized
from tests.unit.commands.scenario import given

USAGE = c.Usage(requests=1)
HISTORY = (
    c.Started(),
    c.UserMessagePosted(message_id="m1", text="one"),
    c.RunRequested(run_id="r1", message_id="m1"),
    c.AssistantMessagePosted(run_id="r1", message_id="a1", text="first"),
    c.RunCompleted(run_id="r1"),
    c.UserMessagePosted(message_id="m2", text="two"),
)
COMMAND = RecordSummary(
    after_summary_version=0,
    from_version=2,
    through_version=4,
    through_message_id="m1",
    text="They said one.",
    model="small",
    usage=USAGE,
)
SUMMARIZED = HistorySummarized(
    from_version=2,
    through_version=4,
    through_message_id="m1",
    text="They said one.",
    model="small",
    usage=USAGE,
)


def test_summary_is_recorded_once() -> None:
    given(*HISTORY).when(COMMAND).then(SUMMARIZED)
    given(*HISTORY, SUMMARIZED).when(COMMAND).then()


def test_next_summary_goes_on_from_the_newest() -> None:
    command = replace(COMMAND, after_summary_version=7, through_version=6, through_message_id="m2")
    assert len(given(*HISTORY, SUMMARIZED).when(command).decide()) == 1


def test_nothing_is_recorded_for_a_branch_that_was_left() -> None:
    fork = c.BranchForked(branch_id="b1", parent_id=c.MAIN_BRANCH, message_id="m1", side="after")
    given(*HISTORY, fork).when(COMMAND).then()
    given(*HISTORY).when(replace(COMMAND, through_message_id="m9")).then()


@pytest.mark.parametrize("text", ["", " ", "\x00", "x" * (SUMMARY_CHARACTERS + 1)])
def test_summary_is_text_of_some_length(text: str) -> None:
    given(*HISTORY).when(replace(COMMAND, text=text)).refuses(InvalidCommand)


def test_deleted_conversation_is_not_summed_up() -> None:
    given(*HISTORY, c.Deleted()).when(COMMAND).refuses(NotFound)
