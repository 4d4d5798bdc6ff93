from __future__ import annotations

import json
from typing import Any

import pytest
from agents.items import TResponseInputItem

from agent.offline.history import known_tasks, read
from agent.offline.tasks import Task

MILK = {"task_id": "t1", "title": "milk", "notes": "", "status": "pending"}


def turn_items(output: Any, name: str = "list_tasks") -> list[TResponseInputItem]:
    return [
        {"role": "user", "content": [{"type": "input_text", "text": "what's left?"}]},
        {"type": "function_call", "call_id": "c1", "name": name, "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": output},
    ]


def test_read_takes_a_plain_string_as_the_only_turn() -> None:
    (turn,) = read("add milk")
    assert (turn.text, turn.calls, turn.reply) == ("add milk", (), "")


def test_read_leaves_out_the_lines_that_name_files() -> None:
    text = "add milk\n\n[attachment: a [1].png (image/png, 7 bytes)]\n[attachment: b (text/plain)]"
    (turn,) = read([{"role": "user", "content": [{"type": "input_text", "text": text}]}])
    assert turn.text == "add milk"


def test_read_gives_an_empty_turn_for_no_items() -> None:
    assert read([])[-1].text == ""


def test_read_begins_a_turn_at_each_user_message() -> None:
    items: list[TResponseInputItem] = [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "hello"},
        {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hello!", "annotations": []}],
        },
        {"role": "user", "content": "list"},
    ]
    assert [(turn.text, turn.reply) for turn in read(items)] == [("hello", "Hello!"), ("list", "")]


@pytest.mark.parametrize(
    "output",
    [
        json.dumps({"tasks": [MILK]}),
        [{"type": "input_text", "text": json.dumps({"tasks": [MILK]})}],
        json.dumps({"type": "text", "text": json.dumps({"tasks": [MILK]})}),
        json.dumps({"result": {"tasks": [MILK]}}),
        json.dumps([MILK]),
    ],
)
def test_read_finds_the_tasks_in_every_form_of_output(output: Any) -> None:
    (turn,) = read(turn_items(output))
    assert turn.calls[0].tasks == (Task("t1", "milk"),)


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (json.dumps({"error": "No such task."}), "No such task."),
        (json.dumps({"error": {"message": "No such task."}}), "No such task."),
        ("Error: the database is away", "Error: the database is away"),
        ([{"type": "input_text", "text": "Error 500"}], "Error 500"),
        ("", "there was no answer"),
        ("null", "null"),
        (None, "there was no answer"),
    ],
)
def test_read_tells_a_failed_call(output: Any, error: str) -> None:
    (turn,) = read(turn_items(output, "add_task"))
    assert not turn.calls[0].has_succeeded
    assert turn.calls[0].error == error


def test_read_keeps_the_whole_tasks_of_an_output_that_was_cut() -> None:
    whole = json.dumps({"tasks": [MILK, {**MILK, "task_id": "t2"}, {**MILK, "task_id": "t3"}]})
    (turn,) = read(turn_items(whole[:-40] + " [cut]"))
    output = turn.calls[0].output
    assert [task.task_id for task in turn.calls[0].tasks] == ["t1", "t2"]
    assert output is not None
    assert output.is_cut


def test_read_passes_over_what_it_does_not_know() -> None:
    odd: list[Any] = [
        {"type": "reasoning", "id": "r1", "summary": []},
        {"type": "function_call_output", "call_id": "elsewhere", "output": "x"},
        "not an item",
        {
            "role": "user",
            "content": [{"type": "input_image"}, {"type": "input_text", "text": "hi"}],
        },
        {"type": "function_call", "call_id": "c1", "name": "add_task", "arguments": "{not json"},
    ]
    (turn,) = read(odd)
    assert turn.text == "hi"
    assert turn.calls[0].arguments == {}
    assert turn.calls[0].error == "there was no answer"


def test_known_tasks_follow_every_change() -> None:
    items = turn_items(json.dumps({"tasks": [{**MILK, "notes": "2 litres"}]}))
    items += [
        {
            "type": "function_call",
            "call_id": "c2",
            "name": "update_task",
            "arguments": json.dumps({"task_id": "t1", "title": "oat milk"}),
        },
        {
            "type": "function_call_output",
            "call_id": "c2",
            "output": json.dumps({**MILK, "title": "oat milk", "notes": "2 litres"}),
        },
    ]
    (turn,) = read(items)
    assert known_tasks(turn.calls) == {"t1": Task("t1", "oat milk", notes="2 litres")}
