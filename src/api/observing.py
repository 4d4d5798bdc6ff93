"""Around every request: its id, one line in the log, its figures, and an end to surprises."""

from __future__ import annotations

import re
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import UNEXPECTED, Answer, instance_of, problem_response
from events.ids import new_id
from runtime.metrics import Metrics

REQUEST_ID_HEADER = "X-Request-Id"
#: Where the id of the request stands in its scope.
REQUEST_ID = "verbatim.request_id"
#: Stands for every path that no route has, so that strangers make no new names.
NO_ROUTE = "(none)"
STREAM_TYPE = "text/event-stream"
CLIENT_CLOSED_REQUEST = 499

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)

log = structlog.get_logger()


class Observer:
    """Outside of whatever refuses requests, so that refusals are seen too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope[REQUEST_ID] = _request_id(Headers(scope=scope).get(REQUEST_ID_HEADER))
        seen = _Seen(send, request_id)
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, seen.send)
            except ClientDisconnect:
                pass
            except Exception:
                log.exception("request_failed", route=_route_of(scope))
                await seen.answer_unexpected(scope, receive)
            finally:
                _record(scope, seen, time.perf_counter() - started)


class _Seen:
    """What went through `send`."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status: int | None = None
        self.is_stream = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID_HEADER] = self._request_id
            self.status = message["status"]
            self.is_stream = headers.get("content-type", "").startswith(STREAM_TYPE)
        await self._send(message)

    async def answer_unexpected(self, scope: Scope, receive: Receive) -> None:
        """Nothing once a response has begun: the server then breaks the connection off."""
        if self.status is None:
            answer = Answer(500, "unexpected", UNEXPECTED)
            response = problem_response(answer, instance=instance_of(self._request_id))
            await response(scope, receive, self.send)


def _request_id(given: str | None) -> str:
    return given if given and _REQUEST_ID.fullmatch(given) else str(new_id())


def _record(scope: Scope, seen: _Seen, seconds: float) -> None:
    route, status = _route_of(scope), seen.status or CLIENT_CLOSED_REQUEST
    log.info(
        "request",
        method=scope["method"],
        route=route,
        status=status,
        ms=round(seconds * 1000, 1),
    )
    metrics: Metrics | None = getattr(getattr(scope["app"].state, "node", None), "metrics", None)
    if metrics is not None:
        metrics.on_request(scope["method"], route, status, None if seen.is_stream else seconds)


def _route_of(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", NO_ROUTE)
