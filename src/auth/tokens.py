from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import httpx

from auth.claims import principal_from, read_header, verified_claims
from auth.errors import InvalidToken
from auth.jwks import ALGORITHMS, KeySet
from auth.principal import Principal
from auth.secret import check_secret

JWKS_PATH = "/api/auth/jwks"
FETCH_TIMEOUT_SECONDS = 5.0


class TokenVerifier(Protocol):
    async def verify(self, token: str) -> Principal:
        """The user a bearer token stands for; raises InvalidToken or KeysUnavailable."""
        ...


class Hs256Verifier:
    """User tokens signed with BETTER_AUTH_SECRET."""

    def __init__(self, secret: str, issuer: str | None = None, audience: str | None = None) -> None:
        self._key = check_secret(secret.encode(), "BETTER_AUTH_SECRET")
        self._issuer = None if issuer is None else [issuer]
        self._audience = None if audience is None else [audience]

    async def verify(self, token: str) -> Principal:
        read_header(token)
        claims = verified_claims(
            token, self._key, "HS256", audience=self._audience, issuer=self._issuer
        )
        return principal_from(claims, "user")


class JwksVerifier:
    """User tokens of the login service at `base_url`, checked with its published keys.

    `clock` counts seconds and ages the cached keys; `fetch_timeout_seconds` bounds a whole fetch.
    `aclose` ends a fetch under way and closes the HTTP client.
    """

    def __init__(
        self,
        base_url: str,
        audience: str | None = None,
        *,
        client_factory: Callable[[], httpx.AsyncClient] | None = None,
        clock: Callable[[], float] = time.monotonic,
        fetch_timeout_seconds: float = FETCH_TIMEOUT_SECONDS,
    ) -> None:
        base_url = base_url.rstrip("/")
        # Better Auth writes its base URL as it was configured, trailing slash or not.
        self._issuer = [base_url, f"{base_url}/"]
        self._audience = self._issuer if audience is None else [audience]
        client = (client_factory or _new_client)()
        self._keys = KeySet(base_url + JWKS_PATH, client, clock, fetch_timeout_seconds)

    async def verify(self, token: str) -> Principal:
        header = read_header(token)
        # Refused before any key is looked up, so that such tokens never cause a fetch.
        if header.get("alg") not in ALGORITHMS.values():
            raise InvalidToken("wrong_algorithm")
        if "kid" not in header:
            raise InvalidToken("unknown_key")
        key = await self._keys.find(header["kid"])
        claims = verified_claims(
            token, key, key.algorithm_name, audience=self._audience, issuer=self._issuer
        )
        return principal_from(claims, "user")

    async def aclose(self) -> None:
        await self._keys.aclose()


def _new_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=FETCH_TIMEOUT_SECONDS)
