"""Every error as application/problem+json (RFC 9457): one table says which is which status."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from agent.errors import FramesGone, LimitReached, NotErasable, NothingToErase
from api.errors import ApiError
from auth import errors as auth
from commands import errors as commands
from events import errors as events
from events.group_commit import DISCONNECTED
from projections import errors as projections
from runtime.connecting import is_lost

MEDIA_TYPE = "application/problem+json"
#: Names the kind of problem for programs; people read title and detail.
TYPE_PREFIX = "urn:verbatim:problem:"
SHORTLY_SECONDS = 1
OUTAGE_SECONDS = 2
NO_GENERATION_SECONDS = 5
#: A newer release wrote this; its nodes answer, and this one soon will be one of them.
NEWER_SECONDS = 10
AWAY = "The database cannot be reached right now: try again shortly."
BUSY = "The database is busy right now: try again shortly."
NEWER = "A newer release of this server wrote this, and this node cannot read it yet: try again."
UNREADABLE = "The request's body cannot be read: send JSON in UTF-8."
UNEXPECTED = "Something went wrong on the server; the request id leads to it in its log."

log = structlog.get_logger()


class InvalidField(BaseModel):
    #: Where in the request, outermost first: body, path, query or header, then names.
    loc: list[str | int]
    msg: str


class Problem(BaseModel):
    """The body of every error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: list[InvalidField] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    code: str
    #: None is the exception's own sentence.
    detail: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: Sequence[Mapping[str, Any]] | None = None


def register_problems(app: FastAPI) -> None:
    for kind in (*TABLE, *DISCONNECTED, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _respond)


def problem_of(error: Exception, instance: str | None = None) -> JSONResponse | None:
    """The answer to an error; None for one that nobody expected."""
    answer = _answer_to(error)
    return None if answer is None else problem_response(answer, str(error), instance)


def problem_response(
    answer: Answer,
    detail: str = "",
    instance: str | None = None,
    members: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """`members` are said beside the standard ones."""
    problem = {
        "type": TYPE_PREFIX + answer.code,
        "title": HTTPStatus(answer.status).phrase,
        "status": answer.status,
        "detail": answer.detail if answer.detail is not None else detail,
        "instance": instance,
        "errors": answer.errors,
        **(members or {}),
    }
    content = {name: value for name, value in problem.items() if value is not None}
    return JSONResponse(content, answer.status, dict(answer.headers), MEDIA_TYPE)


def instance_of(request_id: str) -> str:
    return f"urn:verbatim:request:{request_id}"


async def _respond(request: Request, error: Exception) -> JSONResponse:
    request_id = request.scope.get("verbatim.request_id")
    response = problem_of(error, instance_of(request_id) if request_id else None)
    if response is None:
        raise error
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request_refused", error=type(error).__name__, status=response.status_code)
        # A listener that rests would not notice when the database is back.
        request.app.state.node.signal.wakefulness.call()
    return response


def _answer_to(error: Exception) -> Answer | None:
    for kind in type(error).__mro__:
        if kind in TABLE:
            found = TABLE[kind]
            return found(error) if callable(found) else found
    return Answer(503, "unavailable", AWAY, _retry(OUTAGE_SECONDS)) if _is_outage(error) else None


def _is_outage(error: Exception) -> bool:
    return isinstance(error, DISCONNECTED)


def _retry(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}


def _unauthenticated(error: auth.InvalidToken) -> Answer:
    challenge = "Bearer" if error.reason == "missing" else 'Bearer error="invalid_token"'
    return Answer(401, "unauthenticated", headers={"WWW-Authenticate": challenge})


def _refused_statement(error: DBAPIError) -> Answer | None:
    return Answer(503, "unavailable", AWAY, _retry(OUTAGE_SECONDS)) if is_lost(error) else None


def _invalid(error: RequestValidationError) -> Answer:
    # Never the input itself: it may be a secret, and need not be valid Unicode.
    faults = [{"loc": list(e["loc"]), "msg": e["msg"]} for e in error.errors()]
    return Answer(422, "invalid-request", _sentence(faults), errors=faults)


def _sentence(faults: Sequence[Mapping[str, Any]]) -> str:
    if not faults:
        return "The request is not valid."
    where = ".".join(str(part) for part in faults[0]["loc"])
    return f"The request is not valid: {where}: {faults[0]['msg']}."


def _http(error: HTTPException) -> Answer:
    if error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI's, of a body it cannot read
        return Answer(422, "invalid-request", UNREADABLE)
    code, detail = _HTTP.get(error.status_code, ("refused", error.detail))
    return Answer(error.status_code, code, detail, error.headers or {})


def _own(error: ApiError) -> Answer:
    return Answer(error.status, error.code, error.detail, error.headers or {})


_HTTP = {
    404: ("not-found", "There is nothing at this address."),
    405: ("method-not-allowed", "This address does not take that method; see the header Allow."),
}

#: By class, the nearest in an exception's ancestry wins.
TABLE: dict[type[Exception], Answer | Callable[[Any], Answer | None]] = {
    auth.InvalidToken: _unauthenticated,
    auth.Forbidden: Answer(403, "forbidden"),
    auth.TooManyAttempts: lambda e: Answer(
        429, "too-many-attempts", headers=_retry(e.retry_after_seconds)
    ),
    auth.KeysUnavailable: lambda e: Answer(
        503, "unavailable", headers=_retry(e.retry_after_seconds)
    ),
    commands.NotFound: Answer(404, "not-found"),
    commands.Foreign: Answer(403, "forbidden"),
    commands.Rejected: lambda e: Answer(409, e.code.replace("_", "-")),
    commands.InvalidCommand: Answer(422, "invalid-request"),
    commands.StaleAttempt: Answer(409, "stale-attempt"),
    events.IdempotencyMismatch: Answer(
        422,
        "idempotency-mismatch",
        "This idempotency key was already used for a different request: send the same body again "
        "or choose a new key.",
    ),
    events.VersionConflict: Answer(
        409, "conflict", "Others changed this at the same time: try again."
    ),
    events.UserErased: Answer(409, "user-erased"),
    events.ContentErased: Answer(410, "content-erased"),
    events.QueueFull: Answer(503, "unavailable", BUSY, _retry(SHORTLY_SECONDS)),
    events.StoreUnavailable: Answer(503, "unavailable", AWAY, _retry(OUTAGE_SECONDS)),
    events.UnknownTopic: Answer(503, "newer-release", NEWER, _retry(NEWER_SECONDS)),
    events.NewerSchema: Answer(503, "newer-release", NEWER, _retry(NEWER_SECONDS)),
    events.UnreadableState: Answer(
        500, "unreadable", "An event of this cannot be read; the server's operator can see which."
    ),
    projections.InvalidCursor: Answer(422, "invalid-cursor"),
    projections.TooManyWords: Answer(422, "too-many-words"),
    projections.UnknownBranch: Answer(404, "not-found"),
    projections.ReadModelBehind: Answer(503, "behind", headers=_retry(SHORTLY_SECONDS)),
    projections.NoLiveGeneration: Answer(
        503,
        "unavailable",
        "The read tables are being built: try again shortly.",
        _retry(NO_GENERATION_SECONDS),
    ),
    NothingToErase: Answer(404, "not-found"),
    NotErasable: Answer(409, "not-erasable"),
    FramesGone: Answer(410, "stream-gone"),
    LimitReached: lambda e: Answer(429, "limit-reached", headers=_retry(e.retry_after_seconds)),
    DBAPIError: _refused_statement,
    NoFreeConnection: Answer(503, "unavailable", BUSY, _retry(SHORTLY_SECONDS)),
    RequestValidationError: _invalid,
    ApiError: _own,
    HTTPException: _http,
}
