"""Laws of the context over any history that the decider allows."""

from __future__ import annotations

import itertools
import json
import re

import pytest
from hypothesis import given, settings

from agent.context import Context, build_context, context_hash
from agent.input_items import NO_RESULT
from commands.errors import NotFound
from events import conversation as c
from events.stored import RecordedEvent
from tests.unit.agent.histories import KEY, Story, stories
from tests.unit.agent.responses_rules import violations

MANY = 10_000

lawful = settings(deadline=None, max_examples=150)


@given(story=stories())
@lawful
def test_context_is_an_input_that_a_host_accepts(story: Story) -> None:
    for run_id in active_runs(story):
        for limit in (1, story.limit, MANY):
            assert violations(build_context(story.recorded, run_id, limit).items) == []


@given(story=stories())
@lawful
def test_context_gives_each_call_its_own_output(story: Story) -> None:
    for run_id in active_runs(story):
        items = build_context(story.recorded, run_id, MANY).items
        outputs = {i["call_id"]: i["output"] for i in items if i["type"] == "function_call_output"}
        results = set(answered_calls(story))
        for item in items:
            if item["type"] == "function_call":
                ours = json.loads(item["arguments"])["ours"]
                if ours in results:
                    found = re.search(r"result of (\w+)", outputs[item["call_id"]])
                    assert found is not None
                    assert found[1] == ours
                else:
                    assert outputs[item["call_id"]] == NO_RESULT


@given(story=stories())
@lawful
def test_context_holds_at_most_limit_messages_or_its_own_turn_alone(story: Story) -> None:
    for run_id in active_runs(story):
        events = contributed(story, build_context(story.recorded, run_id, story.limit))
        posted = [e for e in events if isinstance(e, c.UserMessagePosted)]
        replies = [e for e in events if isinstance(e, c.AssistantMessagePosted)]
        assert len(posted) + len(replies) <= story.limit or len(posted) == 1


@given(story=stories())
@lawful
def test_context_follows_the_active_branch_up_to_its_message(story: Story) -> None:
    requested = requested_runs(story)
    for run_id in active_runs(story):
        context = build_context(story.recorded, run_id, story.limit)
        posted = [
            event.message_id
            for event in contributed(story, context)
            if isinstance(event, c.UserMessagePosted)
        ]
        own = requested[run_id][0]
        branch = list(story.state.messages)
        before = [
            message_id
            for message_id in branch[: branch.index(own)]
            if any(
                message == message_id and run not in story.state.runs
                for run, (message, _) in requested.items()
                if run in active_runs(story)
            )
        ]
        assert posted == [*before, own][-len(posted) :]


@given(story=stories())
@lawful
def test_context_never_mixes_two_runs_and_shows_no_other_unfinished_one(story: Story) -> None:
    for run_id in active_runs(story):
        events = contributed(story, build_context(story.recorded, run_id, MANY))
        runs = [run for run, _ in itertools.groupby(getattr(e, "run_id", None) for e in events)]
        spoken = [run for run in runs if run is not None]
        assert len(spoken) == len(set(spoken))
        assert not {run for run in spoken if run in story.state.runs} - {run_id}


@given(story=stories())
@lawful
def test_context_with_a_higher_limit_only_adds_older_turns(story: Story) -> None:
    for run_id in active_runs(story):
        ids = [build_context(story.recorded, run_id, n).event_ids for n in (*range(1, 12), MANY)]
        for fewer, more in itertools.pairwise(ids):
            assert more[len(more) - len(fewer) :] == fewer


@given(story=stories())
@lawful
def test_context_is_the_same_without_what_is_older(story: Story) -> None:
    for run_id in active_runs(story):
        whole = build_context(story.recorded, run_id, story.limit)
        first = int(whole.event_ids[0].removeprefix("e"))
        for start in {first, max(1, first - 3)}:
            assert build_context(story.recorded[start - 1 :], run_id, story.limit) == whole


@given(story=stories())
@lawful
def test_context_hash_is_rederived_from_the_events_before_the_run_started(story: Story) -> None:
    for one in story.recorded:
        if isinstance(one.event, c.RunStarted):
            before = story.recorded[: one.stream_version - 1]
            context = build_context(before, one.event.run_id, story.limit)
            assert context.event_ids == one.event.context_event_ids
            assert context_hash(KEY, context) == one.event.context_hash


@given(story=stories())
@lawful
def test_context_of_a_run_that_was_forked_away_is_not_found(story: Story) -> None:
    for run_id in requested_runs(story).keys() - set(active_runs(story)):
        with pytest.raises(NotFound):
            build_context(story.recorded, run_id, story.limit)


def contributed(story: Story, context: Context) -> list[object]:
    by_id = {one.event_id: one.event for one in story.recorded}
    return [by_id[event_id] for event_id in context.event_ids]


def requested_runs(story: Story) -> dict[str, tuple[str, int]]:
    """Message id and version of the request, by run."""
    return {
        one.event.run_id: (one.event.message_id, one.stream_version)
        for one in story.recorded
        if isinstance(one.event, c.RunRequested)
    }


def active_runs(story: Story) -> list[str]:
    """Runs that no later fork at their message or an earlier one took away."""
    posted = {
        one.event.message_id: one.stream_version
        for one in story.recorded
        if isinstance(one.event, c.UserMessagePosted)
    }
    forks = [one for one in story.recorded if isinstance(one.event, c.BranchForked)]

    def is_gone(message_id: str, version: int, fork: RecordedEvent) -> bool:
        assert isinstance(fork.event, c.BranchForked)
        kept_until = posted[fork.event.after_message_id]
        return fork.stream_version > version and posted[message_id] >= kept_until

    return [
        run_id
        for run_id, (message_id, version) in requested_runs(story).items()
        if not any(is_gone(message_id, version, fork) for fork in forks)
    ]


def answered_calls(story: Story) -> list[str]:
    results = c.ToolCompleted | c.ToolFailed | c.ToolOutcomeUnknown | c.ToolApprovalDenied
    return [one.event.call_id for one in story.recorded if isinstance(one.event, results)]
