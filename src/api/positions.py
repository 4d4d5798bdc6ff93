"""How far a write brought its stream: told with the answer, and brought back by whoever reads."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from api.addresses import base_url_of
from projections.replica import Position

#: A header, and a cookie of the same name for browsers: `<stream id>:<stream version>`.
POSITION = "Verbatim-Position"

_POSITION = re.compile(r"(?P<stream>[a-z]+-\S{1,200}):(?P<version>[0-9]{1,18})", re.ASCII)


def tell_position(request: Request, response: Response, stream_id: str, version: int) -> None:
    position = f"{stream_id}:{version}"
    response.headers[POSITION] = position
    response.set_cookie(
        POSITION,
        position,
        httponly=True,
        samesite="strict",
        secure=base_url_of(request).startswith("https:"),
    )


def position_of(request: Request) -> Position | None:
    """What the client has written last, as it was told; None where it does not say."""
    given = request.headers.get(POSITION) or request.cookies.get(POSITION) or ""
    match = _POSITION.fullmatch(given)
    return Position(match["stream"], int(match["version"])) if match else None
