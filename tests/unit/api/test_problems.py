from __future__ import annotations

import json

import asyncpg
import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError
from starlette.exceptions import HTTPException

from agent.errors import FramesGone, LimitReached, NotErasable, NothingToErase
from api import errors as api
from api.problems import TABLE, problem_of
from auth import errors as auth
from commands import errors as commands
from events import errors as events
from projections import errors as projections

#: One of each kind, with what it has to become.
EXPECTED: list[tuple[Exception, int]] = [
    (auth.InvalidToken("missing"), 401),
    (auth.InvalidToken("expired"), 401),
    (auth.Forbidden("This belongs to another user."), 403),
    (auth.TooManyAttempts(7), 429),
    (auth.KeysUnavailable(7), 503),
    (commands.NotFound("There is no such conversation."), 404),
    (commands.Foreign(), 403),
    (commands.Rejected("run_unfinished", "A reply is still being written."), 409),
    (commands.InvalidCommand("A message needs text."), 422),
    (commands.StaleAttempt("run", 1, 2), 409),
    (events.IdempotencyMismatch("conversation-1", "key"), 422),
    (events.VersionConflict("conversation-1", 1, 2), 409),
    (events.UserErased("ada"), 409),
    (events.ContentErased("ada"), 410),
    (events.QueueFull(10), 503),
    (events.StoreUnavailable("it is away"), 503),
    (events.UnknownTopic("conversation.sung"), 503),
    (events.NewerSchema("conversation.started", 2, 1), 503),
    (events.UnreadableState("conversation.started", " at position 7", "it is cut"), 500),
    (projections.InvalidCursor(), 422),
    (projections.ReadModelBehind(2), 503),
    (projections.NoLiveGeneration("abc"), 503),
    (FramesGone("run"), 410),
    (NothingToErase("ada"), 404),
    (NotErasable(), 409),
    (api.NotFound("There is no such run."), 404),
    (api.UnusableRequest("Send it differently."), 422),
    (api.StreamGone("Load the conversation."), 410),
    (api.BodyTooLarge(10), 413),
    (LimitReached("Enough; try again in 7 s.", retry_after_seconds=7), 429),
    (api.NotConfigured("Dictation is not set up."), 501),
    (HTTPException(404), 404),
    (projections.TooManyWords(10), 422),
    (projections.UnknownBranch(), 404),
    (HTTPException(405, headers={"Allow": "GET"}), 405),
    (ConnectionRefusedError(111, "connection refused at 10.0.0.7"), 503),
    (TimeoutError(), 503),
    (asyncpg.CannotConnectNowError("the database system is starting up"), 503),
    (OperationalError("SELECT 1", {}, Exception(), connection_invalidated=True), 503),
]


@pytest.mark.parametrize(("error", "status"), EXPECTED, ids=lambda v: type(v).__name__)
def test_known_error_becomes_a_problem(error: Exception, status: int) -> None:
    response = problem_of(error, "urn:verbatim:request:1")
    assert response is not None
    assert response.status_code == status
    assert response.media_type == "application/problem+json"
    problem = json.loads(bytes(response.body))
    assert set(problem) == {"type", "title", "status", "detail", "instance"}
    assert problem["status"] == status
    assert problem["detail"].endswith(".")
    assert ("retry-after" in response.headers) is (status in (429, 503))
    assert ("www-authenticate" in response.headers) is (status == 401)


def test_every_kind_of_the_table_is_tried() -> None:
    tried = {kind for error, _ in EXPECTED for kind in type(error).__mro__}
    assert {kind.__name__ for kind in TABLE if kind not in tried} == {
        "TimeoutError",  # of the connection pool; the same answer as QueueFull
        "RequestValidationError",
    }


def test_outage_names_no_address() -> None:
    response = problem_of(ConnectionRefusedError(111, "connection refused at 10.0.0.7"))
    assert response is not None
    assert b"10.0.0.7" not in bytes(response.body)


def test_bad_token_is_told_apart_from_none() -> None:
    for reason, challenge in (("missing", "Bearer"), ("expired", 'Bearer error="invalid_token"')):
        response = problem_of(auth.InvalidToken(reason))  # type: ignore[arg-type]
        assert response is not None
        assert response.headers["www-authenticate"] == challenge


@pytest.mark.parametrize(
    "error", [ValueError("secret"), ProgrammingError("SELECT secret", {}, Exception())]
)
def test_unexpected_error_has_no_answer_of_its_own(error: Exception) -> None:
    assert problem_of(error) is None
