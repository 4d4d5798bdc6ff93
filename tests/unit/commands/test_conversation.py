from __future__ import annotations

from typing import Any

import pytest

from commands.conversation import (
    MESSAGE_ATTACHMENTS,
    QUEUED_RUNS,
    Delete,
    NameConversation,
    PutItem,
    RemoveItem,
    Rename,
    RequestRun,
    Start,
)
from commands.errors import InvalidCommand, NotFound, Rejected
from commands.feedback import FEEDBACK_ITEMS, GiveFeedback
from commands.run import SUPERSEDED_REASON, CancelRun
from commands.titles import TITLE_CHARACTERS
from events import conversation as c
from events.event import Event

from .conversations import ANSWERED, AT_WORK, STARTED, asked, post, posted, requested
from .scenario import given

DELETED = (*ANSWERED, c.Deleted())
FILE = c.Attachment(attachment_id="a", name="a.txt", mime_type="text/plain", size_bytes=1)
#: What neither PostgreSQL nor UTF-8 can hold.
UNSTORABLE = ["a\x00b", "a\ud800b", "\udfff"]
QUESTION = {"id": "q1", "type": "structured_input", "status": "pending"}


def test_start_names_the_conversation() -> None:
    given().when(Start(title="  my \n plan ")).then(c.Started(title="my plan"))


def test_start_of_an_active_conversation_changes_nothing() -> None:
    given(STARTED).when(Start(title="other")).then()


def test_start_does_not_bring_a_deleted_conversation_back() -> None:
    given(*DELETED).when(Start()).refuses(NotFound)


def test_post_starts_a_new_conversation() -> None:
    given().when(post(may_start=True)).then(c.Started(title="hello"), posted(), requested())


def test_new_conversation_is_called_by_its_first_words() -> None:
    (started, *_) = given().when(post(text="milk " * 30, may_start=True)).decide()
    assert started == c.Started(title=" ".join(["milk"] * 12) + "…")


def test_post_keeps_everything_the_client_sent() -> None:
    sent: dict[str, Any] = {
        "text": "hello",
        "content": ({"type": "input_text", "text": "hello"},),
        "attachments": (FILE,),
        "quoted_text": "as you said",
        "inference_options": {"model": "offline"},
    }
    message = c.UserMessagePosted(message_id="m1", **sent)
    given(STARTED).when(post(**sent)).then(message, requested())


def test_post_does_not_start_a_conversation_unasked() -> None:
    given().when(post()).refuses(NotFound)


@pytest.mark.parametrize("may_start", [True, False])
def test_post_to_a_deleted_conversation_is_refused(may_start: bool) -> None:
    given(*DELETED).when(post("m2", "r2", may_start=may_start)).refuses(NotFound)


def test_post_of_a_known_message_is_refused() -> None:
    given(*ANSWERED).when(post("m1", "r2")).refuses(Rejected, code="message_exists")


def test_post_under_the_id_of_an_unfinished_run_is_refused() -> None:
    given(*AT_WORK).when(post("m2", "r1")).refuses(Rejected, code="run_exists")


def test_post_while_a_run_is_unfinished_waits_its_turn() -> None:
    given(*AT_WORK).when(post("m2", "r2")).then(*asked("m2", "r2"))


def test_post_while_a_run_is_unfinished_is_refused_by_policy() -> None:
    command = post("m2", "r2", policy="reject")
    given(*AT_WORK).when(command).refuses(Rejected, code="run_unfinished")
    given(*ANSWERED).when(command).then(*asked("m2", "r2"))


def test_post_that_interrupts_makes_every_unfinished_run_way() -> None:
    makes_way = c.RunInterruptRequested(run_id="r1", by_run_id="r2")
    interrupting = post("m2", "r2", policy="interrupt")
    message, request = asked("m2", "r2")
    given(*AT_WORK).when(interrupting).then(makes_way, message, request)
    given(*ANSWERED).when(interrupting).then(message, request)
    again = post("m3", "r3", policy="interrupt")
    given(*AT_WORK, makes_way, message, request).when(again).then(
        c.RunInterruptRequested(run_id="r2", by_run_id="r3"), *asked("m3", "r3")
    )


def test_stopped_run_that_made_way_is_interrupted() -> None:
    makes_way = c.RunInterruptRequested(run_id="r1", by_run_id="r2")
    stop = CancelRun(run_id="r1", attempt=1, usage=c.Usage())
    given(*AT_WORK, makes_way).when(stop).then(
        c.RunInterrupted(run_id="r1", reason=SUPERSEDED_REASON)
    )


def test_post_under_an_unknown_policy_is_refused() -> None:
    given(STARTED).when(post(policy="shout")).refuses(InvalidCommand, match="enqueue")


def test_post_is_refused_when_the_queue_is_full() -> None:
    queue = [event for n in range(QUEUED_RUNS) for event in asked(f"m{n}", f"r{n}")]
    given(STARTED, *queue).when(post("m", "r")).refuses(Rejected, code="queue_full")
    given(STARTED, *queue[:-2]).when(post("m", "r")).then(*asked("m", "r"))
    ended = c.RunCancelled(run_id="r3")
    given(STARTED, *queue, ended).when(post("m", "r")).then(*asked("m", "r"))


@pytest.mark.parametrize("text", ["", "   ", "\n\t\u2003"])
def test_post_without_text_is_refused(text: str) -> None:
    given(STARTED).when(post(text=text)).refuses(InvalidCommand, match="needs text")


def test_post_of_an_attachment_needs_no_text() -> None:
    message = c.UserMessagePosted(message_id="m1", text="", attachments=(FILE,))
    given(STARTED).when(post(text="", attachments=(FILE,))).then(message, requested())


def test_post_takes_32_000_characters_and_not_one_more() -> None:
    longest = "\N{GRINNING FACE}" * 32_000
    given(STARTED).when(post(text=longest)).then(posted(text=longest), requested())
    given(STARTED).when(post(text=longest + "a")).refuses(InvalidCommand, match="32000")


def test_post_takes_a_quotation_of_32_000_characters_and_not_one_more() -> None:
    longest = "q" * 32_000
    message = c.UserMessagePosted(message_id="m1", text="hello", quoted_text=longest)
    given(STARTED).when(post(quoted_text=longest)).then(message, requested())
    given(STARTED).when(post(quoted_text=longest + "a")).refuses(InvalidCommand, match="32000")


def test_post_takes_ten_attachments_and_not_one_more() -> None:
    files = (FILE,) * MESSAGE_ATTACHMENTS
    message = c.UserMessagePosted(message_id="m1", text="hello", attachments=files)
    given(STARTED).when(post(attachments=files)).then(message, requested())
    too_many = post(attachments=(*files, FILE))
    given(STARTED).when(too_many).refuses(InvalidCommand, match="10 attachments")


@pytest.mark.parametrize("text", UNSTORABLE)
@pytest.mark.parametrize(
    "field", ["text", "quoted_text", "content", "key", "inference_options", "attachments"]
)
def test_post_of_what_cannot_be_stored_is_refused(field: str, text: str) -> None:
    changes: dict[str, dict[str, Any]] = {
        "text": {"text": text},
        "quoted_text": {"quoted_text": text},
        "content": {"content": ({"type": "input_text", "parts": [{"text": text}]},)},
        "key": {"content": ({text: 1},)},
        "inference_options": {"inference_options": {"model": text}},
        "attachments": {
            "attachments": (
                c.Attachment(attachment_id="a", name=text, mime_type="text/plain", size_bytes=1),
            )
        },
    }
    given(STARTED).when(post(**changes[field])).refuses(InvalidCommand, match="NUL")


def test_refused_post_to_an_unknown_conversation_does_not_tell_of_its_text() -> None:
    given().when(post(text="")).refuses(NotFound)


def test_request_run_puts_and_removes_items_with_the_run() -> None:
    history = (*ANSWERED, c.ThreadItemPut(item=QUESTION))
    answered = {**QUESTION, "status": "answered"}
    command = RequestRun(
        run_id="r2",
        trigger="structured_input",
        put=(answered,),
        removed_item_ids=("i1",),
        pending_item_ids=("q1",),
    )
    given(*history).when(command).then(
        c.ThreadItemPut(item=answered),
        c.ThreadItemRemoved(item_id="i1"),
        requested("r2", "m1", "structured_input"),
    )


@pytest.mark.parametrize(
    "event",
    [
        c.ThreadItemPut(item={**QUESTION, "status": "answered"}),
        c.ThreadItemRemoved(item_id="q1"),
        c.BranchForked(branch_id="b1", message_id="m1"),
    ],
)
def test_request_run_for_an_item_that_no_longer_waits_is_refused(event: Event) -> None:
    history = (*ANSWERED, c.ThreadItemPut(item=QUESTION), event)
    command = RequestRun(run_id="r2", trigger="structured_input", pending_item_ids=("q1",))
    given(*history).when(command).refuses(Rejected, code="item_answered")


def test_request_run_is_refused_while_a_run_is_unfinished_or_nothing_was_said() -> None:
    command = RequestRun(run_id="r2", trigger="action")
    given(*AT_WORK).when(command).refuses(Rejected, code="run_unfinished")
    given(STARTED).when(command).refuses(Rejected, code="no_message")
    given().when(command).refuses(NotFound)


def test_model_names_a_conversation_that_is_called_by_its_first_words() -> None:
    new = (c.Started(title="hello"), *asked())
    given(*new).when(NameConversation(title="Greetings")).then(c.Renamed(title="Greetings"))


@pytest.mark.parametrize(
    "events",
    [
        (c.Started(title="Mine"), *asked()),
        (c.Started(title="hello"), *asked(), c.Renamed(title="Mine")),
        (c.Started(title="hello"), *asked(), c.Renamed(title="hello")),
    ],
    ids=["at the start", "later", "as the first words"],
)
def test_model_never_overrules_a_title_that_was_given(events: tuple[Event, ...]) -> None:
    given(*events).when(NameConversation(title="Greetings")).then()


def test_first_words_become_a_title_when_the_user_says_so() -> None:
    new = (c.Started(title="hello"), *asked())
    given(*new).when(Rename(title="hello")).then(c.Renamed(title="hello"))
    given(*new, c.Renamed(title="hello")).when(Rename(title="hello")).then()


def test_rename_tidies_the_title() -> None:
    given(STARTED).when(Rename(title=" a \t b ")).then(c.Renamed(title="a b"))


def test_rename_to_the_same_title_changes_nothing() -> None:
    given(c.Started(title="a b")).when(Rename(title="a  b")).then()


def test_rename_takes_200_characters_and_not_one_more() -> None:
    longest = "t" * TITLE_CHARACTERS
    given(STARTED).when(Rename(title=longest)).then(c.Renamed(title=longest))
    given(STARTED).when(Rename(title=longest + "t")).refuses(InvalidCommand, match="200")


@pytest.mark.parametrize("title", UNSTORABLE)
def test_title_that_cannot_be_stored_is_refused(title: str) -> None:
    given(STARTED).when(Rename(title=title)).refuses(InvalidCommand)
    given().when(Start(title=title)).refuses(InvalidCommand)


def test_delete_cancels_the_unfinished_runs_first() -> None:
    given(*AT_WORK, *asked("m2", "r2")).when(Delete()).then(
        c.RunCancelled(run_id="r1"), c.RunCancelled(run_id="r2"), c.Deleted()
    )
    given(*ANSWERED).when(Delete()).then(c.Deleted())


def test_item_is_put_and_removed() -> None:
    given(STARTED).when(PutItem(item=QUESTION)).then(c.ThreadItemPut(item=QUESTION))
    given(STARTED).when(RemoveItem(item_id="q1")).then(c.ThreadItemRemoved(item_id="q1"))


@pytest.mark.parametrize("text", UNSTORABLE)
def test_item_that_cannot_be_stored_is_refused(text: str) -> None:
    item = {"id": "q1", "children": [{"label": text}]}
    given(STARTED).when(PutItem(item=item)).refuses(InvalidCommand)
    run = RequestRun(run_id="r2", trigger="action", put=(item,))
    given(*ANSWERED).when(run).refuses(InvalidCommand)
    feedback = GiveFeedback(item_ids=(text,), kind="positive")
    given(STARTED).when(feedback).refuses(InvalidCommand)


@pytest.mark.parametrize("kind", ["positive", "negative"])
def test_feedback_is_recorded(kind: str) -> None:
    command = GiveFeedback(item_ids=("i1", "i2"), kind=kind)
    given(STARTED).when(command).then(c.FeedbackGiven(item_ids=("i1", "i2"), kind=kind))


def test_feedback_of_another_kind_is_refused() -> None:
    given(STARTED).when(GiveFeedback(item_ids=("i",), kind="so-so")).refuses(InvalidCommand)


@pytest.mark.parametrize("items", [0, FEEDBACK_ITEMS + 1])
def test_feedback_on_no_item_or_too_many_is_refused(items: int) -> None:
    command = GiveFeedback(item_ids=("i",) * items, kind="positive")
    given(STARTED).when(command).refuses(InvalidCommand, match="1 to 100")


@pytest.mark.parametrize(
    "command",
    [
        Rename(title="t"),
        Delete(),
        PutItem(item={}),
        RemoveItem(item_id="i"),
        GiveFeedback(item_ids=("i",), kind="positive"),
        RequestRun(run_id="r2", trigger="action"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_command_for_a_conversation_that_is_not_there_is_refused(command: Any) -> None:
    given().when(command).refuses(NotFound, match="no such conversation")
    given(*DELETED).when(command).refuses(NotFound, match="no such conversation")
