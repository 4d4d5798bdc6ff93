from __future__ import annotations

from typing import Any

import pytest

from tests.unit.agent.responses_rules import severed, violations

USER: dict[str, Any] = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "hello"}],
}
REPLY: dict[str, Any] = {
    "type": "message",
    "role": "assistant",
    "id": "msg_1",
    "status": "completed",
    "content": [{"type": "output_text", "text": "hi", "annotations": []}],
}
REASONING: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": []}
CALL: dict[str, Any] = {
    "type": "function_call",
    "call_id": "call_1",
    "name": "add_task",
    "arguments": "{}",
}
OUTPUT: dict[str, Any] = {"type": "function_call_output", "call_id": "call_1", "output": "done"}


def test_rules_accept_a_sound_input() -> None:
    assert violations([USER, REASONING, CALL, OUTPUT, REPLY]) == []


@pytest.mark.parametrize(
    ("items", "complaint"),
    [
        ([USER, CALL], "call call_1: 0 outputs"),
        ([USER, OUTPUT], "output call_1: no such call"),
        ([USER, OUTPUT, CALL], "call call_1: its output comes first"),
        ([USER, CALL, OUTPUT, OUTPUT], "call call_1: 2 outputs"),
        ([USER, CALL, CALL, OUTPUT], "call call_1: made 2 times"),
        ([USER, REASONING], "item 1: reasoning without its following item"),
        ([REASONING, USER], "item 0: reasoning without its following item"),
        ([REPLY, REPLY], "id msg_1: used 2 times"),
        ([{"type": "web_page"}], "item 0: no such type or role"),
        ([USER | {"status": None}], "item 0: ('status',)"),
        ([REPLY | {"logprobs": []}], "item 0: fields that are no input"),
        ([REASONING | {"summary": [{"type": "summary_text"}]}, REPLY], "item 0: (0, 'text')"),
        ([REPLY | {"content": [{"type": "output_text", "text": "hi"}]}], "item 0: "),
        ([CALL | {"call_id": "c" * 65}, OUTPUT | {"call_id": "c" * 65}], "an id that is too long"),
    ],
)
def test_rules_refuse_what_a_host_refuses(items: list[dict[str, Any]], complaint: str) -> None:
    assert any(complaint in found for found in violations(items)), violations(items)


def test_rules_refuse_an_item_severed_from_its_reasoning() -> None:
    reasons = {"msg_1": {"rs_1"}}
    assert severed([USER, REASONING, REPLY], reasons) == []
    assert severed([USER, REPLY], reasons) == ["item 1: msg_1 without its required reasoning"]
    assert severed([USER, REASONING | {"id": "rs_2"}, REPLY], reasons)
    assert severed([USER, REPLY | {"id": "msg_2"}], reasons) == []
