from __future__ import annotations

from auth.claims import read_header
from auth.errors import InvalidToken
from auth.principal import Principal, Scope
from auth.signing import OWN_KEY_ID, SCOPES, Kind, Signer
from auth.tokens import TokenVerifier

BEARER_SCHEME = "bearer"


class Gate:
    """The one place that turns a request's credentials into a principal.

    `users` verifies user tokens; None is local mode, where the server's own key signs them.
    `sessions` says whether a session cookie signs in; it never does beside a login service.
    """

    def __init__(
        self, users: TokenVerifier | None, signer: Signer, *, sessions: bool = True
    ) -> None:
        self._users = users
        self._signer = signer
        self._accepts_sessions = sessions and users is None
        self._bearer_kinds = {Kind.CHATKIT, Kind.AGENT} | ({Kind.USER} if users is None else set())

    async def authenticate(
        self, bearer: str | None, cookie: str | None, *, accept: frozenset[Scope]
    ) -> Principal:
        """Raises InvalidToken or KeysUnavailable. A bearer token, good or bad, hides the cookie."""
        if bearer:
            return await self._verify_bearer(bearer, accept)
        if cookie and self._accepts_sessions and "user" in accept:
            return self._signer.verify(cookie, {Kind.SESSION})
        raise InvalidToken("missing")

    async def _verify_bearer(self, bearer: str, accept: frozenset[Scope]) -> Principal:
        # The kid only says which of the configured keys must match; it proves nothing.
        if self._users is None or read_header(bearer).get("kid") == OWN_KEY_ID:
            kinds = {kind for kind in self._bearer_kinds if SCOPES[kind] in accept}
            return self._signer.verify(bearer, kinds)
        if "user" not in accept:
            raise InvalidToken("wrong_audience")
        return await self._users.verify(bearer)


def bearer_token(authorization: str | None) -> str | None:
    """The token of an Authorization header; None if there is no header."""
    if authorization is None:
        return None
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != BEARER_SCHEME or not token.strip():
        raise InvalidToken("malformed")
    return token.strip()
