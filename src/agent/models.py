"""The model of a run: the SDK's OpenAI models over a client that is made here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import httpx2
from agents import (
    Model,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    set_trace_provider,
    set_tracing_export_api_key,
)
from agents.tracing.provider import DefaultTraceProvider
from openai import APITimeoutError, AsyncOpenAI

from agent.minted_ids import MintedIds

OPENAI_BASE_URL = "https://api.openai.com/v1"
CONNECT_TIMEOUT_SECONDS = 10.0
MAX_RETRIES = 2
MAX_CONNECTIONS = 1000
MAX_KEEPALIVE_CONNECTIONS = 100
# The client insists on a key, and would take one from the environment that is another host's.
NO_API_KEY = "none"


@dataclass(frozen=True)
class ModelConfig:
    #: Key of the model's host; hidden in repr.
    api_key: str | None = field(repr=False)
    #: Root of the API, with its version ("https://host/v1"); None is OpenAI's own.
    base_url: str | None
    #: Name of the model as its host knows it.
    model: str
    #: Which of the two wire protocols the host speaks.
    api: Literal["responses", "chat_completions"]
    #: Longest silence: to the first byte, and between two chunks of a stream.
    timeout_seconds: float
    #: Whether the host may keep requests and responses.
    store: bool = False
    #: Whether the SDK may export traces to OpenAI.
    tracing: bool = False
    #: Proxy for the model's host; proxies named in the environment are never used.
    proxy_url: str | None = field(default=None, repr=False)


def build_model(config: ModelConfig) -> Model:
    """The model to run with; close() ends its connections."""
    return build_models(config, ())[0]


def build_models(config: ModelConfig, others: Sequence[str]) -> tuple[Model, Mapping[str, Model]]:
    """The model to run with, and others of its host by name; its close() ends all connections.

    Without a key and without a base URL each is the offline model, which opens no socket at all.
    Tracing is switched off for the whole process unless `config.tracing` asks for it.
    """
    _apply_tracing(config)
    if not config.api_key and not config.base_url:
        from agent.offline.model import OfflineModel

        offline = OfflineModel()
        return offline, dict.fromkeys(others, offline)
    client = open_client(config)
    own = MintedIds(_sdk_model(config, client), on_close=client.close)
    return own, {
        name: MintedIds(_sdk_model(replace(config, model=name), client)) for name in others
    }


def model_settings(config: ModelConfig) -> ModelSettings:
    return ModelSettings(store=config.store, include_usage=True, parallel_tool_calls=True)


def disable_tracing() -> None:
    """Replace the SDK's trace provider by one that is off and has no exporter to send with."""
    provider = DefaultTraceProvider()
    provider.set_disabled(True)
    set_trace_provider(provider)


def _apply_tracing(config: ModelConfig) -> None:
    if not config.tracing:
        disable_tracing()
    elif config.api_key:
        set_tracing_export_api_key(config.api_key)


def _sdk_model(config: ModelConfig, client: AsyncOpenAI) -> Model:
    if config.api == "chat_completions":
        return OpenAIChatCompletionsModel(config.model, client)
    return OpenAIResponsesModel(config.model, client)


def open_client(config: ModelConfig) -> AsyncOpenAI:
    """The model's host; whoever opens it closes it."""
    timeout = httpx2.Timeout(
        config.timeout_seconds, connect=min(config.timeout_seconds, CONNECT_TIMEOUT_SECONDS)
    )
    limits = httpx2.Limits(
        max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_KEEPALIVE_CONNECTIONS
    )
    # A redirect would carry the conversation to a host that nobody configured.
    http_client = httpx2.AsyncClient(
        transport=_AnsweredOnce(limits=limits, proxy=config.proxy_url),
        timeout=timeout,
        trust_env=False,
        follow_redirects=False,
    )
    return AsyncOpenAI(
        api_key=config.api_key or NO_API_KEY,
        base_url=config.base_url or OPENAI_BASE_URL,
        timeout=timeout,
        max_retries=MAX_RETRIES,
        http_client=http_client,
    )


class _AnsweredOnce(httpx2.AsyncHTTPTransport):
    """Reports an unanswered request in a way that the client does not retry.

    The host has the request and works on it: asking again triples the wait and the bill. Refused
    connections and error statuses are still retried; a stream that has begun never is.
    """

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return await super().handle_async_request(request)
        except httpx2.ReadTimeout as error:
            raise APITimeoutError(request=request) from error
