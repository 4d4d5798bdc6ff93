"""The HTTP application: routes, errors and middleware around one node."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

from agents import Model
from fastapi import FastAPI

from api import (
    approvals,
    attachments,
    branches,
    chat,
    chatkit,
    conversation_events,
    conversations,
    docs,
    erasing,
    health,
    mcp,
    messages,
    runs,
    session,
    tasks,
    usage,
    well_known,
)
from api.describing import API_VERSION, SUMMARY, describe
from api.middleware import middleware_of
from api.page import page_router
from api.problems import register_problems
from api.request_limit import RequestLimit
from runtime.node import open_node
from runtime.settings import Settings

ROUTERS = (
    session.router,
    session.user_router,
    erasing.router,
    chat.router,
    branches.router,
    conversations.router,
    messages.router,
    conversation_events.router,
    runs.router,
    approvals.router,
    tasks.router,
    usage.router,
    chatkit.router,
    attachments.router,
    health.router,
    well_known.router,
    docs.router,
)


def create_app(
    settings: Settings, *, database_url: str | None = None, model: Model | None = None
) -> FastAPI:
    """`database_url` is the embedded server's, where there is one; `model` replaces the settings'.

    The node lives as long as the app's lifespan.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_node(settings, database_url=database_url, model=model) as node:
            app.state.node = node
            async with mcp.mount(app, node):
                with _frozen_heap():
                    yield

    app = FastAPI(
        title="Verbatim",
        version=API_VERSION,
        summary=SUMMARY,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        middleware=middleware_of(settings),
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.settings = settings
    app.state.announcements = RequestLimit(settings.verbatim_request_limit)
    register_problems(app)
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(page_router())
    app.openapi = partial(describe, app)  # type: ignore[method-assign]
    return app


@contextmanager
def _frozen_heap() -> Iterator[None]:
    """What start-up made stays for good: collecting around it costs a tail of slow requests."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
