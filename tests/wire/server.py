"""The host itself: real sockets on loopback, in a thread of its own or in a process of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from types import TracebackType
from typing import Any, Literal, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.wire.conversations import Conversations
from tests.wire.delivery import Delivery
from tests.wire.gate import Gate
from tests.wire.requests import WireRequest
from tests.wire.scripts import Script, choose_by
from tests.wire.turns import Text, Turn

START_TIMEOUT_SECONDS = 10.0


class ResponsesServer:
    """`async with ResponsesServer([Text("hello")]) as server:` then call `server.base_url`.

    It runs in a thread with a loop of its own, so a test may block without stopping the host.
    """

    def __init__(self, script: Script, port: int = 0) -> None:
        self.gate = Gate()
        #: Every request to a model, oldest first.
        self.requests: list[WireRequest] = []
        #: Those for a conversation's title: they take no turn of the script.
        self.title_requests: list[WireRequest] = []
        self.title: Turn = Text("A fitting title")
        self.conversations = Conversations()
        self._choose = choose_by(script)
        self._deliveries: list[Delivery] = []
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self._uvicorn = uvicorn.Server(_uvicorn_config(self._app()))
        self._thread = threading.Thread(target=self.serve, name="model-host", daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def abandoned(self) -> int:
        """How many responses the client left before they were over."""
        return sum(delivery.was_abandoned for delivery in self._deliveries)

    def serve(self) -> None:
        """Serve until stopped; in the main thread, SIGINT and SIGTERM stop it."""
        self._uvicorn.run(sockets=[self._socket])

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._uvicorn.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("the model host did not start")
            time.sleep(0.005)

    def stop(self) -> None:
        self._uvicorn.should_exit = True
        self._thread.join(timeout=START_TIMEOUT_SECONDS)
        self._socket.close()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/responses", _Model(self, "responses")),
                Route("/v1/chat/completions", _Model(self, "chat_completions")),
                *self.conversations.routes(),
                Route("/control/hold", self._hold, methods=["POST"]),
                Route("/control/release", self._release, methods=["POST"]),
                Route("/control/state", self._state),
                Route("/control/requests", self._bodies),
            ]
        )

    def deliver(self, request: WireRequest) -> Delivery:
        self.requests.append(request)
        delivery = Delivery(request, self._choose(request), self.gate)
        self._deliveries.append(delivery)
        return delivery

    async def _hold(self, request: Request) -> JSONResponse:
        self.gate.hold(**await request.json())
        return JSONResponse(self._facts())

    async def _release(self, request: Request) -> JSONResponse:
        self.gate.release()
        return JSONResponse(self._facts())

    async def _state(self, request: Request) -> JSONResponse:
        return JSONResponse(self._facts())

    async def _bodies(self, request: Request) -> JSONResponse:
        return JSONResponse([{"api": one.api, "body": one.body} for one in self.requests])

    def _facts(self) -> dict[str, Any]:
        return {
            **self.gate.state(),
            "requests": len(self.requests),
            "abandoned": self.abandoned,
        }


class _Model:
    # A class, because Starlette takes functions for request handlers and this needs bare ASGI.
    def __init__(
        self, server: ResponsesServer, api: Literal["responses", "chat_completions"]
    ) -> None:
        self._server = server
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.json()
        seen = WireRequest(self._api, body, dict(request.headers))
        if seen.asks_for_title:
            self._server.title_requests.append(seen)
            delivery = Delivery(seen, self._server.title, Gate())
        else:
            delivery = self._server.deliver(seen)
        await delivery(scope, receive, send)


def _listen(port: int) -> socket.socket:
    # Listening from here on, so that no client is refused while the loop is still starting.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(512)
    return listening


def _uvicorn_config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=0,
    )
