"""Where the stock ChatKit server goes wrong, and the tests that show that this one does not."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HERE = "tests/conformance/chatkit"
RUNS = "tests/integration/api/test_chatkit_runs.py"
REFUSALS = "tests/integration/api/test_chatkit_refusals.py"

#: The trap, and its tests. Those that are not called after a trap were there before it had a name.
TRAPS: dict[int, tuple[str, tuple[str, ...]]] = {
    1: (
        "a closed tab looks like Stop, and loses the partial text",
        (f"{RUNS}::test_closed_tab_ends_nothing", f"{RUNS}::test_stop_keeps_what_was_said"),
    ),
    2: (
        "a closed tab during a tool call leaves a tool's effect that the thread knows nothing of",
        (f"{RUNS}::test_closed_tab_ends_nothing",),
    ),
    3: ("tool calls are neither shown nor kept nor told to the model", ()),
    4: ("two calls of one name are taken for one", ()),
    5: ("an item open at the end is added twice, or stays open for ever", ()),
    6: ("items of chat completions overwrite each other under one id", ()),
    7: ("ids of 32 bits collide", ()),
    8: ("times are local, differ between added and done, and ties swap items", ()),
    9: (
        "a client tool's output is taken for whatever item is the last",
        (
            "tests/integration/api/test_chatkit_answers.py"
            "::test_tool_output_is_for_the_newest_call_and_older_ones_go",
        ),
    ),
    10: ("hidden items leave gaps in pages, and leak through live events", ()),
    11: (
        "errors come after the headers",
        (
            f"{REFUSALS}::test_every_operation_needs_credentials",
            f"{REFUSALS}::test_foreign_thread_is_forbidden_to_every_operation",
            f"{REFUSALS}::test_unknown_thread_is_not_found_by_any_operation",
        ),
    ),
    12: ("locked threads accept messages", ()),
    13: ("a task has no state for an error", ()),
    14: ("a failed tool looks like one that answered", ()),
    15: (
        "a call without an id breaks the stream, and a question about a call is not on the wire",
        (
            "tests/conformance/chatkit/test_approval.py"
            "::test_question_is_a_widget_whose_buttons_are_answered",
        ),
    ),
    16: ("a widget that loses text or parts breaks the stream", ()),
    17: ("a fast tool's result waits for its slowest sibling", ()),
    18: ("a stop leaves a tool half-run", ()),
    19: (
        "a run resumed three times runs its tool three times",
        (
            "tests/integration/api/test_mcp.py::test_agent_acts_for_its_user_once_a_call",
            "tests/e2e/kills/test_killed_approvals.py::test_approved_call_acts_once",
            "tests/e2e/kills/test_killed_workers.py::test_run_is_finished_by_another_node",
            "tests/e2e/kills/test_killed_workers.py::test_no_law_is_broken",
        ),
    ),
    20: (
        "outputs without a call, and calls without an output, reach the model",
        (
            "tests/unit/agent/test_context_properties.py"
            "::test_context_is_an_input_that_a_host_accepts",
            "tests/unit/agent/test_context_properties.py"
            "::test_context_gives_each_call_its_own_output",
        ),
    ),
    21: ("a proxy that compresses holds the stream back", ()),
}


def test_every_trap_is_listed() -> None:
    assert sorted(TRAPS) == list(range(1, 22))


@pytest.mark.parametrize("number", TRAPS, ids=[f"trap_{number:02}" for number in TRAPS])
def test_trap_has_a_test(number: int) -> None:
    named = [name for name in _tests_here() if number in _traps_of(name)]
    listed = TRAPS[number][1]
    assert named or listed
    for place in listed:
        file, _, name = place.partition("::")
        assert name in _tests_of(file), place


def _traps_of(name: str) -> set[int]:
    """`test_trap_13_and_14_a_failed_tool` is about 13 and 14."""
    words = name.removeprefix("test_trap_").split("_") if name.startswith("test_trap_") else []
    numbers = set()
    for word in words:
        if not word.isdecimal() and word != "and":
            break
        numbers |= {int(word)} if word.isdecimal() else set()
    return numbers


def _tests_here() -> list[str]:
    files = sorted((ROOT / HERE).glob("test_*.py"))
    return [name for file in files for name in _tests_of(str(file.relative_to(ROOT)))]


@cache
def _tests_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text())
    found = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in found if node.name.startswith("test_"))
