from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from agents import Model, ModelResponse, ModelSettings, ModelTracing, Usage
from agents.items import TResponseInputItem, TResponseStreamEvent
from agents.models import _openai_shared
from agents.models.fake_id import FAKE_RESPONSES_ID
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseContentPartAddedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseReasoningItem,
    ResponseTextDeltaEvent,
)
from openai.types.responses.response_reasoning_text_delta_event import (
    ResponseReasoningTextDeltaEvent,
)

from agent.minted_ids import MintedIds
from agent.models import ModelConfig, build_model, model_settings

FAKE = FAKE_RESPONSES_ID


class Recorded(Model):
    """Plays back what a provider sent."""

    def __init__(self, output: Sequence[ResponseOutputItem] = (), events: Sequence[Any] = ()):
        self._output = list(output)
        self._events = events
        self.is_closed = False

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        return ModelResponse(output=self._output, usage=Usage(), response_id=None)

    async def stream_response(
        self, *args: Any, **kwargs: Any
    ) -> AsyncIterator[TResponseStreamEvent]:
        for event in self._events:
            yield event

    async def close(self) -> None:
        self.is_closed = True


def message(item_id: str = FAKE, text: str = "hello") -> ResponseOutputMessage:
    part = ResponseOutputText(text=text, type="output_text", annotations=[])
    return ResponseOutputMessage(
        id=item_id, content=[part], role="assistant", status="completed", type="message"
    )


def call(call_id: str, item_id: str | None = FAKE) -> ResponseFunctionToolCall:
    return ResponseFunctionToolCall(
        id=item_id, call_id=call_id, name="add_task", arguments="{}", type="function_call"
    )


def reasoning(item_id: str = FAKE) -> ResponseReasoningItem:
    return ResponseReasoningItem(id=item_id, summary=[], type="reasoning")


def added(item: ResponseOutputItem, index: int) -> ResponseOutputItemAddedEvent:
    return ResponseOutputItemAddedEvent(
        item=item, output_index=index, sequence_number=0, type="response.output_item.added"
    )


def done(item: ResponseOutputItem, index: int) -> ResponseOutputItemDoneEvent:
    return ResponseOutputItemDoneEvent(
        item=item, output_index=index, sequence_number=0, type="response.output_item.done"
    )


def text_delta(index: int, item_id: str = FAKE) -> ResponseTextDeltaEvent:
    return ResponseTextDeltaEvent(
        content_index=0,
        delta="hello",
        item_id=item_id,
        logprobs=[],
        output_index=index,
        sequence_number=0,
        type="response.output_text.delta",
    )


def part_added(index: int) -> ResponseContentPartAddedEvent:
    return ResponseContentPartAddedEvent(
        content_index=0,
        item_id=FAKE,
        output_index=index,
        part=ResponseOutputText(text="", type="output_text", annotations=[]),
        sequence_number=0,
        type="response.content_part.added",
    )


def arguments_delta(index: int) -> ResponseFunctionCallArgumentsDeltaEvent:
    return ResponseFunctionCallArgumentsDeltaEvent(
        delta="{}",
        item_id=FAKE,
        output_index=index,
        sequence_number=0,
        type="response.function_call_arguments.delta",
    )


def reasoning_delta(index: int) -> ResponseReasoningTextDeltaEvent:
    return ResponseReasoningTextDeltaEvent(
        content_index=0,
        delta="hm",
        item_id=FAKE,
        output_index=index,
        sequence_number=0,
        type="response.reasoning_text.delta",
    )


def completed(*output: ResponseOutputItem) -> ResponseCompletedEvent:
    response = Response(
        id="resp_1",
        created_at=0,
        model="m",
        object="response",
        output=list(output),
        parallel_tool_calls=True,
        tool_choice="auto",
        tools=[],
    )
    return ResponseCompletedEvent(response=response, sequence_number=0, type="response.completed")


async def respond(
    *output: ResponseOutputItem, input: str | list[TResponseInputItem] = "hi"
) -> list[Any]:
    model = MintedIds(Recorded(output=output))
    response = await model.get_response(
        None,
        input,
        ModelSettings(),
        [],
        None,
        [],
        ModelTracing.DISABLED,
        previous_response_id=None,
        conversation_id=None,
        prompt=None,
    )
    return list(response.output)


async def stream(*events: Any, input: str | list[TResponseInputItem] = "hi") -> list[Any]:
    model = MintedIds(Recorded(events=events))
    streamed = model.stream_response(
        None,
        input,
        ModelSettings(),
        [],
        None,
        [],
        ModelTracing.DISABLED,
        previous_response_id=None,
        conversation_id=None,
        prompt=None,
    )
    return [event async for event in streamed]


def config(**changes: Any) -> ModelConfig:
    values: dict[str, Any] = {
        "api_key": "sk-secret",
        "base_url": "http://127.0.0.1:9/v1",
        "model": "m",
        "api": "responses",
        "timeout_seconds": 1.0,
    }
    return ModelConfig(**{**values, **changes})


async def test_minted_ids_replace_the_placeholder_by_ids_of_the_items_types() -> None:
    thought, said, called = await respond(reasoning(), message(), call("call_a"))

    assert [item.id.partition("_")[0] for item in (thought, said, called)] == ["rs", "msg", "fc"]
    assert len({thought.id, said.id, called.id}) == 3
    assert len(said.id) > 32


async def test_minted_ids_keep_sound_provider_ids() -> None:
    given: list[ResponseOutputItem] = [
        reasoning("rs_1"),
        message("msg_1"),
        call("call_a", "fc_1"),
    ]

    assert await respond(*given) == given


async def test_minted_ids_differ_between_two_responses() -> None:
    assert (await respond(message()))[0].id != (await respond(message()))[0].id


@pytest.mark.parametrize("item_id", [None, "", FAKE])
async def test_minted_ids_give_a_call_without_id_one(item_id: str | None) -> None:
    [called] = await respond(call("call_a", item_id))

    assert called.id.startswith("fc_")
    assert called.call_id == "call_a"


async def test_minted_ids_replace_a_repeated_item_id_once() -> None:
    first, second = await respond(message("msg_1"), message("msg_1"))

    assert first.id == "msg_1"
    assert second.id.startswith("msg_")
    assert second.id != "msg_1"


async def test_minted_ids_replace_empty_and_repeated_call_ids() -> None:
    empty, first, second = await respond(call(""), call("call_a"), call("call_a"))

    assert first.call_id == "call_a"
    assert len({empty.call_id, first.call_id, second.call_id}) == 3
    assert all(one.call_id.startswith("call_") for one in (empty, second))


async def test_minted_ids_replace_ids_of_earlier_items_of_the_input() -> None:
    earlier: list[Any] = [
        {"type": "message", "id": "msg_0", "role": "assistant", "content": []},
        {"type": "function_call", "id": "fc_0", "call_id": "call_0", "name": "f", "arguments": ""},
        {"type": "function_call_output", "call_id": "call_0", "output": "ok"},
    ]

    said, called = await respond(message("msg_0"), call("call_0", "fc_0"), input=earlier)

    assert said.id != "msg_0"
    assert called.id != "fc_0"
    assert called.call_id != "call_0"


async def test_minted_ids_keep_what_else_an_item_holds() -> None:
    given = message(text="as it was")
    given.provider_data = {"model": "m"}  # type: ignore[attr-defined]

    [said] = await respond(given)

    assert said.content[0].text == "as it was"
    assert said.provider_data == {"model": "m"}
    assert given.id == FAKE


async def test_minted_ids_are_the_same_in_every_event_of_a_stream() -> None:
    events = await stream(
        added(message(), 0),
        part_added(0),
        text_delta(0),
        done(message(), 0),
        added(call("call_a"), 1),
        arguments_delta(1),
        done(call("call_a"), 1),
        completed(message(), call("call_a")),
    )

    final = events[-1].response.output
    assert {
        events[0].item.id,
        events[1].item_id,
        events[2].item_id,
        events[3].item.id,
        final[0].id,
    } == {final[0].id}
    assert {events[4].item.id, events[5].item_id, events[6].item.id} == {final[1].id}
    assert final[0].id != final[1].id
    assert final[1].call_id == "call_a"


async def test_minted_ids_tell_parallel_calls_with_one_call_id_apart() -> None:
    events = await stream(
        added(call("call_0"), 0),
        added(call("call_0"), 1),
        arguments_delta(1),
        arguments_delta(0),
        done(call("call_0"), 0),
        done(call("call_0"), 1),
        completed(call("call_0"), call("call_0")),
    )

    first, second = events[-1].response.output
    assert first.call_id != second.call_id
    assert [events[index].item.call_id for index in (0, 1, 4, 5)] == [
        first.call_id,
        second.call_id,
        first.call_id,
        second.call_id,
    ]
    assert [events[2].item_id, events[3].item_id] == [second.id, first.id]


async def test_minted_ids_keep_a_stream_with_sound_ids_as_it_is() -> None:
    events = [
        added(message("msg_1"), 0),
        text_delta(0, "msg_1"),
        done(message("msg_1"), 0),
        completed(message("msg_1")),
    ]

    assert await stream(*events) == events


async def test_minted_ids_tell_apart_items_announced_under_one_index() -> None:
    # What the SDK makes of a server that sends its reasoning after the text.
    events = await stream(
        added(message(), 0),
        added(reasoning(), 0),
        reasoning_delta(0),
        text_delta(0),
        done(reasoning(), 0),
        done(message(), 0),
        completed(reasoning(), message()),
    )

    thought, said = events[-1].response.output
    assert events[0].item.id == events[3].item_id == events[5].item.id == said.id
    assert events[1].item.id == events[2].item_id == events[4].item.id == thought.id
    assert thought.id.startswith("rs_")
    assert said.id.startswith("msg_")


async def test_minted_ids_cover_items_that_only_the_final_response_has() -> None:
    events = await stream(completed(message(), call("")))

    said, called = events[0].response.output
    assert said.id.startswith("msg_")
    assert called.id.startswith("fc_")
    assert called.call_id.startswith("call_")


async def test_minted_ids_close_the_model_and_what_it_owns() -> None:
    closed: list[str] = []

    async def close_client() -> None:
        closed.append("client")

    inner = Recorded()
    await MintedIds(inner, on_close=close_client).close()

    assert inner.is_closed
    assert closed == ["client"]


def test_model_config_hides_the_key_and_the_proxy() -> None:
    shown = repr(config(proxy_url="http://user:word@proxy:3128"))

    assert "sk-secret" not in shown
    assert "word" not in shown


def test_model_settings_store_nothing_unless_told() -> None:
    settings = model_settings(config())

    assert (settings.store, settings.include_usage, settings.parallel_tool_calls) == (
        False,
        True,
        True,
    )
    assert model_settings(config(store=True)).store is True


@pytest.mark.parametrize("api", ["responses", "chat_completions"])
async def test_build_model_leaves_the_default_client_alone(
    api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "OPENAI_API_KEY", "sk-of-somebody-else")

    model = build_model(config(api=api))

    assert _openai_shared.get_default_openai_client() is None
    assert _openai_shared.get_default_openai_key() is None
    await model.close()


async def test_build_model_without_key_and_address_is_the_offline_model() -> None:
    from agent.offline.model import OfflineModel

    assert isinstance(build_model(config(api_key=None, base_url=None)), OfflineModel)
