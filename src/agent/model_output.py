"""What the runner makes of a model's response: calls, usage, arguments, the next input."""

from __future__ import annotations

import json
from typing import Any, cast

from agents.run import CallModelData, ModelInputData
from openai.types.responses import Response, ResponseFunctionToolCall

from agent.errors import AgentError
from agent.replayed_items import without_references
from commands import run as commands
from events.conversation import Usage
from events.ids import new_id
from events.storable import make_storable


def call_of(item: ResponseFunctionToolCall, limit: int) -> commands.Call:
    return commands.Call(
        call_id=str(new_id()),
        provider_call_id=item.call_id,
        name=make_storable(item.name, limit)[0],
        arguments=make_storable(item.arguments, limit)[0],
    )


def usage_of(response: Response) -> Usage:
    if response.usage is None:
        return Usage(requests=1)
    return Usage(
        requests=1,
        input_tokens=response.usage.input_tokens,
        output_tokens=response.usage.output_tokens,
    )


def code_of(error: AgentError) -> str:
    name = type(error).__name__
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")


def acceptable_input(given: CallModelData[Any]) -> ModelInputData:
    """What the model is given in the midst of a run, under the rules of a run's context."""
    items: Any = without_references(cast("list[dict[str, Any]]", given.model_data.input))
    return ModelInputData(input=items, instructions=given.model_data.instructions)


def parse_arguments(text: str) -> dict[str, Any]:
    """Raises ValueError unless the text is a JSON object."""
    arguments = json.loads(text or "{}")
    if not isinstance(arguments, dict):
        raise ValueError("the arguments are no JSON object")
    return arguments
