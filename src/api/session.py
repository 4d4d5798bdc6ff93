"""Who is signed in, the sign-in link of local mode, signing out, and ChatKit's client secret."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.dependencies import (
    SESSION_COOKIE,
    CurrentUser,
    NodeOf,
    PathUser,
    SettingsOf,
    UserRoute,
    check_request_origin,
)
from api.describing import problems, user_problems
from api.inference import models_of
from api.notices import notice
from auth.errors import TooManyAttempts
from auth.local import is_forwarded
from auth.signing import SESSION_SECONDS

router = APIRouter(tags=["session"])
user_router = APIRouter(route_class=UserRoute, tags=["session"])
log = structlog.get_logger()

#: Whom the sign-in link of local mode signs in.
LOCAL_USER = "local"
TOKEN_CHARACTERS = 4096
NEW_LINK = "Start `verbatim serve` again: it prints a new one."


class Assistant(BaseModel):
    #: offline is the built-in one, which follows rules and is no language model.
    kind: Literal["offline", "openai"]
    model: str
    #: Which a message may ask for; the first one answers without a choice.
    models: list[str]


class Session(BaseModel):
    user_id: str
    #: Who signs users in: this server (local), or a login service.
    mode: Literal["local", "hs256", "jwks"]
    assistant: Assistant


class ClientSecret(BaseModel):
    #: Good for /chatkit only.
    client_secret: str
    expires_at: datetime


@router.get("/api/session", responses=problems(401, 403, 503))
async def get_session(node: NodeOf, settings: SettingsOf, user: CurrentUser) -> Session:
    return Session.model_validate(
        {
            "user_id": user.user_id,
            "mode": settings.auth_mode,
            "assistant": {
                "kind": node.assistant_kind,
                "model": node.model_name,
                "models": models_of(settings),
            },
        }
    )


@router.get("/signin", include_in_schema=False)
async def sign_in(
    request: Request,
    node: NodeOf,
    settings: SettingsOf,
    token: Annotated[str, Query(max_length=TOKEN_CHARACTERS)] = "",
) -> Response:
    """Swaps the one-time token of a link for a session cookie; local mode only."""
    if settings.auth_mode != "local":
        return _notice(404, "Nothing here", "This server's users sign in with a login service.")
    if is_forwarded(request.headers.keys()):
        return _notice(
            403,
            "Not through a proxy",
            "Sign-in links work on the server's own machine only. For other machines set up a "
            "login service (BETTER_AUTH_URL or BETTER_AUTH_SECRET).",
        )
    try:
        is_redeemed = await node.sign_in.redeem(token)
    except TooManyAttempts as error:
        response = _notice(429, "Too many attempts", str(error))
        response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response
    if not is_redeemed:
        log.info("sign_in_refused")
        return _notice(
            403, "This link does not work any more", f"It was used or has expired. {NEW_LINK}"
        )
    return _signed_in(request, node.signer.session(LOCAL_USER).token)


@router.post("/signout", status_code=204, responses=problems(403))
async def sign_out(request: Request) -> Response:
    check_request_origin(request)
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return response


@user_router.post("/api/{user_id}/chatkit/session", responses=user_problems())
async def create_client_secret(node: NodeOf, user: PathUser) -> ClientSecret:
    """What a page hands to its ChatKit element in place of the user's token."""
    minted = node.signer.client_secret(user.user_id)
    return ClientSecret(client_secret=minted.token, expires_at=minted.expires_at)


def _signed_in(request: Request, session: str) -> Response:
    log.info("signed_in")
    response = RedirectResponse("/", status_code=303)
    response.set_cookie(
        SESSION_COOKIE,
        session,
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def _notice(status: int, title: str, text: str) -> Response:
    return HTMLResponse(notice(title, text), status)
