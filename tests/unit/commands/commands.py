"""Strategies: any command, from small pools of ids so that commands meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from commands import approval as approvals
from commands import branching, feedback, summarizing
from commands import conversation as conversations
from commands import run as runs
from commands import session as sessions
from commands import task as tasks
from events.conversation import Usage

#: Stands for the run that has waited longest, and for the attempt that is at work on it.
OPEN_RUN = "open"
CURRENT_ATTEMPT = 0

TEXTS = st.sampled_from(["hello", "", " ", "a\x00b", "\ud800", "x" * 32_001])
RUN_IDS = st.sampled_from([OPEN_RUN, OPEN_RUN, OPEN_RUN, "r0", "r1"])
ATTEMPTS = st.sampled_from([CURRENT_ATTEMPT, CURRENT_ATTEMPT, CURRENT_ATTEMPT, 1, 2])
BRANCH_IDS = st.sampled_from(["main", "b0", "b1", "b2", "b3"])
MESSAGE_IDS = st.sampled_from(["m0", "m1", "m2", "m3"])
CALL_IDS = st.sampled_from(["c0", "c1"])
ITEM_IDS = st.sampled_from(["i0", "i1"])
ITEMS = st.fixed_dictionaries(
    {
        "id": ITEM_IDS,
        "type": st.sampled_from(["widget", "structured_input"]),
        "status": st.sampled_from(["pending", "answered"]),
    }
)
USAGES = st.just(Usage(requests=1))


def few(values: st.SearchStrategy[Any], at_most: int = 1) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=at_most).map(tuple)


def weighted(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    drawn = [strategy for weight, strategy in choices for _ in range(weight)]
    return st.sampled_from(drawn).flatmap(lambda strategy: strategy)


_OF_RUN: dict[str, Any] = {"run_id": RUN_IDS, "attempt": ATTEMPTS}
_REPLIES = st.builds(runs.Reply, message_id=st.just("a"), text=st.sampled_from(["", "Hi."]))
_PARTIALS = st.none() | _REPLIES
_CALLS = st.builds(
    runs.Call,
    call_id=CALL_IDS,
    provider_call_id=st.just("p"),
    name=st.just("add_task"),
    arguments=st.just("{}"),
    needs_approval=st.booleans(),
)

STARTS = st.one_of(
    st.builds(
        runs.StartRun,
        **_OF_RUN,
        model=st.just("offline"),
        context_event_ids=st.just(()),
        context_hash=st.just(""),
        context_tokens=st.just(0),
    ),
    st.builds(runs.ResumeRun, run_id=RUN_IDS, attempt=st.integers(1, 4)),
)

RESPONSES = st.builds(
    runs.RecordResponse,
    **_OF_RUN,
    response_id=st.just("resp"),
    items=st.just(()),
    usage=USAGES,
    model=st.just("offline"),
    adjusted=st.just(()),
    replies=few(_REPLIES),
    calls=few(_CALLS, at_most=2),
)

ANSWERS = st.one_of(
    st.builds(runs.CompleteTool, **_OF_RUN, call_id=CALL_IDS, output=st.just("done")),
    st.builds(runs.FailTool, **_OF_RUN, call_id=CALL_IDS, error=st.just("no")),
    st.builds(runs.LoseTool, **_OF_RUN, call_id=CALL_IDS, reason=st.just("gone")),
)

APPROVALS = st.one_of(
    st.builds(approvals.PauseRun, **_OF_RUN, last_seq=st.just(7)),
    st.builds(approvals.DecideCall, run_id=RUN_IDS, call_id=CALL_IDS, is_granted=st.booleans()),
    st.builds(approvals.StopWaiting, run_id=RUN_IDS),
)

COMPLETIONS = st.builds(runs.CompleteRun, **_OF_RUN, usage=USAGES)

BREAKS = st.one_of(
    st.builds(
        runs.FailRun,
        **_OF_RUN,
        code=st.just("internal"),
        message=st.just("It failed."),
        can_retry=st.booleans(),
        usage=USAGES,
        partial=_PARTIALS,
    ),
    st.builds(runs.CancelRun, **_OF_RUN, usage=USAGES, partial=_PARTIALS),
    st.builds(runs.InterruptRun, run_id=RUN_IDS, reason=st.just("gone"), partial=_PARTIALS),
)

POSTS = st.builds(
    conversations.PostMessage,
    message_id=MESSAGE_IDS,
    run_id=RUN_IDS,
    text=st.just("hello") | TEXTS,
    may_start=st.booleans(),
    policy=st.sampled_from(["enqueue", "enqueue", "reject"]),
)

REQUESTS = st.one_of(
    POSTS,
    st.builds(branching.RetryAfter, message_id=MESSAGE_IDS, run_id=RUN_IDS, branch_id=BRANCH_IDS),
    st.builds(
        conversations.EditMessage,
        edited_message_id=MESSAGE_IDS,
        branch_id=BRANCH_IDS,
        message=POSTS,
    ),
    st.builds(
        conversations.RequestRun,
        run_id=RUN_IDS,
        trigger=st.just("action"),
        put=few(ITEMS),
        removed_item_ids=few(ITEM_IDS),
        pending_item_ids=few(ITEM_IDS),
    ),
)

EDITS = st.one_of(
    st.builds(conversations.Start, title=TEXTS),
    st.builds(branching.SwitchBranch, branch_id=BRANCH_IDS),
    st.builds(branching.SwitchBranch, version=st.integers(1, 40)),
    st.builds(conversations.Rename, title=TEXTS),
    st.builds(conversations.PutItem, item=ITEMS),
    st.builds(conversations.RemoveItem, item_id=ITEM_IDS),
    st.builds(
        feedback.GiveFeedback,
        item_ids=few(TEXTS, at_most=2),
        kind=st.sampled_from(["positive", "negative", "so-so"]),
    ),
)

SESSION_ITEMS = st.sampled_from(
    [
        {"role": "user", "content": "hello"},
        {"role": "user", "content": [{"type": "input_image", "image_url": "data:,"}]},
        {"role": "developer", "content": "be brief"},
        {"role": "assistant", "content": "Hi."},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "call_id": "p", "name": "add_task", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "p", "output": "done"},
    ]
)

ASIDES = st.one_of(
    st.builds(
        sessions.AddSessionItems,
        items=few(SESSION_ITEMS, at_most=6),
        seed_id=st.uuids().map(str),
        title=st.just("hello"),
    ),
    st.builds(sessions.RemoveSessionItem, version=st.integers(1, 9), place=st.integers(0, 1)),
    st.just(sessions.ClearSession()),
    st.builds(
        summarizing.RecordSummary,
        after_summary_version=st.integers(0, 9),
        from_version=st.just(2),
        through_version=st.integers(1, 20),
        through_message_id=MESSAGE_IDS,
        text=TEXTS,
        model=st.just("offline"),
        usage=USAGES,
    ),
)

CONVERSATION_COMMANDS = weighted(
    (6, REQUESTS),
    (4, STARTS),
    (6, RESPONSES),
    (10, ANSWERS),
    (6, APPROVALS),
    (4, COMPLETIONS),
    (2, BREAKS),
    (4, EDITS),
    (2, ASIDES),
    (1, st.builds(conversations.Delete)),
)

_TASK: dict[str, Any] = {"task_id": st.just("t1"), "call_id": st.none() | st.just("c1")}

TASK_COMMANDS = weighted(
    (2, st.builds(tasks.AddTask, **_TASK, title=TEXTS, notes=TEXTS)),
    (3, st.builds(tasks.UpdateTask, **_TASK, title=st.none() | TEXTS, notes=st.none() | TEXTS)),
    (3, st.builds(tasks.CompleteTask, **_TASK)),
    (3, st.builds(tasks.ReopenTask, **_TASK)),
    (1, st.builds(tasks.DeleteTask, **_TASK)),
)
