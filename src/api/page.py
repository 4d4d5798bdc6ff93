"""The chat page: a few files, read once and answered from memory."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.joined_element import join_element

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
ELEMENT_PATH = "/chatkit.js"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class File:
    body: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, body: bytes, suffix: str) -> File:
        digest = hashlib.sha256(body).hexdigest()[:32]
        return cls(body, MEDIA_TYPES[suffix], f'"{digest}"')


def page_router(folder: Path = STATIC) -> APIRouter:
    """A route for each file of the folder, below it too; the index stands at the root.

    And one for the chat element, which is put together from its modules.
    """
    router = APIRouter(include_in_schema=False)
    element = File.of(join_element(), ".js")
    router.add_api_route(ELEMENT_PATH, _serve(element), methods=["GET", "HEAD"])
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in MEDIA_TYPES:
            name = path.relative_to(folder).as_posix()
            address = "/" if name == INDEX else f"/{name}"
            file = File.of(path.read_bytes(), path.suffix)
            router.add_api_route(address, _serve(file), methods=["GET", "HEAD"])
    return router


def _serve(file: File) -> Callable[[Request], Awaitable[Response]]:
    headers = {"ETag": file.etag, "Cache-Control": "no-cache"}

    async def serve(request: Request) -> Response:
        if _is_known(request.headers.get("if-none-match"), file.etag):
            return Response(status_code=304, headers=headers)
        return Response(file.body, media_type=file.media_type, headers=headers)

    return serve


def _is_known(if_none_match: str | None, etag: str) -> bool:
    known = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in known or "*" in known
