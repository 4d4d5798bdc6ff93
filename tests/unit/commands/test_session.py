from __future__ import annotations

from typing import Any

import pytest

from commands.errors import InvalidCommand, NotFound, Rejected
from commands.session import ITEMS, AddSessionItems, ClearSession, RemoveSessionItem
from events import conversation as c
from events.event import Event
from events.sessions import SessionCleared, SessionItemRemoved, SessionItemsAdded
from tests.unit.commands.scenario import given

STARTED = c.Started(title="hello")
HELLO = {"role": "user", "content": "hello"}
REPLY = {"role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]}
CALL = {"type": "function_call", "call_id": "p", "name": "add_task", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "p", "output": "done"}
BRIEF = {"role": "developer", "content": "be brief"}


def add(*items: dict[str, Any]) -> AddSessionItems:
    return AddSessionItems(items=items, seed_id="s1", title="hello")


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_first_items_start_the_conversation_and_show_themselves() -> None:
    events = given().when(add(HELLO, CALL, OUTPUT, REPLY)).decide()
    assert kinds(events) == [
        "Started",
        "SessionItemsAdded",
        "UserMessagePosted",
        "SessionItemsAdded",
        "RunRequested",
        "ModelResponded",
        "ToolCalled",
        "ToolCompleted",
        "ModelResponded",
        "AssistantMessagePosted",
        "RunCompleted",
    ]
    added = [event for event in events if isinstance(event, SessionItemsAdded)]
    assert [item for event in added for item in event.items] == [HELLO, CALL, OUTPUT, REPLY]


def test_same_command_gives_the_same_ids() -> None:
    one, other = (given(STARTED).when(add(HELLO, REPLY)).decide() for _ in range(2))
    assert one == other


def test_what_cannot_be_shown_is_kept_all_the_same() -> None:
    image = {"role": "user", "content": [{"type": "input_image", "image_url": "data:,"}]}
    given(STARTED).when(add(image, BRIEF, REPLY)).then(
        SessionItemsAdded(items=(image,)), SessionItemsAdded(items=(BRIEF, REPLY))
    )


def test_call_without_its_result_is_shown_as_unknown() -> None:
    events = given(STARTED).when(add(HELLO, CALL)).decide()
    assert kinds(events)[-2:] == ["ToolOutcomeUnknown", "RunCompleted"]


def test_removed_item_cannot_be_removed_again() -> None:
    removed = SessionItemRemoved(version=2, place=0)
    command = RemoveSessionItem(version=2, place=0)
    given(STARTED).when(command).then(removed)
    given(STARTED, removed).when(command).refuses(Rejected, code="item_removed")


def test_clearing_is_recorded_where_there_is_a_conversation() -> None:
    given(STARTED).when(ClearSession()).then(SessionCleared())
    given().when(ClearSession()).then()


@pytest.mark.parametrize("items", [[HELLO] * (ITEMS + 1), [{"role": "user", "content": "\x00"}]])
def test_too_much_and_what_cannot_be_stored_is_refused(items: list[dict[str, Any]]) -> None:
    given(STARTED).when(add(*items)).refuses(InvalidCommand)


def test_nothing_is_added_to_a_deleted_conversation() -> None:
    given(STARTED, c.Deleted()).when(add(HELLO)).refuses(NotFound)
    given(STARTED, c.Deleted()).when(ClearSession()).refuses(NotFound)
