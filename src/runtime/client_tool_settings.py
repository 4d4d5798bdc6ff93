"""The setting of tools that the user's page carries out."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import BaseSettings, NoDecode

from runtime.foreign_settings import parse_list


class ClientTool(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    #: As the page's `onClientTool` hears it.
    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    #: For the model.
    description: str = Field(min_length=1, max_length=1000)
    #: JSON Schema of the arguments.
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})


def _check_tools(tools: tuple[ClientTool, ...]) -> tuple[ClientTool, ...]:
    names = [tool.name for tool in tools]
    if len(names) != len(set(names)):
        raise ValueError("expected each tool's name once")
    if not all(tool.parameters.get("type") == "object" for tool in tools):
        raise ValueError("expected parameters to be the JSON Schema of an object")
    return tools


ClientTools = Annotated[
    tuple[ClientTool, ...],
    NoDecode,
    BeforeValidator(parse_list),
    AfterValidator(_check_tools),
]


class ClientToolSettings(BaseSettings):
    #: Offered to the model beside ours.
    client_tools: ClientTools = Field(
        (),
        max_length=20,
        description="Tools that the user's page carries out, as a JSON list of "
        "{name, description, parameters}.",
    )
