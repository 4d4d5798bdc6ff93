from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, Model, Runner, Tool, function_tool
from agents.models.fake_id import FAKE_RESPONSES_ID

from agent.errors import (
    AgentError,
    ModelMisconfigured,
    ModelRateLimited,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    explain_model_error,
)
from agent.models import ModelConfig, build_model, model_settings
from tests.wire import (
    Call,
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
    WireRequest,
)

APIS = ("responses", "chat_completions")
API_KEY = "sk-secret"
REPOSITORY = Path(__file__).parents[3]
AT_ONCE = {"retry-after-ms": "1"}


@function_tool
def add_task(title: str) -> str:
    return f"added {title}"


class Heard:
    """One run through the SDK's Runner: its raw events, and how it ended."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.final_output: str | None = None
        self.error: AgentError | None = None
        self.seconds = 0.0

    @property
    def text(self) -> str:
        return "".join(e.delta for e in self.events if e.type == "response.output_text.delta")

    @property
    def outputs(self) -> list[list[Any]]:
        return [e.response.output for e in self.events if e.type == "response.completed"]


def config_for(server: ResponsesServer, **changes: Any) -> ModelConfig:
    values: dict[str, Any] = {
        "api_key": API_KEY,
        "base_url": server.base_url,
        "model": "m",
        "api": "responses",
        "timeout_seconds": 10.0,
    }
    return ModelConfig(**{**values, **changes})


def agent_with(model: Model, config: ModelConfig, tools: Iterable[Tool] = ()) -> Agent[None]:
    return Agent(
        "assistant",
        instructions="Be brief.",
        model=model,
        model_settings=model_settings(config),
        tools=list(tools),
    )


async def hear(config: ModelConfig, said: str = "hello") -> Heard:
    heard, model, began = Heard(), build_model(config), time.monotonic()
    try:
        result = Runner.run_streamed(agent_with(model, config, [add_task]), said)
        async for event in result.stream_events():
            if event.type == "raw_response_event":
                heard.events.append(event.data)
        heard.final_output = result.final_output
    except Exception as error:
        heard.error = explain_model_error(error)
    finally:
        await model.close()
    heard.seconds = time.monotonic() - began
    return heard


async def hear_script(*turns: Turn, **changes: Any) -> tuple[Heard, list[WireRequest]]:
    async with ResponsesServer(list(turns)) as server:
        return await hear(config_for(server, **changes)), server.requests


@pytest.mark.parametrize("api", APIS)
async def test_model_streams_text(api: str) -> None:
    heard, requests = await hear_script(Text("hello there", chunk=3), api=api)

    assert heard.final_output == heard.text == "hello there"
    assert len([e for e in heard.events if e.type == "response.output_text.delta"]) == 4
    assert requests[0].last_user_text == "hello"
    assert requests[0].headers["authorization"] == f"Bearer {API_KEY}"


@pytest.mark.parametrize("api", APIS)
async def test_model_calls_functions_in_parallel_and_reads_their_outputs(api: str) -> None:
    calls = Calls([("add_task", {"title": "milk"}), ("add_task", {"title": "bread"})])

    heard, requests = await hear_script(calls, Text("done"), api=api)

    assert heard.final_output == "done"
    assert requests[1].tool_outputs == ["added milk", "added bread"]
    first, second = heard.outputs[0]
    assert first.call_id != second.call_id


async def test_model_gets_its_reasoning_back_under_the_providers_id() -> None:
    thought = Reasoning("The user wants milk.", encrypted_content="sealed thought")
    turn = thought + Calls([("add_task", {"title": "milk"})])

    heard, requests = await hear_script(turn, Text("done"))

    sent_back = [item for item in requests[1].body["input"] if item.get("type") == "reasoning"]
    assert [item["id"] for item in sent_back] == [heard.outputs[0][0].id]
    assert sent_back[0]["encrypted_content"] == "sealed thought"
    assert sent_back[0]["id"].startswith("rs_")


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("event", ["response.failed", "error"])
async def test_model_error_in_mid_stream_keeps_what_was_said(api: str, event: Any) -> None:
    heard, requests = await hear_script(ErrorMidStream(after_chunks=3, event=event), api=api)

    assert heard.text == "one two thre"
    assert type(heard.error) is ModelUnavailable
    assert heard.error.retryable
    assert "lost its way" not in str(heard.error)
    assert len(requests) == 1


@pytest.mark.parametrize("api", APIS)
async def test_model_stopped_by_a_filter_is_a_refusal(api: str) -> None:
    turn = ErrorMidStream(event="response.incomplete", code="content_filter")

    heard, _ = await hear_script(turn, api=api)

    assert type(heard.error) is ModelRefused


@pytest.mark.parametrize("api", APIS)
async def test_model_rate_limit_in_mid_stream_is_told_apart(api: str) -> None:
    heard, _ = await hear_script(ErrorMidStream(code="rate_limit_exceeded"), api=api)

    assert type(heard.error) is ModelRateLimited


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    "turn",
    [
        SlowFirstByte(seconds=5.0),
        SlowFirstByte(seconds=5.0, headers_first=True),
        Hang(),
        Hang(after_chunks=2),
    ],
    ids=["late headers", "late body", "nothing at all", "silence in mid-stream"],
)
async def test_model_silent_for_too_long_is_a_timeout(api: str, turn: Turn) -> None:
    heard, requests = await hear_script(turn, api=api, timeout_seconds=0.3)

    assert type(heard.error) is ModelTimeout
    assert 0.3 <= heard.seconds < 2.0
    assert len(requests) == 1


@pytest.mark.parametrize("api", APIS)
async def test_model_slow_within_the_timeout_is_waited_for(api: str) -> None:
    heard, _ = await hear_script(SlowFirstByte(0.3, then=Text("late")), api=api)

    assert heard.final_output == "late"
    assert heard.seconds >= 0.3


async def test_model_timeout_counts_silence_and_not_the_whole_answer() -> None:
    slow = Text("abcdefgh", chunk=1, gap_seconds=0.1)

    heard, _ = await hear_script(slow, timeout_seconds=0.5)

    assert heard.final_output == "abcdefgh"
    assert heard.seconds > 0.5


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("turn", "expected", "tries"),
    [
        (HttpError(401), ModelMisconfigured, 1),
        (HttpError(404), ModelMisconfigured, 1),
        (HttpError(429, AT_ONCE), ModelRateLimited, 3),
        (HttpError(429, AT_ONCE, code="insufficient_quota"), ModelMisconfigured, 3),
        (HttpError(500, AT_ONCE), ModelUnavailable, 3),
    ],
    ids=["401", "404", "429", "429 without quota", "500"],
)
async def test_model_http_errors_are_told_apart(
    api: str, turn: HttpError, expected: type[AgentError], tries: int
) -> None:
    heard, requests = await hear_script(*[turn] * tries, api=api)

    assert type(heard.error) is expected
    assert len(requests) == tries
    assert "The host says no" not in str(heard.error)


@pytest.mark.parametrize("api", APIS)
async def test_model_recovers_from_a_passing_fault(api: str) -> None:
    faults = [HttpError(429, AT_ONCE), HttpError(503, AT_ONCE)]

    heard, requests = await hear_script(*faults, Text("back again"), api=api)

    assert heard.final_output == "back again"
    assert len(requests) == 3


async def test_model_never_follows_a_redirect() -> None:
    async with ResponsesServer([Text("not for you")]) as elsewhere:
        location = {"location": f"{elsewhere.base_url}/responses"}

        heard, requests = await hear_script(HttpError(307, location))

        assert type(heard.error) is ModelMisconfigured
        assert len(requests) == 1
        assert elsewhere.requests == []


@pytest.mark.parametrize("api", APIS)
async def test_model_dropped_connection_is_not_tried_again(api: str) -> None:
    heard, requests = await hear_script(DropConnection(after_chunks=3), Text("again"), api=api)

    assert type(heard.error) is ModelUnavailable
    assert heard.text == "one two thre"
    assert len(requests) == 1


async def test_model_answer_without_an_end_is_not_taken_for_whole() -> None:
    heard, _ = await hear_script(DropConnection(after_chunks=3, clean=True))

    assert type(heard.error) is ModelUnavailable


async def test_model_nobody_listens_at_is_unavailable() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}/v1"

        heard = await hear(ModelConfig(API_KEY, address, "m", "responses", 10.0))

    assert type(heard.error) is ModelUnavailable
    assert heard.error.retryable


async def test_chat_completions_get_an_id_for_every_item() -> None:
    calls = Calls(
        [
            Call("add_task", {"title": "milk"}, call_id="call_0"),
            Call("add_task", {"title": "bread"}, call_id=""),
            Call("add_task", {"title": "eggs"}, call_id="call_0"),
        ]
    )

    heard, requests = await hear_script(
        Reasoning("hm") + Text("on it") + calls,
        Calls([Call("add_task", {"title": "salt"}, call_id="call_0")]),
        Text("done"),
        api="chat_completions",
    )

    items = [item for output in heard.outputs for item in output]
    assert len({item.id for item in items}) == len(items) == 7
    assert FAKE_RESPONSES_ID not in {getattr(event, "item_id", None) for event in heard.events}
    call_ids = [item.call_id for item in items if item.type == "function_call"]
    assert call_ids[0] == "call_0"
    assert len(set(call_ids)) == len(call_ids) == 4
    assert requests[2].tool_outputs == ["added milk", "added bread", "added eggs", "added salt"]


@pytest.mark.parametrize("api", APIS)
async def test_model_requests_store_nothing_and_go_to_one_place(api: str) -> None:
    heard, requests = await hear_script(
        Calls([("add_task", {"title": "milk"})]), Text("done"), api=api
    )

    assert heard.final_output == "done"
    assert [request.api for request in requests] == [api, api]
    for request in requests:
        assert request.body["store"] is False
        assert request.body["parallel_tool_calls"] is True
        assert "metadata" not in request.body
    if api == "chat_completions":
        assert requests[0].body["stream_options"] == {"include_usage": True}


async def test_model_stores_when_it_is_told_to() -> None:
    _, requests = await hear_script(Text("kept"), store=True)

    assert requests[0].body["store"] is True


async def test_model_without_a_key_sends_none_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(os.environ, "OPENAI_API_KEY", "sk-of-another-host")

    _, requests = await hear_script(Text("hello"), api_key=None)

    assert requests[0].headers["authorization"] == "Bearer none"


@pytest.mark.parametrize("api", APIS)
async def test_model_answers_without_a_stream_too(api: str) -> None:
    asking = Reasoning("hm") + Calls([("add_task", {"title": "milk"})])
    script: list[Turn] = [asking, Text("done")]
    async with ResponsesServer(script) as server:
        config = config_for(server, api=api)
        model = build_model(config)

        result = await Runner.run(agent_with(model, config, [add_task]), "milk, please")

        await model.close()
    assert result.final_output == "done"
    assert result.context_wrapper.usage.requests == 2
    assert [request.is_stream for request in server.requests] == [False, False]


@pytest.mark.parametrize("api", APIS)
async def test_model_reports_the_hosts_usage(api: str) -> None:
    async with ResponsesServer([Text("hello", chunk=1)]) as server:
        config = config_for(server, api=api)
        model = build_model(config)
        result = Runner.run_streamed(agent_with(model, config), "hi")
        async for _ in result.stream_events():
            pass
        await model.close()

    usage = result.context_wrapper.usage
    assert usage.output_tokens == 5
    assert usage.input_tokens == server.requests[0].size_tokens


@pytest.mark.parametrize("api", APIS)
async def test_model_run_that_is_cancelled_leaves_the_host(api: str) -> None:
    async with ResponsesServer([Text("one two three", chunk=4)]) as server:
        server.gate.hold(before_chunk=2)
        config = config_for(server, api=api)
        model = build_model(config)
        result = Runner.run_streamed(agent_with(model, config), "hi")
        listening = asyncio.ensure_future(_drain(result))
        await server.gate.reached()

        result.cancel()
        await listening

        async with asyncio.timeout(5):
            while server.abandoned == 0:
                await asyncio.sleep(0.01)
        await model.close()


@pytest.mark.parametrize("api", APIS)
async def test_model_serves_many_conversations_at_once(api: str) -> None:
    rules = [
        Rule("buy (.+)", Calls([("add_task", {"title": "{1}"})]), outputs=0),
        Rule("buy", Text("I have {output}."), outputs=1),
    ]
    async with ResponsesServer(rules) as server:
        config = config_for(server, api=api)
        heard = await asyncio.gather(*(hear(config, f"buy {n} eggs") for n in range(20)))

    assert [one.final_output for one in heard] == [f"I have added {n} eggs." for n in range(20)]
    assert len(server.requests) == 40


async def _drain(result: Any) -> None:
    async for _ in result.stream_events():
        pass


async def probe(base_url: str, api: str, *options: str, **environment: str) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if "PROXY" not in name.upper()}
    kept.pop("OPENAI_AGENTS_DISABLE_TRACING", None)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.agent.egress_probe",
        base_url,
        api,
        *options,
        cwd=REPOSITORY,
        env={**kept, "OPENAI_API_KEY": API_KEY, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode().splitlines()


@pytest.mark.parametrize("api", APIS)
async def test_run_opens_no_socket_but_to_the_models_host(api: str) -> None:
    proxy = "http://203.0.113.9:3128"
    async with ResponsesServer([Text("hello")]) as server:
        lines = await probe(
            server.base_url, api, HTTP_PROXY=proxy, HTTPS_PROXY=proxy, ALL_PROXY=proxy
        )

    assert "said hello" in lines
    reached = {line for line in lines if line.startswith("socket.")}
    assert f"socket.connect 127.0.0.1 {server.port}" in reached
    assert {line.split(maxsplit=1)[1] for line in reached} == {f"127.0.0.1 {server.port}"}


async def test_run_with_tracing_asked_for_is_caught_by_the_same_probe() -> None:
    async with ResponsesServer([Text("hello")]) as server:
        lines = await probe(server.base_url, "responses", "tracing")

    assert any("api.openai.com" in line for line in lines)
