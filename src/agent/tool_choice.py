"""The tool that the first response to a message must call, if the message says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agents import ModelSettings, Tool

from agent.errors import ToolUnknown
from agent.inference import Inference


def settings_for(
    inference: Inference, settings: ModelSettings, tools: Sequence[Tool]
) -> ModelSettings:
    """Raises ToolUnknown. The SDK takes the choice back after the call, so that it is made once."""
    if inference.tool is None:
        return settings
    if inference.tool not in {tool.name for tool in tools}:
        raise ToolUnknown("The tool that was chosen does not exist here. Choose another one.")
    return replace(settings, tool_choice=inference.tool)
