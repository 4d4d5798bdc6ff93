"""Ids that can be stored: every output item of every response gets one of its own.

Chat completions have no item ids, so the SDK writes the same placeholder into every item; some
servers number their items anew in each response, or send function calls without any id.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from agents import (
    Model,
    ModelResponse,
    ModelRetryAdvice,
    ModelRetryAdviceRequest,
    TResponseInputItem,
)
from agents.items import TResponseStreamEvent
from agents.models.fake_id import FAKE_RESPONSES_ID
from openai.types.responses import (
    Response,
    ResponseOutputItem,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
)

# The Responses API accepts an item back only under an id with the prefix of its type.
ID_PREFIXES = {"message": "msg", "function_call": "fc", "reasoning": "rs"}
CALL_TYPES = frozenset({"function_call", "custom_tool_call"})


class MintedIds(Model):
    """A model whose item ids and call ids are never fake, empty, or used twice.

    "Twice" counts the response itself and the input it answers. Ids that are sound stay as the
    provider made them, because reasoning items are only accepted back under their own. An item
    has the same id in each event of a stream and in the final response.
    """

    def __init__(self, model: Model, on_close: Callable[[], Awaitable[None]] | None = None) -> None:
        self._model = model
        self._on_close = on_close

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        *args: Any,
        **kwargs: Any,
    ) -> ModelResponse:
        response = await self._model.get_response(system_instructions, input, *args, **kwargs)
        response.output = _Identities(input).of_output(response.output)
        return response

    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        *args: Any,
        **kwargs: Any,
    ) -> AsyncIterator[TResponseStreamEvent]:
        identities = _Identities(input)
        events = self._model.stream_response(system_instructions, input, *args, **kwargs)
        async with aclosing(cast(AsyncGenerator[TResponseStreamEvent], events)):
            async for event in events:
                yield identities.of_event(event)

    async def close(self) -> None:
        await self._model.close()
        if self._on_close is not None:
            await self._on_close()

    def get_retry_advice(self, request: ModelRetryAdviceRequest) -> ModelRetryAdvice | None:
        return self._model.get_retry_advice(request)

    async def _cleanup_on_run_end(self, owner: object) -> None:
        await self._model._cleanup_on_run_end(owner)

    def _supports_default_prompt_cache_key(self) -> bool:
        # The runner looks this up on the outermost model only.
        supports = getattr(self._model, "_supports_default_prompt_cache_key", None)
        return bool(supports()) if callable(supports) else False


@dataclass
class _Identity:
    kind: str
    item_id: str | None
    call_id: str | None


class _Identities:
    """The identities given out in one response, by the place of the item in its output."""

    def __init__(self, input: str | list[TResponseInputItem]) -> None:
        items = [] if isinstance(input, str) else [item for item in input if isinstance(item, dict)]
        self._taken_item_ids = _texts(item.get("id") for item in items)
        self._taken_call_ids = _texts(
            item.get("call_id") for item in items if item.get("type") in CALL_TYPES
        )
        self._at: dict[int, list[_Identity]] = {}

    def of_event(self, event: TResponseStreamEvent) -> TResponseStreamEvent:
        # Deltas first: they are nearly all events, and asking for a field they lack is slow.
        if (item_id := getattr(event, "item_id", None)) is not None:
            identity = self._announced(event)
            if identity is None or identity.item_id == item_id:
                return event
            return event.model_copy(update={"item_id": identity.item_id})
        if isinstance(event, ResponseOutputItemAddedEvent | ResponseOutputItemDoneEvent):
            identity = self._announce(event.item, event.output_index)
            return event.model_copy(update={"item": _renamed(event.item, identity)})
        response = getattr(event, "response", None)
        if isinstance(response, Response) and response.output:
            output = self.of_output(response.output)
            renamed = response.model_copy(update={"output": output})
            return event.model_copy(update={"response": renamed})
        return event

    def of_output(self, output: Iterable[ResponseOutputItem]) -> list[ResponseOutputItem]:
        # The n-th message is the n-th message announced: the SDK's chat completions may announce
        # two items of different types under one index.
        waiting = [identity for index in sorted(self._at) for identity in self._at[index]]
        renamed = []
        for item in output:
            identity = next((one for one in waiting if one.kind == item.type), None)
            if identity is None:
                identity = self._mint(item)
            else:
                waiting.remove(identity)
            renamed.append(_renamed(item, identity))
        return renamed

    def _announce(self, item: ResponseOutputItem, index: int) -> _Identity:
        here = self._at.setdefault(index, [])
        for identity in here:
            if identity.kind == item.type:
                return identity
        here.append(self._mint(item))
        return here[-1]

    def _announced(self, event: TResponseStreamEvent) -> _Identity | None:
        here = self._at.get(getattr(event, "output_index", -1), [])
        if len(here) < 2:
            return here[0] if here else None
        kind = _kind_of_delta(event)
        return next((identity for identity in here if identity.kind == kind), here[-1])

    def _mint(self, item: ResponseOutputItem) -> _Identity:
        item_id, call_id = getattr(item, "id", None), getattr(item, "call_id", None)
        if (prefix := ID_PREFIXES.get(item.type)) is not None:
            item_id = _sound(item_id, prefix, self._taken_item_ids)
        if item.type in CALL_TYPES:
            call_id = _sound(call_id, "call", self._taken_call_ids)
        return _Identity(item.type, item_id, call_id)


def _sound(given: str | None, prefix: str, taken: set[str]) -> str:
    if not given or given == FAKE_RESPONSES_ID or given in taken:
        given = f"{prefix}_{uuid.uuid4().hex}"
    taken.add(given)
    return given


def _renamed(item: ResponseOutputItem, identity: _Identity) -> ResponseOutputItem:
    changes = {}
    if identity.item_id is not None and getattr(item, "id", None) != identity.item_id:
        changes["id"] = identity.item_id
    if identity.call_id is not None and getattr(item, "call_id", None) != identity.call_id:
        changes["call_id"] = identity.call_id
    return item.model_copy(update=changes) if changes else item


def _kind_of_delta(event: TResponseStreamEvent) -> str:
    if event.type.startswith("response.function_call"):
        return "function_call"
    part_type = getattr(getattr(event, "part", None), "type", "")
    if event.type.startswith("response.reasoning") or part_type == "reasoning_text":
        return "reasoning"
    return "message"


def _texts(values: Iterable[object]) -> set[str]:
    return {value for value in values if isinstance(value, str)}
