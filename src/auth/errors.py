"""AuthError
├── InvalidToken       401  the credentials are absent or bad
├── Forbidden          403  the credentials are good, for something else
├── TooManyAttempts    429  too many bad sign-in links
├── KeysUnavailable    503  the login service's keys cannot be fetched
├── CannotMint              a token was asked for that this server cannot or must not sign
└── WeakSecret              a secret that must not be used; a start-up error
"""

from __future__ import annotations

from typing import Literal

Reason = Literal[
    "missing",
    "malformed",
    "too_long",
    "wrong_algorithm",
    "unknown_key",
    "bad_signature",
    "expired",
    "no_expiry",
    "not_yet_valid",
    "wrong_audience",
    "wrong_issuer",
    "no_subject",
    "bad_subject",
]

_SENTENCES: dict[Reason, str] = {
    "missing": "No credentials were sent; send the header 'Authorization: Bearer <token>'.",
    "malformed": "The token is not a well-formed JWT; sign in again to get a new one.",
    "too_long": "The token is longer than 8192 bytes; have the login service put less into it.",
    "wrong_algorithm": "The token is signed with an algorithm this server does not accept.",
    "unknown_key": "The token is signed with a key this server does not know; sign in again.",
    "bad_signature": "The token's signature does not match; sign in again to get a new one.",
    "expired": "The token has expired; sign in again to get a new one.",
    "no_expiry": "The token has no expiry (exp), which this server requires.",
    "not_yet_valid": "The token is not valid yet; check the clock of the machine that issued it.",
    "wrong_audience": "The token was issued for another audience and is not accepted here.",
    "wrong_issuer": "The token was issued by another login service than the configured one.",
    "no_subject": "The token names no user (sub); a session cookie is not a bearer token.",
    "bad_subject": "The token's user id (sub) must be 1 to 128 characters without '/' or controls.",
}


class AuthError(Exception):
    """Base of everything this room raises."""


class InvalidToken(AuthError):
    def __init__(self, reason: Reason) -> None:
        super().__init__(_SENTENCES[reason])
        self.reason: Reason = reason


class Forbidden(AuthError):
    pass


class TooManyAttempts(AuthError):
    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            f"Too many sign-in links were refused; try again in {retry_after_seconds} s."
        )
        self.retry_after_seconds = retry_after_seconds


class KeysUnavailable(AuthError):
    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            "The login service's keys cannot be fetched, so no token can be checked;"
            f" try again in {retry_after_seconds} s."
        )
        self.retry_after_seconds = retry_after_seconds


class CannotMint(AuthError):
    pass


class WeakSecret(AuthError):
    pass
