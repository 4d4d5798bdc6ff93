"""Holds every answer in these tests against the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from fastapi import FastAPI


def documented_by(app: FastAPI) -> Callable[[httpx.Response], Awaitable[None]]:
    async def check(response: httpx.Response) -> None:
        operation = _operation(app, response.request)
        if operation is None:
            return
        answers = operation["responses"]
        where = f"{response.request.method} {response.request.url.path}"
        status = "default" if response.status_code == 500 else str(response.status_code)
        assert status in answers, f"{where} answered {response.status_code}, undocumented"
        media_type = response.headers.get("content-type", "").partition(";")[0]
        kinds = set(answers[status].get("content", {}))
        # Attachments have the media types they were uploaded with.
        assert media_type in kinds or "attachments" in where or not (kinds or media_type), where

    return check


def _operation(app: FastAPI, request: httpx.Request) -> dict[str, Any] | None:
    for path, item in app.openapi()["paths"].items():
        pattern = re.sub(r"\{[a-z_]+\}", "[^/]+", path)
        if re.fullmatch(pattern, request.url.path) and request.method.lower() in item:
            operation: dict[str, Any] = item[request.method.lower()]
            return operation
    return None
