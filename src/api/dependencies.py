"""What routes ask for, as annotated aliases; and the one place where a request is let in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, cast

from fastapi import Depends, Path, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPBearer

from api.positions import position_of
from api.request_limit import RequestLimit
from auth.gate import bearer_token
from auth.local import check_origin
from auth.policy import authorise_path
from auth.principal import Principal, Scope
from projections.read_models import ReadModels
from runtime.node import Node
from runtime.settings import Settings

SESSION_COOKIE = "verbatim_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
USER_ONLY: frozenset[Scope] = frozenset({"user"})
CHATKIT_ALSO: frozenset[Scope] = frozenset({"user", "chatkit"})
_PRINCIPAL = "verbatim.principal"

#: They only describe the credentials in the OpenAPI document; `authenticate` checks them.
_bearer = HTTPBearer(
    auto_error=False, scheme_name="UserToken", bearerFormat="JWT", description="A user's token."
)
_chatkit_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="ClientSecretOrToken",
    bearerFormat="JWT",
    description="A client secret for ChatKit, or a user's token.",
)
_session = APIKeyCookie(
    name=SESSION_COOKIE,
    auto_error=False,
    scheme_name="Session",
    description="Local mode only: set by the sign-in link.",
)


async def authenticate(request: Request, accept: frozenset[Scope]) -> Principal:
    """Whom the request acts for. Raises InvalidToken, Forbidden or KeysUnavailable."""
    bearer = bearer_token(request.headers.get("authorization"))
    cookie = request.cookies.get(SESSION_COOKIE)
    principal = await node_of(request).gate.authenticate(bearer, cookie, accept=accept)
    # A browser adds the cookie to what any page sends, the header only to what ours does.
    if bearer is None and request.method not in SAFE_METHODS:
        check_request_origin(request)
    return principal


def check_request_origin(request: Request) -> None:
    check_origin(
        request.headers.get("origin"),
        request.headers.get("host"),
        settings_of(request).verbatim_allowed_origins,
    )


class UserRoute(APIRoute):
    """A route below /api/{user_id}: credentials and path are checked before a body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def let_in(request: Request) -> Response:
            principal = await authenticate(request, USER_ONLY)
            authorise_path(principal, request.path_params["user_id"])
            request.scope[_PRINCIPAL] = principal
            return await handle(request)

        return let_in


def node_of(request: Request) -> Node:
    return cast(Node, request.app.state.node)


def settings_of(request: Request) -> Settings:
    return cast(Settings, request.app.state.settings)


async def _node(request: Request) -> Node:
    return node_of(request)


async def _reads(request: Request) -> ReadModels:
    return node_of(request).reads.for_client(position_of(request))


async def _settings(request: Request) -> Settings:
    return settings_of(request)


async def _user(
    request: Request,
    _token: Annotated[object, Security(_bearer)],
    _cookie: Annotated[object, Security(_session)],
) -> Principal:
    return await authenticate(request, USER_ONLY)


async def _path_user(
    request: Request,
    user_id: Annotated[str, Path(description="The user whom the credentials are for.")],
    _token: Annotated[object, Security(_bearer)],
    _cookie: Annotated[object, Security(_session)],
) -> Principal:
    known: Principal | None = request.scope.get(_PRINCIPAL)
    principal = known or await authenticate(request, USER_ONLY)
    authorise_path(principal, user_id)
    return principal


async def _chatkit_user(
    request: Request,
    _token: Annotated[object, Security(_chatkit_bearer)],
    _cookie: Annotated[object, Security(_session)],
) -> Principal:
    return await authenticate(request, CHATKIT_ALSO)


async def _announcements(request: Request) -> RequestLimit:
    return cast(RequestLimit, request.app.state.announcements)


NodeOf = Annotated[Node, Depends(_node)]
#: For routes that show and change nothing: a replica may answer.
ReadsOf = Annotated[ReadModels, Depends(_reads)]
SettingsOf = Annotated[Settings, Depends(_settings)]
#: Of attachments that a user announces.
AnnouncementLimit = Annotated[RequestLimit, Depends(_announcements)]
#: Scope user.
CurrentUser = Annotated[Principal, Depends(_user)]
#: Scope user, and the one that the path names; for routes below /api/{user_id}.
PathUser = Annotated[Principal, Depends(_path_user)]
#: Scopes user and chatkit.
ChatKitUser = Annotated[Principal, Depends(_chatkit_user)]
