"""Whether and by whom a node's conversations are summed up."""

from __future__ import annotations

from agent.attempt import Equipment
from agent.note_writing import write_by
from agent.summaries import Summaries, write_extract
from commands.handle import CommandHandler
from events.conversation import Usage
from events.signal import LogSignal
from runtime.metrics import Metrics
from runtime.settings import Settings

OFFLINE_MODEL = "offline-rules"


def open_summaries(
    settings: Settings,
    handler: CommandHandler,
    signal: LogSignal,
    equipment: Equipment,
    metrics: Metrics,
) -> Summaries | None:
    """None where the setting is off."""
    if not settings.context_summaries:
        return None
    write = write_by(equipment.model, equipment.model_settings, equipment.model_name)

    def on_usage(usage: Usage) -> None:
        metrics.on_tokens(usage.input_tokens, usage.output_tokens)

    return Summaries(
        handler,
        equipment.store,
        write_extract if equipment.model_name == OFFLINE_MODEL else write,
        limit=settings.context_messages,
        wakefulness=signal.wakefulness,
        on_usage=on_usage,
    )
