from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt

from auth.errors import CannotMint
from auth.principal import MAX_USER_ID_CHARACTERS, ROLES, is_user_id
from auth.secret import check_secret

MAX_LIFETIME_SECONDS = 366 * 86_400


def mint_user_token(
    secret: str | None,
    user_id: str,
    role: str | None = None,
    lifetime_seconds: int = 3600,
    *,
    issuer: str | None = None,
    audience: str | None = None,
) -> str:
    """A user token as Hs256Verifier accepts it, given the same issuer and audience.

    `secret` is BETTER_AUTH_SECRET; None where the login service's JWKS is used instead.
    """
    if secret is None:
        raise CannotMint(
            "Tokens are checked with the login service's public keys (BETTER_AUTH_URL), so this"
            " server holds no key to sign one; sign in there and read a token from"
            " /api/auth/token, or configure BETTER_AUTH_SECRET in place of the URL."
        )
    now = datetime.now(UTC)
    claims = {
        "sub": checked_user_id(user_id),
        "iat": now,
        "exp": now + timedelta(seconds=checked_lifetime(lifetime_seconds)),
        **role_claims(role),
        **{name: value for name, value in (("iss", issuer), ("aud", audience)) if value},
    }
    return jwt.encode(claims, check_secret(secret.encode(), "BETTER_AUTH_SECRET"), "HS256")


def checked_user_id(user_id: str) -> str:
    if not is_user_id(user_id):
        raise CannotMint(
            f"A user id has 1 to {MAX_USER_ID_CHARACTERS} characters and neither '/' nor control"
            f" characters, got {user_id[:MAX_USER_ID_CHARACTERS]!r}."
        )
    return user_id


def checked_lifetime(lifetime_seconds: int) -> int:
    if not 1 <= lifetime_seconds <= MAX_LIFETIME_SECONDS:
        raise CannotMint(
            f"A token lives between 1 and {MAX_LIFETIME_SECONDS} seconds, got {lifetime_seconds}."
        )
    return lifetime_seconds


def role_claims(role: str | None) -> dict[str, list[str]]:
    if role is None:
        return {}
    if role not in ROLES:
        raise CannotMint(f"A role is one of {', '.join(sorted(ROLES))}, got {role!r}.")
    return {"roles": [role]}
