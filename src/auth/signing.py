from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import jwt

from auth.claims import expiry, principal_from, read_header, verified_claims
from auth.errors import InvalidToken
from auth.mint import checked_lifetime, checked_user_id, role_claims
from auth.principal import Principal, Scope
from auth.secret import MIN_SECRET_BYTES, check_secret

KEY_SETTING = "INTERNAL_SIGNING_KEY"
OWN_KEY_ID = "verbatim"
ISSUER = "verbatim"

USER_TOKEN_SECONDS = 3600
CLIENT_SECRET_SECONDS = 600
AGENT_TOKEN_SECONDS = 60
SESSION_SECONDS = 30 * 86_400
SIGN_IN_SECONDS = 86_400
TOKEN_ID_BYTES = 32


class Kind(StrEnum):
    """What an own token is for. The value is its audience, so no kind passes as another."""

    USER = "verbatim-user"
    SESSION = "verbatim-session"
    CHATKIT = "verbatim-chatkit"
    AGENT = "verbatim-mcp"
    SIGN_IN = "verbatim-sign-in"


SCOPES: dict[Kind, Scope] = {
    Kind.USER: "user",
    Kind.SESSION: "user",
    Kind.CHATKIT: "chatkit",
    Kind.AGENT: "agent",
}


class Minted(NamedTuple):
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a one-time sign-in token proves: nothing but that this server issued it."""

    token_id: str
    expires_at: datetime


class Signer:
    """Mints and verifies the server's own tokens. `clock` stamps what is minted."""

    def __init__(self, key: bytes, *, clock: Callable[[], datetime] | None = None) -> None:
        check_secret(key, KEY_SETTING)
        # Derived: should BETTER_AUTH_SECRET be the same key, its tokens still do not pass here.
        self._key = hmac.digest(key, b"verbatim own tokens v1", "sha256")
        self._clock = clock or _utc_now

    def user_token(
        self, user_id: str, role: str | None = None, lifetime_seconds: int = USER_TOKEN_SECONDS
    ) -> str:
        """What `verbatim token` prints where no login service is configured."""
        return self._mint(
            Kind.USER, lifetime_seconds, sub=checked_user_id(user_id), **role_claims(role)
        ).token

    def client_secret(self, user_id: str) -> Minted:
        return self._mint(Kind.CHATKIT, CLIENT_SECRET_SECONDS, sub=checked_user_id(user_id))

    def agent_token(
        self,
        user_id: str,
        *,
        run_id: str,
        call_id: str,
        lifetime_seconds: int = AGENT_TOKEN_SECONDS,
    ) -> str:
        return self._mint(
            Kind.AGENT,
            lifetime_seconds,
            sub=checked_user_id(user_id),
            run_id=run_id,
            call_id=call_id,
        ).token

    def session(self, user_id: str, roles: Collection[str] = ()) -> Minted:
        """The value of a session cookie; only local mode issues and accepts one."""
        return self._mint(
            Kind.SESSION, SESSION_SECONDS, sub=checked_user_id(user_id), roles=sorted(roles)
        )

    def sign_in_token(self) -> str:
        return self._mint(
            Kind.SIGN_IN, SIGN_IN_SECONDS, jti=secrets.token_urlsafe(TOKEN_ID_BYTES)
        ).token

    def verify(self, token: str, kinds: Collection[Kind]) -> Principal:
        """Whom a token of one of these kinds stands for; raises InvalidToken."""
        claims = self._claims(token, [kind for kind in kinds if kind in SCOPES])
        principal = principal_from(claims, SCOPES[Kind(claims["aud"])])
        return _with_call(principal, claims) if principal.scope == "agent" else principal

    def verify_sign_in(self, token: str) -> SignIn:
        claims = self._claims(token, [Kind.SIGN_IN])
        return SignIn(token_id=_text(claims, "jti"), expires_at=expiry(claims))

    def _mint(self, kind: Kind, lifetime_seconds: int, **claims: Any) -> Minted:
        now = self._clock().replace(microsecond=0)
        expires_at = now + timedelta(seconds=checked_lifetime(lifetime_seconds))
        payload = {**claims, "iss": ISSUER, "aud": kind.value, "iat": now, "exp": expires_at}
        headers = {"kid": OWN_KEY_ID, "typ": _type_of(kind)}
        return Minted(jwt.encode(payload, self._key, "HS256", headers), expires_at)

    def _claims(self, token: str, kinds: Collection[Kind]) -> dict[str, Any]:
        header = read_header(token)
        claims = verified_claims(
            token, self._key, "HS256", audience=[kind.value for kind in kinds], issuer=[ISSUER]
        )
        if header.get("kid") != OWN_KEY_ID:
            raise InvalidToken("unknown_key")
        # A list of audiences would make one token pass as two kinds.
        if header.get("typ") not in [_type_of(kind) for kind in kinds if kind == claims["aud"]]:
            raise InvalidToken("wrong_audience")
        return claims


def generate_key() -> bytes:
    return secrets.token_bytes(MIN_SECRET_BYTES)


def _type_of(kind: Kind) -> str:
    return f"{kind.value}+jwt"


def _with_call(principal: Principal, claims: dict[str, Any]) -> Principal:
    return replace(principal, run_id=_text(claims, "run_id"), call_id=_text(claims, "call_id"))


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidToken("malformed")
    return value


def _utc_now() -> datetime:
    return datetime.now(UTC)
