"""How far a write brought its stream, told with the answer for whoever reads elsewhere."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.addresses import base_url_of

#: A header, and a cookie of the same name for browsers: `<stream id>:<stream version>`.
POSITION = "Verbatim-Position"


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
