"""What a client may ask of the model."""

from __future__ import annotations

from chatkit.types import InferenceOptions

from api.errors import UnusableRequest
from runtime.settings import Settings


def models_of(settings: Settings) -> list[str]:
    """By name, the one that answers without a choice first."""
    return list(dict.fromkeys((settings.agent_model, *settings.agent_models)))


def check_model(options: InferenceOptions, settings: Settings) -> None:
    """Raises UnusableRequest for a model that this server does not offer."""
    models = models_of(settings)
    if options.model is not None and options.model not in models:
        raise UnusableRequest(
            f"inference_options.model must be one of the models offered here: {', '.join(models)}."
        )
