from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest
from agents.testing import ScriptedModel, assistant_message, function_call
from chatkit.types import ThreadStreamEvent
from pydantic import TypeAdapter

from agent.frames import Frame
from commands.handle import Origin
from commands.task import TASK, AddTask
from events import conversation as c
from events import task
from events.ids import new_id
from tests.agent_node import agent_node
from tests.wire import Call, Calls, ErrorMidStream, Hang, SlowFirstByte, Text

from .wired import text_begun, topics, wire_model

ChatKitEvents = TypeAdapter(ThreadStreamEvent)


def kinds(shown: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in shown]


async def test_message_is_answered_and_everything_is_an_event(database_url: str) -> None:
    model = ScriptedModel([[assistant_message("Hello Ada.")]])
    async with agent_node(database_url, model) as node:
        sent = await node.say("hello")
        shown = await node.shown(sent.run_id)
        assert kinds(shown)[:3] == ["thread.created", "thread.item.done", "stream_options"]
        assert shown[-1]["type"] == "thread.item.done"
        assert shown[-1]["item"]["content"][0]["text"] == "Hello Ada."
        for event in shown:
            ChatKitEvents.validate_python(event)
        events = await node.events(sent.conversation_id)
        assert topics(events) == [
            "started",
            "user_message_posted",
            "run_requested",
            "run_started",
            "model_responded",
            "assistant_message_posted",
            "run_completed",
        ]


async def test_tool_calls_are_recorded_run_once_and_shown(database_url: str) -> None:
    model = ScriptedModel(
        [
            [
                function_call("add_task", {"title": "buy milk"}, call_id="a"),
                function_call("add_task", {"title": "call mum"}, call_id="b"),
            ],
            [assistant_message("Added both.")],
        ]
    )
    async with agent_node(database_url, model) as node:
        sent = await node.say("add buy milk and call mum")
        shown = await node.shown(sent.run_id)
        added = [e["item"] for e in shown if e["type"] == "thread.item.added"]
        badges = [item for item in added if item["type"] == "task"]
        assert [badge["task"]["status_indicator"] for badge in badges] == ["loading", "loading"]
        done = {e["item"]["id"]: e["item"] for e in shown if e["type"] == "thread.item.done"}
        assert all(done[b["id"]]["task"]["icon"] == "check-circle" for b in badges)
        assert all(done[b["id"]]["created_at"] == b["created_at"] for b in badges)
        titles = {task.title for task in await node.tasks.tasks_of("ada", None, 10)}
        assert titles == {"buy milk", "call mum"}
        events = await node.events(sent.conversation_id)
        called = [e.call_id for e in events if isinstance(e, c.ToolCalled)]
        completed = {e.call_id for e in events if isinstance(e, c.ToolCompleted)}
        assert set(called) == completed == {badge["id"] for badge in badges}
        order = topics(events)
        assert order.index("tool_called") == order.index("model_responded") + 1
        second = model.calls[1].input
        outputs = [i for i in second if i.get("type") == "function_call_output"]
        assert [json.loads(o["output"])["title"] for o in outputs] == ["buy milk", "call mum"]


async def test_next_turn_holds_the_tool_calls_and_their_outputs(database_url: str) -> None:
    model = ScriptedModel(
        [
            [function_call("add_task", {"title": "milk"}, call_id="a")],
            [assistant_message("Added.")],
            [assistant_message("Milk.")],
        ]
    )
    async with agent_node(database_url, model) as node:
        first = await node.say("add milk")
        await node.frames(first.run_id)
        second = await node.say("what did I add?", first.conversation_id)
        await node.frames(second.run_id)
        given = [item.get("type") for item in model.calls[2].input]
        assert given == ["message", "function_call", "function_call_output", "message", "message"]


async def test_failing_tool_shows_its_failure_and_the_model_reads_it(database_url: str) -> None:
    model = ScriptedModel(
        [
            [function_call("complete_task", {"task_id": "nope"}, call_id="a")],
            [assistant_message("There is no such task.")],
        ]
    )
    async with agent_node(database_url, model) as node:
        sent = await node.say("done with nope")
        shown = await node.shown(sent.run_id)
        badge = next(
            e["item"]
            for e in shown
            if e["type"] == "thread.item.done" and e["item"]["type"] == "task"
        )
        assert badge["task"]["icon"] == "lucide:circle-x"
        assert "no task" in badge["task"]["content"]
        assert "tool_failed" in topics(await node.events(sent.conversation_id))


async def test_unknown_tool_is_answered_and_the_model_goes_on(database_url: str) -> None:
    model = ScriptedModel(
        [
            [function_call("fly", {}, call_id="a")],
            [assistant_message("I cannot fly.")],
        ]
    )
    async with agent_node(database_url, model) as node:
        sent = await node.say("fly!")
        shown = await node.shown(sent.run_id)
        assert shown[-1]["item"]["content"][0]["text"] == "I cannot fly."
        failed = [e for e in await node.events(sent.conversation_id) if isinstance(e, c.ToolFailed)]
        assert "fly" in failed[0].error


async def test_resumption_after_every_frame_is_the_rest_byte_for_byte(database_url: str) -> None:
    model = ScriptedModel(
        [
            [function_call("add_task", {"title": "milk"}, call_id="a")],
            [assistant_message("Added milk to your list.")],
        ]
    )
    async with agent_node(database_url, model) as node, agent_node(database_url, model) as other:
        sent = await node.say("add milk")
        whole = await node.frames(sent.run_id)
        assert [f.seq for f in whole] == list(range(1, len(whole) + 1))
        for k in range(len(whole)):
            rest = await other.frames(sent.run_id, after=k)
            assert whole[:k] + rest == whole


async def test_two_readers_and_another_node_see_the_same_frames_live(database_url: str) -> None:
    async with wire_model(Text("one two three four", chunk=4, gap_seconds=0.02)) as model:
        async with (
            agent_node(database_url, model) as node,
            agent_node(database_url, model) as other,
        ):
            sent = await node.say("count")
            one, two, three = await asyncio.gather(
                node.frames(sent.run_id), node.frames(sent.run_id), other.frames(sent.run_id)
            )
            assert one == two == three


async def test_stop_keeps_the_partial_text(database_url: str) -> None:
    async with wire_model(Hang(after_chunks=3)) as model:
        async with agent_node(database_url, model) as node, agent_node(database_url, model) as far:
            sent = await node.say("tell me a story")
            await text_begun(node, sent)
            assert await far.leases.request_cancel(sent.run_id, "ada")
            async with asyncio.timeout(2):
                frames = await node.frames(sent.run_id)
            assert frames[-1].is_last
            events = await node.events(sent.conversation_id)
            assert topics(events)[-2:] == ["assistant_message_posted", "run_cancelled"]
            assert events[-2].is_partial
            assert not await far.leases.request_cancel(sent.run_id, "eve")


async def test_error_in_mid_stream_is_recorded_and_shown(database_url: str) -> None:
    async with wire_model(ErrorMidStream(after_chunks=2)) as model:
        async with agent_node(database_url, model) as node:
            sent = await node.say("hello")
            shown = await node.shown(sent.run_id)
            assert shown[-1]["type"] == "error"
            assert shown[-1]["allow_retry"] is True
            assert topics(await node.events(sent.conversation_id))[-1] == "run_failed"


async def test_turn_limit_ends_the_run(database_url: str) -> None:
    script = [[function_call("list_tasks", {}, call_id=f"call{n}")] for n in range(3)]
    async with agent_node(database_url, ScriptedModel(script), turns=3) as node:
        sent = await node.say("loop")
        await node.frames(sent.run_id)
        events = await node.events(sent.conversation_id)
        assert events[-1].topic == "conversation.run_failed"
        assert events[-1].code == "turn_limit_reached"


async def test_two_sends_are_answered_one_after_the_other(database_url: str) -> None:
    model = ScriptedModel([[assistant_message("one")], [assistant_message("two")]])
    async with agent_node(database_url, model) as node:
        first = await node.say("1")
        second = await node.say("2", first.conversation_id)
        await node.frames(second.run_id)
        events = [
            (e.topic.removeprefix("conversation."), e.run_id)
            for e in await node.events(first.conversation_id)
            if hasattr(e, "run_id") and not isinstance(e, c.RunRequested)
        ]
        runs = [run_id for _, run_id in events]
        assert runs == sorted(runs, key=[str(first.run_id), str(second.run_id)].index)


async def test_same_idempotency_key_sends_once(database_url: str) -> None:
    model = ScriptedModel([[assistant_message("one")]])
    async with agent_node(database_url, model) as node, agent_node(database_url, model) as other:
        sends = [
            n.say("hi", idempotency_key="k", request_body=b"hi")
            for _ in range(25)
            for n in (node, other)
        ]
        sent = await asyncio.gather(*sends)
        assert len({(s.conversation_id, s.message_id, s.run_id) for s in sent}) == 1
        assert [s.is_replay for s in sent].count(False) == 1
        streams = await asyncio.gather(*(node.frames(s.run_id) for s in sent))
        assert all(stream == streams[0] for stream in streams)


@pytest.mark.parametrize("moment", ["in_text", "in_tool_call"])
async def test_killed_worker_is_taken_over(
    database_url: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.leases.EXPIRED_SECONDS", 3.0)
    monkeypatch.setattr("agent.supervisor.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("agent.supervisor.HEARTBEAT_SECONDS", 0.3)
    call = Calls([Call("add_task", {"title": "milk"})])
    # Whether the worker has asked again when it is killed is open, so both answers are the same.
    slow = SlowFirstByte(5, Text("Here I am again."))
    script = [Hang(after_chunks=3)] if moment == "in_text" else [call, slow]
    before: list[Frame] = []
    async with wire_model(*script, Text("Here I am again.")) as model:
        async with agent_node(database_url, model, is_crashing=True) as node:
            sent = await node.say("add milk")
            await (text_begun if moment == "in_text" else _tool_done)(node, sent)
            before = node.live.find(sent.run_id).after(0)
        async with agent_node(database_url, model) as node:
            after = await node.frames(sent.run_id)
            assert after[: len(before)] == before
            texts = [
                e["item"]["content"][0]["text"]
                for e in await node.shown(sent.run_id)
                if e["type"] == "thread.item.done" and e["item"]["type"] == "assistant_message"
            ]
            assert texts == ["Here I am again."]
            events = await node.events(sent.conversation_id)
            assert topics(events).count("run_resumed") == 1
            assert topics(events)[-1] == "run_completed"
            tasks = await node.tasks.tasks_of("ada", None, 10)
            assert len(tasks) == (0 if moment == "in_text" else 1)


@pytest.mark.parametrize(
    ("held_seconds", "outcome"), [(0.6, "tool_completed"), (2.0, "tool_outcome_unknown")]
)
async def test_silent_tool_is_asked_again_and_then_called_unknown(
    database_url: str, held_seconds: float, outcome: str
) -> None:
    task_id = str(new_id())
    model = ScriptedModel(
        [
            [function_call("complete_task", {"task_id": task_id}, call_id="a")],
            [assistant_message("Done, or not.")],
        ]
    )
    async with agent_node(database_url, model, tool_seconds=0.4) as node:
        origin = Origin(owner_id="ada", actor="user:ada")
        add = AddTask(task_id=task_id, title="milk")
        await node.handler.handle(TASK, task.stream_of(task_id), add, origin)
        holder = await asyncpg.connect(database_url)
        async with holder.transaction():
            await holder.execute(
                "SELECT FROM verbatim.heads WHERE stream_id = $1 FOR UPDATE",
                task.stream_of(task_id),
            )
            sent = await node.say("done with milk")
            await asyncio.sleep(held_seconds)
        await holder.close()
        await node.frames(sent.run_id)
        assert outcome in topics(await node.events(sent.conversation_id))
        stored = await node.log.store.read_stream(task.stream_of(task_id))
        assert [r.event.topic for r in stored] == ["task.added", "task.completed"]
        called = [e for e in await node.events(sent.conversation_id) if isinstance(e, c.ToolCalled)]
        assert [r.event.call_id for r in stored] == [None, called[0].call_id]


async def _tool_done(node: Any, sent: Any) -> None:
    async with asyncio.timeout(10):
        async for chunk in node.reader.follow(sent.run_id, "ada"):
            if any(b"check-circle" in frame.body for frame in chunk):
                return
