"""A run that waits for its user: paused, decided about, resumed anywhere, stopped, superseded."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import orjson
import pytest
from agents import Usage
from agents.testing import ScriptedModel, assistant_message, function_call
from chatkit.types import ThreadStreamEvent
from pydantic import TypeAdapter

from agent.approving import Decision
from agent.frames import Frame
from agent.input_items import DENIED
from agent.recorder import RunRecorder
from commands.approval import STOPPED, SUPERSEDED
from commands.errors import Foreign, NotFound, Rejected
from commands.handle import Origin
from commands.task import TASK, AddTask
from events import conversation as c
from events import task
from events.ids import new_id
from tests.agent_node import AgentNode, agent_node

ChatKitEvents = TypeAdapter(ThreadStreamEvent)
ASKING = ("delete_task",)


def delete(task_id: str, call_id: str = "a") -> Any:
    return function_call("delete_task", {"task_id": task_id}, call_id=call_id)


def topics(events: list[Any]) -> list[str]:
    return [event.topic.removeprefix("conversation.") for event in events]


def bodies(frames: list[Frame]) -> list[dict[str, Any]]:
    return [orjson.loads(frame.body) for frame in frames if frame.body]


def items(frames: list[Frame], item_id: str) -> list[dict[str, Any]]:
    """How an item was shown, one time after the other."""
    shown = [event.get("item", {}) for event in bodies(frames)]
    return [item for item in shown if item.get("id") == item_id]


async def add_task(node: AgentNode, title: str = "milk") -> str:
    task_id = str(new_id())
    origin = Origin(owner_id="ada", actor="user:ada")
    command = AddTask(task_id=task_id, title=title)
    await node.handler.handle(TASK, task.stream_of(task_id), command, origin)
    return task_id


async def titles(node: AgentNode) -> list[str]:
    return sorted(task.title for task in await node.tasks.tasks_of("ada", None, 10))


async def asked_calls(node: AgentNode, conversation_id: str) -> list[str]:
    events = await node.events(conversation_id)
    return [e.call_id for e in events if isinstance(e, c.ToolApprovalRequested)]


async def wait_for(node: AgentNode, conversation_id: str, topic: str, count: int = 1) -> None:
    async with asyncio.timeout(30):
        while topics(await node.events(conversation_id)).count(topic) < count:
            await asyncio.sleep(0.02)


async def leases(node: AgentNode) -> int:
    found: int = await node.log.pool.fetchval("SELECT count(*) FROM verbatim.leases")
    return found


async def test_run_pauses_without_a_lease_and_shows_what_it_asks(database_url: str) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        model.extend([[delete(await add_task(node))]])
        sent = await node.say("delete milk")
        frames = await node.frames(sent.run_id)
        assert await titles(node) == ["milk"]
        assert topics(await node.events(sent.conversation_id))[-3:] == [
            "tool_called",
            "tool_approval_requested",
            "run_paused",
        ]
        assert await leases(node) == 0
        (call_id,) = await asked_calls(node, sent.conversation_id)
        (asked,) = items(frames, call_id)
        assert asked["type"] == "widget"
        assert "milk" in orjson.dumps(asked["widget"]["children"]).decode()
        for event in bodies(frames):
            ChatKitEvents.validate_python(event)


async def test_granted_call_acts_once_and_the_run_goes_on(database_url: str) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        task_id = await add_task(node)
        model.extend([[delete(task_id)], [assistant_message("It is gone.")]])
        sent = await node.say("delete milk")
        before = await node.frames(sent.run_id)
        (call_id,) = await asked_calls(node, sent.conversation_id)
        decided = await node.decide(sent, call_id, True)
        after = await node.frames(sent.run_id, decided.after_seq)
        assert await titles(node) == []
        stored = await node.log.store.read_stream(task.stream_of(task_id))
        assert [r.event.topic for r in stored] == ["task.added", "task.deleted"]
        assert [i["type"] for i in items(before + after, call_id)] == ["widget", "task", "task"]
        assert [i["task"]["status_indicator"] for i in items(after, call_id)] == [
            "loading",
            "complete",
        ]
        assert bodies(after)[-1]["item"]["content"][0]["text"] == "It is gone."
        assert [f.seq for f in before + after] == list(range(1, len(before + after) + 1))
        assert await node.frames(sent.run_id) == before + after
        for event in bodies(after):
            ChatKitEvents.validate_python(event)
        assert topics(await node.events(sent.conversation_id))[-1] == "run_completed"


async def test_model_reads_of_a_denial_and_why(database_url: str) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        model.extend([[delete(await add_task(node))], [assistant_message("Kept.")]])
        sent = await node.say("delete milk")
        await node.frames(sent.run_id)
        (call_id,) = await asked_calls(node, sent.conversation_id)
        decided = await node.decide(sent, call_id, False, "It is for Bob.")
        after = await node.frames(sent.run_id, decided.after_seq)
        assert await titles(node) == ["milk"]
        outputs = [i for i in model.calls[1].input if i.get("type") == "function_call_output"]
        assert [o["output"] for o in outputs] == [f"{DENIED} (It is for Bob.)"]
        (badge,) = items(after, call_id)
        assert badge["task"]["content"] == "Not approved. It is for Bob."
        assert badge["task"]["icon"] == "lucide:circle-x"


async def test_calls_that_need_no_approval_are_carried_out_before_the_pause(
    database_url: str,
) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        both = [
            delete(await add_task(node), "a"),
            function_call("add_task", {"title": "bread"}, call_id="b"),
        ]
        model.extend([both, [assistant_message("Done.")]])
        sent = await node.say("swap milk for bread")
        await node.frames(sent.run_id)
        assert await titles(node) == ["bread", "milk"]
        events = topics(await node.events(sent.conversation_id))
        assert events[-2:] == ["tool_completed", "run_paused"]
        (call_id,) = await asked_calls(node, sent.conversation_id)
        decided = await node.decide(sent, call_id, True)
        await node.frames(sent.run_id, decided.after_seq)
        assert await titles(node) == ["bread"]
        given = [i for i in model.calls[1].input if i.get("type") == "function_call_output"]
        assert [o["call_id"] for o in given] == ["a", "b"]


async def test_each_of_several_calls_waits_for_its_own_decision(database_url: str) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        calls = [delete(await add_task(node, f"task {n}"), f"call{n}") for n in range(7)]
        model.extend([calls, [assistant_message("Done.")]])
        sent = await node.say("delete them")
        await node.frames(sent.run_id)
        for n, call_id in enumerate(await asked_calls(node, sent.conversation_id)):
            decided = await node.decide(sent, call_id, n % 2 == 0)
            frames = await node.frames(sent.run_id, decided.after_seq)
        assert await titles(node) == ["task 1", "task 3", "task 5"]
        assert bodies(frames)[-1]["item"]["type"] == "assistant_message"
        assert topics(await node.events(sent.conversation_id))[-1] == "run_completed"


async def test_owner_is_charged_once_with_what_the_run_used(database_url: str) -> None:
    usage = Usage(requests=1, input_tokens=30, output_tokens=4, total_tokens=34)
    model = ScriptedModel([], default_usage=usage)
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        model.extend([[delete(await add_task(node))], [assistant_message("Gone.")]])
        sent = await node.say("delete milk")
        await node.frames(sent.run_id)
        assert await charged(node) == 34
        (call_id,) = await asked_calls(node, sent.conversation_id)
        decided = await node.decide(sent, call_id, True)
        await node.frames(sent.run_id, decided.after_seq)
        assert await charged(node) == 68


async def charged(node: AgentNode) -> int:
    found: int = await node.log.pool.fetchval("SELECT sum(tokens)::int FROM verbatim.token_use")
    return found


async def test_decisions_at_the_same_time_are_all_carried_out(database_url: str) -> None:
    model = ScriptedModel([])
    async with (
        agent_node(database_url, model, approval_tools=ASKING) as node,
        agent_node(database_url, model, approval_tools=ASKING) as other,
    ):
        calls = [delete(await add_task(node, f"task {n}"), f"call{n}") for n in range(4)]
        model.extend([calls, [assistant_message("Done.")]])
        sent = await node.say("delete them")
        await node.frames(sent.run_id)
        asked = await asked_calls(node, sent.conversation_id)
        await asyncio.gather(
            *((node, other)[n % 2].decide(sent, call_id, True) for n, call_id in enumerate(asked))
        )
        await wait_for(node, sent.conversation_id, "run_completed")
        assert await titles(node) == []
        assert await leases(node) == 0
        whole = await node.frames(sent.run_id)
        assert [f.seq for f in whole] == list(range(1, len(whole) + 1))
        for call_id in asked:
            assert items(whole, call_id)[-1]["task"]["icon"] == "check-circle"


async def test_two_tabs_act_once_and_the_other_decision_is_refused(database_url: str) -> None:
    model = ScriptedModel([])
    async with (
        agent_node(database_url, model, approval_tools=ASKING) as node,
        agent_node(database_url, model, approval_tools=ASKING) as other,
    ):
        task_id = await add_task(node)
        model.extend([[delete(task_id)], [assistant_message("Gone.")]])
        sent = await node.say("delete milk")
        await node.frames(sent.run_id)
        (call_id,) = await asked_calls(node, sent.conversation_id)
        tabs = [n.decide(sent, call_id, True) for _ in range(10) for n in (node, other)]
        decided = await asyncio.gather(*tabs)
        assert [one.is_replay for one in decided].count(False) == 1
        assert len({one.after_seq for one in decided}) == 1
        streams = [await n.frames(sent.run_id, decided[0].after_seq) for n in (node, other)]
        assert streams[0] == streams[1]
        for n in (node, other):
            with pytest.raises(Rejected, match="approved before") as refused:
                await n.decide(sent, call_id, False)
            assert refused.value.code == "already_approved"
        again = await other.decide(sent, call_id, True)
        assert await other.frames(sent.run_id, again.after_seq) == streams[0]
        events = topics(await node.events(sent.conversation_id))
        assert events.count("tool_approval_granted") == events.count("run_resumed") == 1
        assert events.count("tool_completed") == 1
        stored = await node.log.store.read_stream(task.stream_of(task_id))
        assert [r.event.topic for r in stored] == ["task.added", "task.deleted"]


async def test_paused_run_outlives_its_node(database_url: str) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model, approval_tools=ASKING, is_crashing=True) as node:
        model.extend([[delete(await add_task(node))], [assistant_message("Gone.")]])
        sent = await node.say("delete milk")
        before = await node.frames(sent.run_id)
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        await asyncio.sleep(0.5)
        assert topics(await node.events(sent.conversation_id))[-1] == "run_paused"
        assert await node.frames(sent.run_id) == before
        (call_id,) = await asked_calls(node, sent.conversation_id)
        decided = await node.decide(sent, call_id, True)
        await node.frames(sent.run_id, decided.after_seq)
        assert await titles(node) == []


async def test_decision_whose_node_died_at_once_is_carried_out_by_another(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.leases.EXPIRED_SECONDS", 0.3)
    monkeypatch.setattr("agent.supervisor.LOOK_SECONDS", 0.1)
    model = ScriptedModel([])
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        model.extend([[delete(await add_task(node))], [assistant_message("Gone.")]])
        sent = await node.say("delete milk")
        await node.frames(sent.run_id)
        (call_id,) = await asked_calls(node, sent.conversation_id)
        monkeypatch.setattr(node.supervisor, "resume", lambda claim: None)
        decided = await node.decide(sent, call_id, True)
        async with agent_node(database_url, model, approval_tools=ASKING) as other:
            after = await other.frames(sent.run_id, decided.after_seq)
            assert await titles(other) == []
            assert bodies(after)[0]["type"] == "stream_options"
            assert topics(await other.events(sent.conversation_id)).count("tool_completed") == 1


async def test_worker_killed_before_the_pause_is_followed_by_one_that_pauses(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.leases.EXPIRED_SECONDS", 0.3)
    monkeypatch.setattr("agent.supervisor.LOOK_SECONDS", 0.1)
    model = ScriptedModel([])

    async def hang(recorder: Any) -> bool:
        await asyncio.Event().wait()
        return False

    with monkeypatch.context() as patch:
        patch.setattr("agent.recorder.RunRecorder.pause", hang)
        async with agent_node(database_url, model, approval_tools=ASKING, is_crashing=True) as node:
            model.extend([[delete(await add_task(node))], [assistant_message("Gone.")]])
            sent = await node.say("delete milk")
            await wait_for(node, sent.conversation_id, "tool_approval_requested")
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        frames = await node.frames(sent.run_id)
        (call_id,) = await asked_calls(node, sent.conversation_id)
        assert [item["type"] for item in items(frames, call_id)] == ["widget"]
        assert topics(await node.events(sent.conversation_id))[-1] == "run_paused"
        assert await titles(node) == ["milk"]


async def test_decision_during_the_run_is_carried_out_without_a_pause(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        calls = [delete(await add_task(node, title), title) for title in ("bread", "milk")]
        model.extend([calls, [assistant_message("Done.")]])
        pause = RunRecorder.pause

        async def decide_first(recorder: Any) -> bool:
            sent = recorder.claim
            for n, call_id in enumerate(await asked_calls(node, sent.conversation_id)):
                await node.decide(sent, call_id, n == 0)
            return bool(await pause(recorder))

        monkeypatch.setattr("agent.recorder.RunRecorder.pause", decide_first)
        sent = await node.say("delete both")
        frames = await node.frames(sent.run_id)
        assert await titles(node) == ["milk"]
        events = topics(await node.events(sent.conversation_id))
        assert "run_paused" not in events
        granted, denied = await asked_calls(node, sent.conversation_id)
        shown = [i.get("task", {}).get("status_indicator") for i in items(frames, granted)]
        assert shown == [None, "loading", "complete"]
        assert items(frames, denied)[-1]["task"]["content"] == "Not approved."


async def test_stop_cancels_a_paused_run(database_url: str) -> None:
    model = ScriptedModel([])
    async with (
        agent_node(database_url, model, approval_tools=ASKING) as node,
        agent_node(database_url, model, approval_tools=ASKING) as other,
    ):
        model.extend([[delete(await add_task(node))]])
        sent = await node.say("delete milk")
        before = await node.frames(sent.run_id)
        (call_id,) = await asked_calls(node, sent.conversation_id)
        assert await other.stopper.stop("ada", sent.conversation_id, sent.run_id)
        assert not await node.stopper.stop("ada", sent.conversation_id, sent.run_id)
        events = await node.events(sent.conversation_id)
        assert topics(events)[-2:] == ["tool_approval_denied", "run_cancelled"]
        after = (await node.frames(sent.run_id))[len(before) :]
        (badge,) = items(after, call_id)
        assert badge["task"]["content"] == f"Not approved. {STOPPED}"
        assert after[-1].is_last
        with pytest.raises(Rejected, match="denied before"):
            await node.decide(sent, call_id, True)
        assert await titles(node) == ["milk"]


@pytest.mark.parametrize("is_seen", [True, False], ids=["by_its_worker", "after_a_crash"])
async def test_stop_that_meets_the_pause_is_not_lost(
    database_url: str, monkeypatch: pytest.MonkeyPatch, is_seen: bool
) -> None:
    monkeypatch.setattr("agent.leases.EXPIRED_SECONDS", 0.3)
    monkeypatch.setattr("agent.supervisor.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("agent.supervisor.HEARTBEAT_SECONDS", 30.0)
    if not is_seen:

        async def die(supervisor: Any, claim: Any) -> None:
            supervisor._live.close(claim.run_id)

        monkeypatch.setattr("agent.supervisor.Supervisor._leave", die)
    model = ScriptedModel([])
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        model.extend([[delete(await add_task(node))]])
        pause = RunRecorder.pause

        async def stop_first(recorder: Any) -> bool:
            await node.log.pool.execute("UPDATE verbatim.leases SET is_cancel_requested = true")
            return bool(await pause(recorder))

        monkeypatch.setattr("agent.recorder.RunRecorder.pause", stop_first)
        sent = await node.say("delete milk")
        await wait_for(node, sent.conversation_id, "run_cancelled")
        assert "run_paused" in topics(await node.events(sent.conversation_id))
        assert await leases(node) == 0
        assert await titles(node) == ["milk"]


async def test_message_supersedes_the_question(database_url: str) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        model.extend([[delete(await add_task(node))], [assistant_message("Kept it.")]])
        sent = await node.say("delete milk")
        await node.frames(sent.run_id)
        (call_id,) = await asked_calls(node, sent.conversation_id)
        next_sent = await node.say("no, leave it", sent.conversation_id)
        frames = await node.frames(next_sent.run_id)
        (badge,) = items(frames, call_id)
        assert badge["task"]["content"] == f"Not approved. {SUPERSEDED}"
        for event in bodies(frames):
            ChatKitEvents.validate_python(event)
        given = model.calls[1].input
        outputs = [i["output"] for i in given if i.get("type") == "function_call_output"]
        assert outputs == [f"{DENIED} ({SUPERSEDED})"]
        assert await titles(node) == ["milk"]


async def test_only_what_waits_and_is_ones_own_can_be_decided(database_url: str) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        model.extend([[delete(await add_task(node))]])
        sent = await node.say("delete milk")
        await node.frames(sent.run_id)
        (call_id,) = await asked_calls(node, sent.conversation_id)
        with pytest.raises(NotFound):
            await node.decide(sent, str(uuid.uuid4()), True)
        decision = Decision(run_id=sent.run_id, call_id=call_id, is_granted=True)
        with pytest.raises(Foreign):
            await node.approver.decide("eve", sent.conversation_id, decision)
        assert await titles(node) == ["milk"]


async def test_run_may_be_given_up_only_for_what_broke_since_the_decision(
    database_url: str,
) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        script = [[delete(await add_task(node, f"task {n}"), f"call{n}")] for n in range(7)]
        model.extend([*script, [assistant_message("Done.")]])
        sent = await node.say("delete them one by one")
        await node.frames(sent.run_id)
        for n in range(7):
            decided = await node.decide(
                sent, (await asked_calls(node, sent.conversation_id))[n], True
            )
            await node.frames(sent.run_id, decided.after_seq)
        assert await titles(node) == []
        assert topics(await node.events(sent.conversation_id))[-1] == "run_completed"


async def test_reader_that_waits_at_the_pause_is_sent_on_to_the_rest(database_url: str) -> None:
    model = ScriptedModel([])
    async with agent_node(database_url, model, approval_tools=ASKING) as node:
        model.extend([[delete(await add_task(node))], [assistant_message("Gone.")]])
        sent = await node.say("delete milk")
        before = await node.frames(sent.run_id)
        (call_id,) = await asked_calls(node, sent.conversation_id)
        async with asyncio.timeout(10):
            while node.live.find(sent.run_id) is not None:
                await asyncio.sleep(0.01)
        # As when the user decides before the worker has put its things away.
        node.live.open(sent.run_id, 1).publish(before)
        reading = asyncio.create_task(node.frames(sent.run_id, before[-1].seq))
        await asyncio.sleep(0.05)
        await node.decide(sent, call_id, True)
        assert bodies(await reading)[-1]["item"]["type"] == "assistant_message"
