"""Laws of the context over any history that the decider allows."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.context import Context, build_context, context_hash, rederive
from agent.input_items import DENIED, NO_RESULT, UNKNOWN_OUTCOME, user_item
from agent.turns import last_turns, turns_before
from commands.conversation import CONVERSATION
from commands.conversation_state import ConversationState
from commands.errors import NotFound
from commands.lost_calls import LOST_REASON
from events import conversation as c
from events.history import HistorySummarized
from tests.unit.agent.histories import KEY, Story, stories
from tests.unit.agent.responses_rules import severed, violations

MANY = 10_000
SAID = c.UserMessagePosted | c.ModelResponded | c.AssistantMessagePosted

lawful = settings(deadline=None, max_examples=150)


@given(story=stories())
@lawful
def test_context_is_an_input_that_a_host_accepts(story: Story) -> None:
    for run_id in every_run(story):
        for limit in (1, story.limit, MANY):
            assert violations(build_context(story.recorded, run_id, limit).items) == []


@given(story=stories(), output_characters=st.integers(0, 12))
@lawful
def test_context_with_outputs_cut_is_still_accepted(story: Story, output_characters: int) -> None:
    for run_id in every_run(story):
        context = build_context(story.recorded, run_id, story.limit, output_characters)
        assert violations(context.items) == []
        whole = build_context(story.recorded, run_id, story.limit)
        assert context.event_ids == whole.event_ids
        for cut, output in zip(context.items, whole.items, strict=True):
            if cut != output:
                assert cut["type"] == "function_call_output"
                text, _, rest = cut["output"].partition("… [")
                assert text == output["output"][:output_characters]
                assert rest == f"{len(output['output']) - output_characters} characters cut]"


@given(story=stories())
@lawful
def test_context_gives_no_item_under_its_hosts_id_without_the_reasoning_it_came_after(
    story: Story,
) -> None:
    reasons = reasons_of(story)
    for run_id in every_run(story):
        for limit in (1, story.limit, MANY):
            items = build_context(story.recorded, run_id, limit).items
            assert severed(items, reasons) == []


@given(story=stories())
@lawful
def test_context_keeps_the_order_in_which_things_were_said(story: Story) -> None:
    for run_id in every_run(story):
        context = build_context(story.recorded, run_id, MANY)
        told = [event for event in contributed(story, context) if isinstance(event, SAID)]
        assert list(said_in(context.items)) == list(said_by(told))


@given(story=stories())
@lawful
def test_context_gives_each_call_its_own_output(story: Story) -> None:
    for run_id in every_run(story):
        items = build_context(story.recorded, run_id, MANY).items
        outputs = {i["call_id"]: i["output"] for i in items if i["type"] == "function_call_output"}
        results = set(answered_calls(story))
        for item in items:
            if item["type"] == "function_call":
                ours = json.loads(item["arguments"])["ours"]
                if ours in denied_calls(story):
                    assert outputs[item["call_id"]].startswith(DENIED)
                elif ours in lost_calls(story):
                    assert outputs[item["call_id"]] == f"{UNKNOWN_OUTCOME} ({LOST_REASON})"
                elif ours in results:
                    found = re.search(r"result of (\w+)", outputs[item["call_id"]])
                    assert found is not None
                    assert found[1] == ours
                else:
                    assert outputs[item["call_id"]] == NO_RESULT


@given(story=stories())
@lawful
def test_context_holds_at_most_limit_messages_or_its_own_turn_alone(story: Story) -> None:
    for run_id in every_run(story):
        events = contributed(story, build_context(story.recorded, run_id, story.limit))
        posted = [e for e in events if isinstance(e, c.UserMessagePosted)]
        replies = [e for e in events if isinstance(e, c.AssistantMessagePosted)]
        assert len(posted) + len(replies) <= story.limit or len(posted) == 1


@given(story=stories())
@lawful
def test_context_follows_the_branch_of_its_run_up_to_its_message(story: Story) -> None:
    for run_id, line in lines_to_runs(story).items():
        context = build_context(story.recorded, run_id, story.limit)
        posted = [
            event.message_id
            for event in contributed(story, context)
            if isinstance(event, c.UserMessagePosted)
        ]
        *before, (own, _) = line
        answered = [m for m, runs in before if any(run not in story.state.runs for run in runs)]
        assert posted == [*answered, own][-len(posted) :]


@given(story=stories())
@lawful
def test_context_speaks_only_of_runs_on_the_branch_of_its_run(story: Story) -> None:
    for run_id, line in lines_to_runs(story).items():
        events = contributed(story, build_context(story.recorded, run_id, MANY))
        runs = {getattr(event, "run_id", run_id) for event in events}
        assert runs <= {run for _, runs in line for run in runs}


@given(story=stories())
@lawful
def test_context_never_mixes_two_runs_and_shows_no_other_unfinished_one(story: Story) -> None:
    for run_id in every_run(story):
        events = contributed(story, build_context(story.recorded, run_id, MANY))
        runs = [run for run, _ in itertools.groupby(getattr(e, "run_id", None) for e in events)]
        spoken = [run for run in runs if run is not None]
        assert len(spoken) == len(set(spoken))
        assert not {run for run in spoken if run in story.state.runs} - {run_id}


@given(story=stories())
@lawful
def test_context_with_a_higher_limit_only_adds_older_turns(story: Story) -> None:
    for run_id in every_run(story):
        ids = [build_context(story.recorded, run_id, n).event_ids for n in (*range(1, 12), MANY)]
        for fewer, more in itertools.pairwise(ids):
            assert more[len(more) - len(fewer) :] == fewer


@given(story=stories(), start=st.integers(1, 200))
@lawful
def test_what_the_end_of_a_history_tells_is_the_end_of_what_all_of_it_tells(
    story: Story, start: int
) -> None:
    for run_id in every_run(story):
        whole = turns_before(story.recorded, run_id)
        try:
            end = turns_before(story.recorded[start:], run_id)
        except NotFound:
            continue
        assert end == whole[-len(end) :]
        if last_turns(end, story.limit).is_settled:
            context = build_context(story.recorded[start:], run_id, story.limit)
            assert context == build_context(story.recorded, run_id, story.limit)


@given(story=stories())
@lawful
def test_context_with_a_summary_holds_it_first_and_nothing_that_it_covers(story: Story) -> None:
    for one in story.recorded:
        if not isinstance(one.event, HistorySummarized):
            continue
        for run_id in every_run(story):
            context = build_context(story.recorded, run_id, story.limit, summary=one)
            plain = build_context(story.recorded, run_id, story.limit)
            assert violations(context.items) == []
            assert context.event_ids[-1:] == plain.event_ids[-1:]
            if context == plain:
                continue
            assert context.event_ids[0] == one.event_id
            assert one.event.text in context.items[0]["content"][0]["text"]
            rest = context.event_ids[1:]
            assert rest == plain.event_ids[len(plain.event_ids) - len(rest) :]
            posted = [
                event.message_id
                for event in contributed(story, context)
                if isinstance(event, c.UserMessagePosted)
            ]
            assert one.event.through_message_id not in posted


@given(story=stories())
@lawful
def test_summaries_of_a_branch_follow_each_other_and_are_true_of_it(story: Story) -> None:
    for one in story.recorded:
        if not isinstance(one.event, HistorySummarized):
            continue
        before = CONVERSATION.fold(
            ConversationState(), (r.event for r in story.recorded[: one.stream_version - 1])
        )
        assert before.branches.is_current(one.event.through_version)
        assert before.branches.is_current(before.messages[one.event.through_message_id])
        assert one.event.from_version <= one.event.through_version
        if before.summary is not None:
            assert before.summary.through_version <= one.event.through_version


@given(story=stories())
@lawful
def test_context_hash_is_rederived_from_the_events_before_the_run_started(story: Story) -> None:
    for one in story.recorded:
        if isinstance(one.event, c.RunStarted):
            before = story.recorded[: one.stream_version - 1]
            context = rederive(before, one.event)
            assert context.event_ids == one.event.context_event_ids
            assert context_hash(KEY, context) == one.event.context_hash


@given(story=stories())
@lawful
def test_context_of_an_ended_run_stays_as_it_is_whatever_branch_is_active(story: Story) -> None:
    ended = {
        one.event.run_id: one.stream_version
        for one in story.recorded
        if isinstance(one.event, c.RunCompleted)
    }
    for run_id, version in ended.items():
        then = build_context(story.recorded[:version], run_id, 1)
        assert build_context(story.recorded, run_id, 1) == then


def reasons_of(story: Story) -> dict[str, set[str]]:
    """Item ids that the host never gave out but right after reasoning, with that reasoning."""
    reasons: dict[str, set[str]] = {}
    alone: set[str] = set()
    for one in story.recorded:
        if not isinstance(one.event, c.ModelResponded):
            continue
        for before, item in itertools.pairwise([{}, *one.event.items]):
            if item["type"] in ("message", "function_call") and item["id"]:
                if before.get("type") == "reasoning":
                    reasons.setdefault(item["id"], set()).add(before["id"])
                else:
                    alone.add(item["id"])
    return {item_id: ids for item_id, ids in reasons.items() if item_id not in alone}


def said_in(items: Iterable[dict[str, Any]]) -> Iterator[str]:
    for item in items:
        if item["type"] == "message":
            yield from (part["text"] for part in item["content"])
        elif item["type"] == "function_call":
            yield item["arguments"]


def said_by(events: Iterable[object]) -> Iterator[str]:
    """What each event puts into the context, in the order of the events."""
    for event in events:
        match event:
            case c.UserMessagePosted():
                yield user_item(event)["content"][0]["text"]
            case c.ModelResponded(items=items):
                yield from said_in(items)
            case c.AssistantMessagePosted(is_partial=True):
                yield event.text


def contributed(story: Story, context: Context) -> list[object]:
    by_id = {one.event_id: one.event for one in story.recorded}
    return [by_id[event_id] for event_id in context.event_ids]


def every_run(story: Story) -> list[str]:
    return [one.event.run_id for one in story.recorded if isinstance(one.event, c.RunRequested)]


def lines_to_runs(story: Story) -> dict[str, list[tuple[str, list[str]]]]:
    """For each run the messages up to its own, each with the runs of its turn on that branch."""
    lines: dict[str, list[tuple[str, list[str]]]] = {c.MAIN_BRANCH: []}
    active = c.MAIN_BRANCH
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for one in story.recorded:
        match one.event:
            case c.UserMessagePosted(message_id=message_id):
                lines[active].append((message_id, []))
            case c.RunRequested(run_id=run_id, message_id=message_id):
                at = [m for m, _ in lines[active]].index(message_id)
                lines[active][at][1].append(run_id)
                found[run_id] = lines[active][: at + 1]
            case c.BranchForked(branch_id=branch_id, parent_id=parent_id, side=side):
                parent = lines[parent_id]
                at = [m for m, _ in parent].index(one.event.message_id)
                again = [(one.event.message_id, [])] if side == "after" else []
                lines[branch_id] = [*parent[:at], *again]
                active = branch_id
            case c.BranchSwitched(branch_id=branch_id):
                active = branch_id
    return found


def answered_calls(story: Story) -> list[str]:
    results = c.ToolCompleted | c.ToolFailed | c.ToolOutcomeUnknown | c.ToolApprovalDenied
    return [one.event.call_id for one in story.recorded if isinstance(one.event, results)]


def lost_calls(story: Story) -> set[str]:
    """Those that were being carried out when their run ended."""
    unknown = (r.event for r in story.recorded if isinstance(r.event, c.ToolOutcomeUnknown))
    return {event.call_id for event in unknown if event.reason == LOST_REASON}


def denied_calls(story: Story) -> set[str]:
    denials = (r.event for r in story.recorded if isinstance(r.event, c.ToolApprovalDenied))
    return {denied.call_id for denied in denials}
