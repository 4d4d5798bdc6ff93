"""Runs an app's lifespan, and serves it over a socket, within a test's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

START_SECONDS = 30.0


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    """The lifespan in one task of its own: a fixture's two halves run in different ones."""
    is_up, is_done = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.router.lifespan_context(app):
            is_up.set()
            await is_done.wait()

    life = asyncio.create_task(live())
    up = asyncio.create_task(is_up.wait())
    await asyncio.wait((life, up), return_when=asyncio.FIRST_COMPLETED, timeout=START_SECONDS)
    up.cancel()
    if life.done():
        life.result()
    try:
        yield
    finally:
        is_done.set()
        await life


@asynccontextmanager
async def served(app: FastAPI, port: int = 0) -> AsyncIterator[str]:
    """The address of an app whose lifespan runs already."""
    config = uvicorn.Config(
        app,
        port=port,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        if serving.done():
            serving.result()
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        await serving
