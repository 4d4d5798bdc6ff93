"""The whole server in a process of its own (`python -m benchmarks.serving silent|paced`)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from agents import Model

from api.app import create_app
from auth.mint import mint_user_token
from benchmarks.paced_model import PacedModel
from benchmarks.processes import Served, process_of, serve
from events.keys import generate_event_key
from runtime.logs import configure_logs
from runtime.settings import load_settings

SECRET = "a secret of the benchmark, which guards nothing"  # noqa: S105
#: One for all servers on a database.
EVENT_KEY = generate_event_key()
REQUESTS_A_MINUTE = 10_000_000
SILENCE_SECONDS = 3_600.0


class SilentModel(Model):
    """Says nothing, as models mostly do while messages come in: a reply is not the request's."""

    async def get_response(self, *_: Any, **__: Any) -> Any:
        await asyncio.sleep(SILENCE_SECONDS)

    async def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        await asyncio.sleep(SILENCE_SECONDS)
        yield


MODELS = {"silent": SilentModel, "paced": PacedModel}


def served(url: str, model: str = "silent") -> AbstractAsyncContextManager[Served]:
    environment = {
        "DATABASE_URL": url,
        "EVENT_KEY": EVENT_KEY,
        "BETTER_AUTH_SECRET": SECRET,
        "INTERNAL_SIGNING_KEY": SECRET,
        "VERBATIM_RATE_LIMIT": str(REQUESTS_A_MINUTE),
        "VERBATIM_REQUEST_LIMIT": str(REQUESTS_A_MINUTE),
        "VERBATIM_RUN_LIMIT": str(REQUESTS_A_MINUTE),
        "VERBATIM_TOKEN_LIMIT": str(REQUESTS_A_MINUTE),
        "VERBATIM_LOG_LEVEL": "error",
        "VERBATIM_MULTIPLE_SENDS": "enqueue",
    }
    return process_of("benchmarks.serving", model, environment=environment)


def token_of(user_id: str) -> str:
    return mint_user_token(SECRET, user_id)


def main() -> None:
    settings = load_settings()
    configure_logs(settings.verbatim_log_level, settings.verbatim_log_format)
    serve(create_app(settings, model=MODELS[sys.argv[1]]()))


if __name__ == "__main__":
    main()
