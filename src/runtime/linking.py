"""The node's way to conversations at OpenAI."""

from __future__ import annotations

from contextlib import AsyncExitStack

from agent.models import open_client
from agent.openai_conversations import OpenAIConversations
from commands.handle import CommandHandler
from runtime.database import Database
from runtime.equipping import model_config
from runtime.settings import Settings
from runtime.wiring import LogParts


def open_conversations(
    settings: Settings,
    database: Database,
    log: LogParts,
    handler: CommandHandler,
    stack: AsyncExitStack,
) -> OpenAIConversations | None:
    """None where no host of models is set."""
    config = model_config(settings, settings.agent_model)
    if not config.api_key and not config.base_url:
        return None
    client = open_client(config)
    stack.push_async_callback(client.close)
    return OpenAIConversations(handler, log.store, database.direct_reads, client, log.signal)
