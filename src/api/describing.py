"""What the OpenAPI document says beyond what FastAPI finds out by itself."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from api.problems import MEDIA_TYPE, Problem

API_VERSION = "0.1.0"
SUMMARY = "An event-sourced chat backend: every message, reply and tool call is kept."
REF = "#/components/schemas/{model}"

Responses = dict[int | str, dict[str, Any]]

_MEANINGS: dict[int | str, str] = {
    401: "No credentials, or bad ones.",
    403: "Another user's, or a request from a host or page that is not allowed.",
    404: "It does not exist.",
    409: "The state does not allow it.",
    410: "It is not kept any more.",
    413: "The body is too large.",
    415: "The media type is not accepted.",
    422: "The request is not valid; `errors` says where.",
    429: "Too many at once; try again after `Retry-After`.",
    501: "This server is not set up for it.",
    503: "Away for a moment; try again after `Retry-After`.",
    "default": "Something unexpected; `instance` leads to it in the server's log.",
}
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds.", "required": True, "schema": {"type": "integer"}}
}
_HEADERS: dict[int | str, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}


def problems(*statuses: int, model: type[Problem] = Problem) -> Responses:
    """The errors a route can answer with."""
    described: Responses = {status: _problem(status, model) for status in statuses}
    return {**described, "default": _problem("default", Problem)}


def user_problems(*statuses: int) -> Responses:
    """Those of every route below /api/{user_id}, and these."""
    return problems(401, 403, 422, 503, *statuses)


def event_stream_of(description: str) -> Responses:
    return text_of(description, "text/event-stream")


def text_of(description: str, media_type: str) -> Responses:
    content = {media_type: {"schema": {"type": "string"}}}
    return {200: {"description": description, "content": content}}


def describe(app: FastAPI) -> dict[str, Any]:
    """Replaces `app.openapi`."""
    if app.openapi_schema is None:
        subclasses: list[type[Problem]] = Problem.__subclasses__()
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        _, definitions = models_json_schema(
            [(Problem, "serialization"), *((kind, "serialization") for kind in subclasses)],
            ref_template=REF,
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(definitions["$defs"])
        app.openapi_schema = document
    return app.openapi_schema


def _problem(status: int | str, model: type[Problem]) -> dict[str, Any]:
    schema = {"$ref": REF.format(model=model.__name__)}
    described: dict[str, Any] = {
        "description": _MEANINGS[status],
        "content": {MEDIA_TYPE: {"schema": schema}},
    }
    if status in _HEADERS:
        described["headers"] = _HEADERS[status]
    return described
