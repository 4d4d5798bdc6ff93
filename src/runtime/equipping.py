"""What the runs of a node work with, from the settings: tools, a model, limits, a titler."""

from __future__ import annotations

from typing import Any

from agents import Model
from mcp.server.mcpserver import MCPServer

from agent.allowances import Limits
from agent.attempt import Equipment, RunLimits
from agent.models import ModelConfig, build_model, build_models, model_settings
from agent.titles import Titler
from agent.tool_server import ToolDefinition, ToolServer
from agent.toolbox import Toolbox
from auth.signing import Signer
from commands.handle import CommandHandler
from events.store import EventStore
from runtime.foreign_tools import foreign_tools
from runtime.identity import mint_by
from runtime.settings import Settings
from runtime.summarizing import OFFLINE_MODEL

OFFLINE = "offline"
OPENAI = "openai"


def send_limits(settings: Settings) -> Limits:
    return Limits(
        messages_a_minute=settings.verbatim_rate_limit,
        unfinished_runs=settings.verbatim_run_limit,
        tokens_a_day=settings.verbatim_token_limit,
    )


def equip(
    settings: Settings,
    store: EventStore,
    task_server: MCPServer[Any],
    signer: Signer,
    given_model: Model | None,
) -> tuple[Equipment, str]:
    config = model_config(settings, settings.agent_model)
    is_offline = given_model is None and not config.api_key and not config.base_url
    others = [name for name in settings.agent_models if name != settings.agent_model]
    model, other_models = build_models(config, others) if given_model is None else (given_model, {})
    tools = ToolServer(
        str(settings.mcp_server_url) if settings.mcp_server_url else task_server,
        mint_by(signer),
        timeout_seconds=settings.agent_tool_timeout_seconds,
    )
    equipment = Equipment(
        store=store,
        tools=Toolbox(tools, foreign_tools(settings), client_tools(settings)),
        model=model,
        other_models=other_models,
        model_name=OFFLINE_MODEL if is_offline else settings.agent_model,
        model_settings=model_settings(config),
        limits=RunLimits(
            turns=settings.agent_turn_limit,
            run_seconds=settings.agent_turn_timeout_seconds,
            context_messages=settings.context_messages,
        ),
        approval_tools=frozenset(settings.approval_tools),
        is_tracing=settings.agent_tracing,
    )
    return equipment, OFFLINE if is_offline else OPENAI


def client_tools(settings: Settings) -> list[ToolDefinition]:
    return [
        ToolDefinition(tool.name, tool.description, tool.parameters)
        for tool in settings.client_tools
    ]


def model_config(settings: Settings, model: str) -> ModelConfig:
    return ModelConfig(
        api_key=plain(settings.openai_api_key),
        base_url=plain(settings.openai_base_url),
        model=model,
        api=settings.agent_api,
        timeout_seconds=settings.agent_model_timeout_seconds,
        store=settings.agent_store,
        tracing=settings.agent_tracing,
    )


def open_titler(settings: Settings, equipment: Equipment, handler: CommandHandler) -> Titler | None:
    """On the replies' own model, unless another is named; None where titles are off."""
    if not settings.agent_titles:
        return None
    if settings.agent_title_model is None:
        return Titler(equipment.model, handler, equipment.store)
    model = build_model(model_config(settings, settings.agent_title_model))
    return Titler(model, handler, equipment.store, on_close=model.close)


def plain(secret: Any) -> str | None:
    """A setting that may be a secret, as plain text."""
    if secret is None:
        return None
    return str(secret.get_secret_value() if hasattr(secret, "get_secret_value") else secret)
