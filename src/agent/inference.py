"""Which model and which tool a user's message asks for."""

from __future__ import annotations

from dataclasses import dataclass

from agent.turns import Turn


@dataclass(frozen=True, slots=True)
class Inference:
    model: str | None = None
    #: To be called by the first response to the message, and by no other.
    tool: str | None = None


def inference_of(turn: Turn) -> Inference:
    """What the message of a run's own turn asks of this run."""
    options = turn.message.inference_options
    tool = (options.get("tool_choice") or {}).get("id")
    is_first = len(turn.runs) == 1 and not turn.runs[0].recorded
    return Inference(model=options.get("model"), tool=tool if is_first else None)
