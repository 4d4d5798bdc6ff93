"""Where clients find this server, for addresses and cookies in its answers to them."""

from __future__ import annotations

import re

from starlette.requests import Request

#: A server in front of this one tells in it under which address, path included, it is found there.
BASE_URL_HEADER = "Verbatim-Base-Url"

_BASE_URL = re.compile(r"https?://[A-Za-z0-9.\-:\[\]]{1,255}(/[A-Za-z0-9._~-]{1,64}){0,4}")


def base_url_of(request: Request) -> str:
    """The client's own word counts, as nobody else sees the answer: a browser knows whether TLS
    ends before us."""
    told = request.headers.get(BASE_URL_HEADER, "")
    if _BASE_URL.fullmatch(told):
        return told
    origin = request.headers.get("origin", "")
    is_own = origin.partition("://")[2] == request.headers.get("host")
    return origin if is_own else str(request.base_url)
