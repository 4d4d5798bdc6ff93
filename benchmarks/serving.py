"""The whole server in a process of its own (`python -m benchmarks.serving`).

Its model says nothing, as models mostly do while messages come in: a reply is not the request's.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from agents import Model

from api.app import create_app
from auth.mint import mint_user_token
from events.keys import generate_event_key
from runtime.logs import configure_logs
from runtime.settings import load_settings

SECRET = "a secret of the benchmark, which guards nothing"  # noqa: S105
#: One for all servers on a database.
EVENT_KEY = generate_event_key()
HOST = "127.0.0.1"
REQUESTS_A_MINUTE = 10_000_000
SILENCE_SECONDS = 3_600.0
STOP_SECONDS = 20.0


class SilentModel(Model):
    async def get_response(self, *_: Any, **__: Any) -> Any:
        await asyncio.sleep(SILENCE_SECONDS)

    async def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        await asyncio.sleep(SILENCE_SECONDS)
        yield


@asynccontextmanager
async def served(url: str) -> AsyncIterator[int]:
    """The port."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "EVENT_KEY": EVENT_KEY,
        "BETTER_AUTH_SECRET": SECRET,
        "INTERNAL_SIGNING_KEY": SECRET,
        "VERBATIM_RATE_LIMIT": str(REQUESTS_A_MINUTE),
        "VERBATIM_LOG_LEVEL": "error",
        "VERBATIM_MULTIPLE_SENDS": "enqueue",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.serving",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield int(await process.stdout.readline())
    finally:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()


def token_of(user_id: str) -> str:
    return mint_user_token(SECRET, user_id)


def main() -> None:
    settings = load_settings()
    configure_logs(settings.verbatim_log_level, settings.verbatim_log_format)
    config = uvicorn.Config(
        create_app(settings, model=SilentModel()),
        host=HOST,
        port=0,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    listening = config.bind_socket()
    listening.listen()
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
