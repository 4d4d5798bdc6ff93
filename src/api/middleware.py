"""What every request passes before it reaches a route, as plain ASGI."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import BodyTooLarge
from api.observing import REQUEST_ID, REQUEST_ID_HEADER, Observer
from api.positions import POSITION
from api.problems import instance_of, problem_of
from api.sse import BRANCH_HEADER, RUN_HEADER, STALE_HEADER
from auth.errors import Forbidden
from auth.local import check_host
from runtime.settings import Settings

BODY_LIMIT_BYTES = 1024 * 1024
#: Uploads have a limit of their own, and are not held in memory.
UPLOADS = "/chatkit/attachments/"
PREFLIGHT_SECONDS = 600

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def middleware_of(settings: Settings) -> list[Middleware]:
    """Outermost first."""
    layers = [Middleware(SecurityHeaders), Middleware(Observer)]
    if settings.auth_mode == "local" or settings.verbatim_allowed_hosts:
        layers.append(Middleware(HostCheck, allowed=settings.verbatim_allowed_hosts))
    if settings.verbatim_allowed_origins:
        layers.append(_cors(settings.verbatim_allowed_origins))
    return [*layers, Middleware(BodyLimit, limit_bytes=BODY_LIMIT_BYTES)]


class SecurityHeaders:
    """Adds what a route has not set differently itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_secured if scope["type"] == "http" else send)


class HostCheck:
    """Keeps pages of foreign names away that resolve to this server (DNS rebinding)."""

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                check_host(Headers(scope=scope).get("host"), self._allowed)
            except Forbidden as error:
                await _refuse(error, scope, receive, send)
                return
        await self._app(scope, receive, send)


class BodyLimit:
    """Refuses a body by its announced length, and cuts off one that turns out longer."""

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(UPLOADS):
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._limit_bytes:
            await _refuse(BodyTooLarge(self._limit_bytes), scope, receive, send)
            return
        received_bytes = 0

        async def receive_counted() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > self._limit_bytes:
                raise BodyTooLarge(self._limit_bytes)
            return message

        await self._app(scope, receive_counted, send)


async def _refuse(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    response = problem_of(error, instance_of(scope[REQUEST_ID]))
    if response is None:
        raise error
    await response(scope, receive, send)


def _cors(origins: Sequence[str]) -> Middleware:
    """For pages of allowed origins that send bearer tokens; cookies stay at home."""
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
        allow_headers=(
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "Last-Event-ID",
            "Verbatim-Frames",
            "Verbatim-Items",
            REQUEST_ID_HEADER,
        ),
        expose_headers=(
            RUN_HEADER,
            BRANCH_HEADER,
            STALE_HEADER,
            POSITION,
            REQUEST_ID_HEADER,
            "Retry-After",
        ),
        max_age=PREFLIGHT_SECONDS,
    )
