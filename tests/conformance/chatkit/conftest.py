"""The same app as the API's tests run against."""

from tests.integration.api.conftest import app, client, client_of, model, node, settings

__all__ = ["app", "client", "client_of", "model", "node", "settings"]
