"""From the exceptions of the SDK and the OpenAI client to our own."""

from __future__ import annotations

import json
import math
import re
from http import HTTPStatus

import httpx2
from agents import MaxTurnsExceeded, ModelBehaviorError, ModelRefusalError, ModelTimeoutError
from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    ContentFilterFinishReasonError,
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
)

RATE_LIMIT_CODES = frozenset({"rate_limit_exceeded", "rate_limit_error"})
QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
FILTER_CODES = frozenset({"content_filter", "content_policy_violation"})
PASSING_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT})

# The SDK reports how a stream ended in the text of the exception and nowhere else.
_STREAM_END = re.compile(r"terminal event `(response\.\w+|error)`")
_STREAM_END_CODE = re.compile(
    r"(?:ResponseError\(code='|IncompleteDetails\(reason='|; code=| code=)(\w+)"
)
_PRINTABLE_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


def explain(error: BaseException) -> AgentError:
    match error:
        case AgentError():
            return error
        case APITimeoutError() | ModelTimeoutError() | TimeoutError() | httpx2.TimeoutException():
            return ModelTimeout(
                "The model did not answer in time. Try again in a moment.", retryable=True
            )
        case APIStatusError():
            return _explain_status(error)
        case APIConnectionError() | httpx2.TransportError():
            return ModelUnavailable(
                "The connection to the model failed or broke off. Try again in a moment.",
                retryable=True,
            )
        case APIError() | json.JSONDecodeError():
            return _explain_broken_stream(getattr(error, "code", None))
        case ModelRefusalError() | ContentFilterFinishReasonError():
            return _refused()
        case MaxTurnsExceeded():
            return TurnLimitReached(
                "The run reached its limit of turns before it was done. Ask for less at a time."
            )
        case ModelBehaviorError():
            return _explain_behaviour(str(error))
        case _:
            return AgentError(
                "The agent stopped on an unexpected error. Try again; if it happens again, tell "
                "the operator."
            )


def _explain_status(error: APIStatusError) -> AgentError:
    status = error.status_code
    if error.code in QUOTA_CODES:
        return ModelMisconfigured(
            "The account at the model's host has no quota left. The operator must top it up."
        )
    if error.code in FILTER_CODES:
        return _refused()
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _rate_limited(_retry_after_seconds(error.response))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in PASSING_STATUSES:
        return ModelUnavailable(
            f"The model's host has a fault of its own ({status}). Try again in a moment.",
            retryable=True,
        )
    return ModelMisconfigured(_what_the_operator_does(status, error.code))


def _what_the_operator_does(status: int, code: str | None) -> str:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return (
            f"The model's host does not accept the API key ({status}). The operator must check "
            "OPENAI_API_KEY and OPENAI_BASE_URL."
        )
    if status == HTTPStatus.NOT_FOUND:
        return (
            "The model's host does not know the model or the API (404). The operator must check "
            "AGENT_MODEL and OPENAI_BASE_URL."
        )
    if status < HTTPStatus.BAD_REQUEST:
        return (
            f"The model's host sends requests on to another address ({status}), which is never "
            "followed. The operator must set OPENAI_BASE_URL to the final address."
        )
    reason = f"{status}, {code}" if _is_printable_code(code) else f"{status}"
    return f"The model's host does not accept the request ({reason})."


def _explain_behaviour(text: str) -> AgentError:
    if (end := _STREAM_END.search(text)) is None:
        if text == "Model did not produce a final response!":
            return _explain_broken_stream(None)
        return ModelMisbehaved("The model's answer could not be used. Try again.", retryable=True)
    code = _STREAM_END_CODE.search(text, end.end())
    reason = code.group(1) if code else None
    if end.group(1) == "response.incomplete" and reason not in FILTER_CODES:
        return ModelMisbehaved("The model's answer grew too long and was cut off by its host.")
    return _explain_broken_stream(reason)


def _explain_broken_stream(code: str | None) -> AgentError:
    if code in FILTER_CODES:
        return _refused()
    if code in RATE_LIMIT_CODES:
        return _rate_limited(None)
    return ModelUnavailable(
        "The model broke off in the middle of its answer. Try again in a moment.", retryable=True
    )


def _refused() -> ModelRefused:
    return ModelRefused("The model declined to answer this. Put the request in other words.")


def _rate_limited(retry_after_seconds: float | None) -> ModelRateLimited:
    when = "in a moment" if retry_after_seconds is None else f"in {retry_after_seconds:.0f} s"
    return ModelRateLimited(
        f"The model's host receives too many requests. Try again {when}.",
        retry_after_seconds=retry_after_seconds,
    )


def _retry_after_seconds(response: httpx2.Response) -> float | None:
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return math.ceil(seconds) if 0 <= seconds < math.inf else None


def _is_printable_code(code: str | None) -> bool:
    return code is not None and _PRINTABLE_CODE.fullmatch(code) is not None
