from __future__ import annotations

import json

import httpx2
import pytest
from agents import (
    MaxTurnsExceeded,
    ModelBehaviorError,
    ModelRefusalError,
    ModelTimeoutError,
    UserError,
)
from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
)

from agent.errors import (
    AgentError,
    ModelMisbehaved,
    ModelMisconfigured,
    ModelRateLimited,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    TurnLimitReached,
    explain_model_error,
)

REQUEST = httpx2.Request("POST", "http://model.test/v1/responses")
SECRET = "sk-secret and what the user wrote"


def status_error(
    status: int, code: str | None = None, headers: dict[str, str] | None = None
) -> APIStatusError:
    response = httpx2.Response(status, headers=headers, request=REQUEST)
    return APIStatusError(SECRET, response=response, body={"message": SECRET, "code": code})


def stream_end(event: str, details: str) -> ModelBehaviorError:
    return ModelBehaviorError(f"Responses stream ended with terminal event `{event}`. {details}")


ERRORS: list[tuple[BaseException, type[AgentError], bool]] = [
    (APITimeoutError(request=REQUEST), ModelTimeout, True),
    (ModelTimeoutError(3.0), ModelTimeout, True),
    (TimeoutError(SECRET), ModelTimeout, True),
    (httpx2.ReadTimeout(SECRET), ModelTimeout, True),
    (APIConnectionError(message=SECRET, request=REQUEST), ModelUnavailable, True),
    (httpx2.RemoteProtocolError(SECRET), ModelUnavailable, True),
    (APIError(SECRET, REQUEST, body={"code": "server_error"}), ModelUnavailable, True),
    (APIError(SECRET, REQUEST, body={"code": "rate_limit_exceeded"}), ModelRateLimited, True),
    (json.JSONDecodeError(SECRET, SECRET, 0), ModelUnavailable, True),
    (status_error(401), ModelMisconfigured, False),
    (status_error(403), ModelMisconfigured, False),
    (status_error(404), ModelMisconfigured, False),
    (status_error(400, "context_length_exceeded"), ModelMisconfigured, False),
    (status_error(400, SECRET), ModelMisconfigured, False),
    (status_error(400, "content_filter"), ModelRefused, False),
    (status_error(307), ModelMisconfigured, False),
    (status_error(429), ModelRateLimited, True),
    (status_error(429, "insufficient_quota"), ModelMisconfigured, False),
    (status_error(500), ModelUnavailable, True),
    (status_error(503), ModelUnavailable, True),
    (ModelRefusalError(SECRET), ModelRefused, False),
    (MaxTurnsExceeded(SECRET), TurnLimitReached, False),
    (ModelBehaviorError(SECRET), ModelMisbehaved, True),
    (ModelBehaviorError("Model did not produce a final response!"), ModelUnavailable, True),
    (stream_end("response.failed", f"status=failed; error={SECRET}."), ModelUnavailable, True),
    (stream_end("error", f"code=rate_limit_exceeded; message={SECRET}."), ModelRateLimited, True),
    (
        stream_end(
            "response.incomplete",
            "status=incomplete; incomplete_details=IncompleteDetails(reason='content_filter').",
        ),
        ModelRefused,
        False,
    ),
    (
        stream_end(
            "response.incomplete",
            "status=incomplete; incomplete_details=IncompleteDetails(reason='max_output_tokens').",
        ),
        ModelMisbehaved,
        False,
    ),
    (UserError(SECRET), AgentError, False),
    (RuntimeError(SECRET), AgentError, False),
]


@pytest.mark.parametrize(("error", "expected", "is_retryable"), ERRORS)
def test_explain_model_error_tells_kinds_apart(
    error: BaseException, expected: type[AgentError], is_retryable: bool
) -> None:
    explained = explain_model_error(error)

    assert type(explained) is expected
    assert explained.retryable is is_retryable


@pytest.mark.parametrize("error", [error for error, _, _ in ERRORS])
def test_explain_model_error_repeats_nothing_that_a_host_or_user_sent(
    error: BaseException,
) -> None:
    text = str(explain_model_error(error))

    assert SECRET not in text
    assert "sk-secret" not in text
    assert text.endswith(".")


def test_explain_model_error_keeps_our_own_errors() -> None:
    error = ModelTimeout("too late", retryable=True)

    assert explain_model_error(error) is error


def test_explain_model_error_passes_the_hosts_patience_on() -> None:
    explained = explain_model_error(status_error(429, headers={"retry-after": "11.2"}))

    assert isinstance(explained, ModelRateLimited)
    assert explained.retry_after_seconds == 12
    assert "12 s" in str(explained)


@pytest.mark.parametrize("header", ["soon", "nan", "inf", "-1", ""])
def test_explain_model_error_ignores_a_senseless_retry_after(header: str) -> None:
    explained = explain_model_error(status_error(429, headers={"retry-after": header}))

    assert isinstance(explained, ModelRateLimited)
    assert explained.retry_after_seconds is None


def test_explain_model_error_names_a_code_but_no_free_text() -> None:
    assert "context_length_exceeded" in str(
        explain_model_error(status_error(400, "context_length_exceeded"))
    )


def test_explain_model_error_knows_the_clients_own_subclasses() -> None:
    response = httpx2.Response(401, request=REQUEST)
    error = AuthenticationError(SECRET, response=response, body=None)

    assert isinstance(explain_model_error(error), ModelMisconfigured)
