"""The setting of MCP servers that are not ours."""

from __future__ import annotations

import os
from typing import Annotated

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode

from runtime.setting_types import HttpUrl

ToolName = Annotated[str, Field(min_length=1, max_length=64)]


class ForeignMcpServer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    #: Begins the names of its tools, as in `name__tool`.
    name: str = Field(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=24)
    url: HttpUrl
    #: The others are neither offered nor called.
    allowed_tools: tuple[ToolName, ...] = Field(min_length=1, max_length=100)
    #: The environment variable that holds the server's bearer token.
    token_variable: str | None = None

    @property
    def token(self) -> SecretStr | None:
        """Raises ValueError when the variable that is named is not set."""
        if self.token_variable is None:
            return None
        if not os.environ.get(self.token_variable):
            raise ValueError(f"expected {self.token_variable} in the environment, for {self.name}")
        return SecretStr(os.environ[self.token_variable])


def parse_list(value: object) -> object:
    """Raises ValueError for a text that is no JSON."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise ValueError("expected a JSON list of objects") from None


def _check_servers(servers: tuple[ForeignMcpServer, ...]) -> tuple[ForeignMcpServer, ...]:
    names = [server.name for server in servers]
    if len(names) != len(set(names)):
        raise ValueError("expected each server's name once")
    for server in servers:
        _ = server.token
    return servers


Servers = Annotated[
    tuple[ForeignMcpServer, ...],
    NoDecode,
    BeforeValidator(parse_list),
    AfterValidator(_check_servers),
]


class ForeignToolSettings(BaseSettings):
    #: Hidden in repr, because gateways put keys into addresses.
    foreign_mcp_servers: Servers = Field(
        (),
        repr=False,
        max_length=20,
        description="MCP servers whose tools are offered beside ours, as a JSON list of "
        "{name, url, allowed_tools, token_variable}.",
    )
