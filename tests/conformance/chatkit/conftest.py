from __future__ import annotations

import pytest

from runtime.settings import Settings
from tests.integration.api.conftest import app, client, client_of, model, node, settings_of

__all__ = ["app", "client", "client_of", "model", "node", "settings"]


@pytest.fixture
def settings(database_url: str) -> Settings:
    """With the model that the recorded exchange asks for."""
    return settings_of(database_url, agent_models=("small",))
