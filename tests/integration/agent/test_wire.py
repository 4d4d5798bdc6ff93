"""The host of the model tests says what OpenAI's own would say: the client's strict types agree."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.wire import (
    Answer,
    Calls,
    DropConnection,
    ErrorMidStream,
    Hang,
    HttpError,
    Reasoning,
    ResponsesServer,
    Rule,
    SlowFirstByte,
    Text,
    Turn,
    dump_script,
    load_script,
)

REPOSITORY = Path(__file__).parents[3]
EVERYTHING = (
    Reasoning("hm") + Text("on it") + Calls([("add_task", {"title": "milk"}), ("list", {})])
)
BODIES: dict[str, dict[str, Any]] = {
    "responses": {"model": "m", "input": "hello"},
    "chat/completions": {"model": "m", "messages": [{"role": "user", "content": "hello"}]},
}


async def post(base_url: str, path: str, **changes: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await client.post(f"{base_url}/{path}", json={**BODIES[path], **changes})


async def events_of(turn: Turn, path: str = "responses", **changes: Any) -> list[dict[str, Any]]:
    async with ResponsesServer([turn]) as server:
        response = await post(server.base_url, path, stream=True, **changes)
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in response.text.splitlines()]
    return [json.loads(line) for line in lines if line.startswith("{")]


async def test_wire_responses_stream_has_the_hosts_events_in_order() -> None:
    events = await events_of(Text("hello", chunk=3))

    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in events] == list(range(10))


@pytest.mark.parametrize(
    "turn",
    [
        EVERYTHING,
        ErrorMidStream(answer=EVERYTHING),
        ErrorMidStream(event="response.incomplete", code="max_output_tokens"),
        ErrorMidStream(event="error"),
    ],
    ids=["whole", "failed", "incomplete", "error"],
)
async def test_wire_responses_events_satisfy_the_clients_types(turn: Turn) -> None:
    event_type: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)

    for event in await events_of(turn):
        assert event_type.validate_python(event).type == event["type"]


async def test_wire_chat_chunks_satisfy_the_clients_types() -> None:
    events = await events_of(EVERYTHING, "chat/completions", stream_options={"include_usage": True})

    chunks = [ChatCompletionChunk.model_validate(event) for event in events]
    assert chunks[-2].choices[0].finish_reason == "tool_calls"
    assert chunks[-1].usage is not None


async def test_wire_whole_answers_satisfy_the_clients_types() -> None:
    async with ResponsesServer([EVERYTHING, EVERYTHING]) as server:
        response = Response.model_validate((await post(server.base_url, "responses")).json())
        completion = ChatCompletion.model_validate(
            (await post(server.base_url, "chat/completions")).json()
        )

    assert [item.type for item in response.output] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]
    assert completion.choices[0].message.content == "on it"
    assert len(completion.choices[0].message.tool_calls or []) == 2


async def test_wire_script_that_runs_dry_is_an_error_nobody_retries() -> None:
    async with ResponsesServer([]) as server:
        response = await post(server.base_url, "responses")

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "script_error"


async def test_wire_rule_looks_at_the_outputs_since_the_last_user_message() -> None:
    rules = [
        Rule("add (.+)", Text("twice {1}"), outputs=2),
        Rule("add", Text("after {output}"), output="^ok"),
        Rule("add", Text("first of {user}")),
    ]
    user = {"role": "user", "content": [{"type": "input_text", "text": "add milk"}]}
    output = {"type": "function_call_output", "call_id": "c", "output": "ok 1"}
    said = []
    async with ResponsesServer(rules) as server:
        for items in ([user], [user, output], [user, output, output], [output, user]):
            body = (await post(server.base_url, "responses", input=items)).json()
            said.append(body["output"][0]["content"][0]["text"])

    assert said == ["first of add milk", "after ok 1", "twice milk", "first of add milk"]


@pytest.mark.parametrize(
    "turn",
    [
        EVERYTHING,
        Answer((Text("a"), Reasoning("b", encrypted_content=None))),
        ErrorMidStream(after_chunks=1, answer=EVERYTHING),
        HttpError(429, {"retry-after": "1"}),
        SlowFirstByte(1.0, then=Text("late"), headers_first=True),
        Hang(after_chunks=2),
        DropConnection(clean=True),
    ],
)
def test_wire_script_survives_json(turn: Turn) -> None:
    for script in ([turn], [Rule("x", turn, outputs=1, output="y")]):
        document = json.loads(json.dumps(dump_script(script)))

        assert dump_script(load_script(document)) == document


async def test_wire_gate_holds_a_stream_until_it_is_released() -> None:
    async with ResponsesServer(lambda request: Text("abc", chunk=1)) as server:
        server.gate.hold(before_chunk=1, user="hello")
        held = asyncio.ensure_future(post(server.base_url, "responses", stream=True))
        await server.gate.reached()
        free = await post(server.base_url, "responses", stream=True, input="other")

        assert "response.completed" in free.text
        assert not held.done()
        server.gate.release()
        assert "response.completed" in (await held).text


async def test_wire_gate_not_reached_is_a_timeout() -> None:
    async with ResponsesServer([]) as server:
        server.gate.hold(before_chunk=0)

        with pytest.raises(TimeoutError, match="expected 1 streams"):
            await server.gate.reached(timeout_seconds=0.05)


@asynccontextmanager
async def wire_process(script: Path) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.wire", "--port", "0", "--script", str(script)),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


async def test_wire_process_is_held_and_released_over_http(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps(dump_script([Rule("(.+)", Text("you said {1}", chunk=2))])))
    async with wire_process(script) as base_url, httpx2.AsyncClient(trust_env=False) as client:
        control = base_url.replace("/v1", "/control")
        await client.post(f"{control}/hold", json={"before_chunk": 2})
        held = asyncio.ensure_future(post(base_url, "responses", stream=True))
        async with asyncio.timeout(10):
            while (await client.get(f"{control}/state")).json()["held"] == 0:
                await asyncio.sleep(0.01)

        released = (await client.post(f"{control}/release")).json()

        assert released["before_chunk"] is None
        assert "you said hello" in (await held).text
        [seen] = (await client.get(f"{control}/requests")).json()
        assert seen["body"]["input"] == "hello"
