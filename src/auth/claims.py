from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import jwt
from jwt.types import Options

from auth.errors import InvalidToken, Reason
from auth.principal import ROLES, Principal, Scope, is_user_id

MAX_TOKEN_BYTES = 8192
LEEWAY_SECONDS = 10

# The signature may be empty, so that alg=none is answered as a wrong algorithm.
_COMPACT_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")

_OPTIONS: Options = {"require": ["exp"], "verify_sub": False, "enforce_minimum_key_length": True}

_REASONS: tuple[tuple[type[jwt.PyJWTError], Reason], ...] = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "not_yet_valid"),
    (jwt.InvalidAudienceError, "wrong_audience"),
    (jwt.InvalidIssuerError, "wrong_issuer"),
    (jwt.InvalidAlgorithmError, "wrong_algorithm"),
    (jwt.InvalidSignatureError, "bad_signature"),
)
_REASONS_BY_MISSING_CLAIM: dict[str, Reason] = {
    "exp": "no_expiry",
    "aud": "wrong_audience",
    "iss": "wrong_issuer",
}


def read_header(token: str) -> dict[str, Any]:
    """The header of a token that nobody has verified yet: good for routing, never for trust."""
    if len(token) > MAX_TOKEN_BYTES:
        raise InvalidToken("too_long")
    if not _COMPACT_JWS.fullmatch(token):
        raise InvalidToken("malformed")
    try:
        return jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise InvalidToken(_reason(error)) from error


def verified_claims(
    token: str,
    key: bytes | jwt.PyJWK,
    algorithm: str,
    *,
    audience: Collection[str] | None = None,
    issuer: Collection[str] | None = None,
) -> dict[str, Any]:
    """The claims of a token whose signature and times hold; `read_header` must come first.

    A token that names an audience is refused where none is configured (RFC 7519, 4.1.3).
    """
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            options=_OPTIONS,
            audience=audience,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
        )
    except jwt.PyJWTError as error:
        raise InvalidToken(_reason(error)) from error


def principal_from(claims: dict[str, Any], scope: Scope) -> Principal:
    return Principal(
        user_id=_subject(claims),
        roles=_known_roles(claims) if scope == "user" else frozenset(),
        scope=scope,
        expires_at=expiry(claims),
    )


def expiry(claims: dict[str, Any]) -> datetime:
    seconds = claims["exp"]
    if not isinstance(seconds, int | float):
        raise InvalidToken("malformed")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise InvalidToken("malformed") from error


def _subject(claims: dict[str, Any]) -> str:
    subject = claims.get("sub")
    if subject is None:
        raise InvalidToken("no_subject")
    if not is_user_id(subject):
        raise InvalidToken("bad_subject")
    return subject


def _known_roles(claims: dict[str, Any]) -> frozenset[str]:
    roles = (*_names(claims.get("roles")), *_names(claims.get("role")))
    return ROLES.intersection(roles)


def _names(claim: object) -> list[str]:
    # Better Auth's admin plugin joins several roles with commas.
    if isinstance(claim, str):
        return [name.strip() for name in claim.split(",")]
    if isinstance(claim, list):
        return [name for name in claim if isinstance(name, str)]
    return []


def _reason(error: jwt.PyJWTError) -> Reason:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return _REASONS_BY_MISSING_CLAIM[error.claim]
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), "malformed")
