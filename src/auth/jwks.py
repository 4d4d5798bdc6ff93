from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from auth.errors import InvalidToken, KeysUnavailable

CACHE_SECONDS = 600.0
STALE_SECONDS = 3600.0
PAUSE_SECONDS = 10.0
MAX_KEY_SET_BYTES = 256 * 1024
RSA_KEY_BITS = range(2048, 8193)

#: The one algorithm each key type and curve is good for.
ALGORITHMS: dict[tuple[str, str | None], str] = {
    ("OKP", "Ed25519"): "EdDSA",
    ("EC", "P-256"): "ES256",
    ("RSA", None): "RS256",
}
_PUBLIC_MEMBERS = ("kty", "crv", "x", "y", "n", "e")

log = structlog.get_logger()


class KeySet:
    """The public keys of a login service, by kid.

    Fetched again after CACHE_SECONDS or for an unknown kid, one fetch at a time and at most one
    in PAUSE_SECONDS. While fetches fail, the last keys serve until they are STALE_SECONDS old.
    """

    def __init__(
        self,
        url: str,
        client: httpx.AsyncClient,
        clock: Callable[[], float],
        fetch_timeout_seconds: float,
    ) -> None:
        self._url = url
        self._client = client
        self._clock = clock
        self._fetch_timeout_seconds = fetch_timeout_seconds
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = -math.inf
        self._attempted_at = -math.inf
        self._is_down = False
        self._fetch_under_way: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> jwt.PyJWK:
        if self._age_seconds() >= CACHE_SECONDS or kid not in self._keys:
            await self._renew(kid)
        if kid in self._usable_keys():
            return self._keys[kid]
        if self._is_down or self._age_seconds() >= STALE_SECONDS:
            raise KeysUnavailable(self._retry_after_seconds())
        raise InvalidToken("unknown_key")

    async def aclose(self) -> None:
        if self._fetch_under_way is not None:
            self._fetch_under_way.cancel()
            await asyncio.wait([self._fetch_under_way])
        await self._client.aclose()

    async def _renew(self, kid: str) -> None:
        fetch = self._join_or_start_fetch()
        # In an outage nobody waits for the next attempt while the old keys still serve.
        if fetch is None or (self._is_down and kid in self._usable_keys()):
            return
        # A caller who goes away must not cancel the fetch that others wait for.
        await asyncio.shield(fetch)

    def _join_or_start_fetch(self) -> asyncio.Task[None] | None:
        now = self._clock()
        if self._fetch_under_way is None and now - self._attempted_at >= PAUSE_SECONDS:
            self._attempted_at = now
            self._fetch_under_way = asyncio.create_task(self._fetch(now))
        return self._fetch_under_way

    async def _fetch(self, started_at: float) -> None:
        try:
            async with asyncio.timeout(self._fetch_timeout_seconds):
                self._keys = parse_key_set(await self._download())
            self._fetched_at, self._is_down = started_at, False
            log.info("jwks_fetched", key_count=len(self._keys))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            self._is_down = True
            log.warning("jwks_fetch_failed", error=type(error).__name__)
        finally:
            self._fetch_under_way = None

    async def _download(self) -> bytes:
        body = bytearray()
        async with self._client.stream("GET", self._url) as response:
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_KEY_SET_BYTES:
                    raise ValueError(f"expected at most {MAX_KEY_SET_BYTES} bytes of keys")
        return bytes(body)

    def _usable_keys(self) -> dict[str, jwt.PyJWK]:
        return self._keys if self._age_seconds() < STALE_SECONDS else {}

    def _age_seconds(self) -> float:
        return self._clock() - self._fetched_at

    def _retry_after_seconds(self) -> int:
        return max(1, math.ceil(self._attempted_at + PAUSE_SECONDS - self._clock()))


def parse_key_set(body: bytes) -> dict[str, jwt.PyJWK]:
    """The usable keys of a JWK set (RFC 7517); raises ValueError if it is none."""
    try:
        document = json.loads(body)
    except RecursionError as error:
        raise ValueError("the key set is nested too deeply") from error
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list):
        raise ValueError("expected a JSON object with a list 'keys'")
    keys = [key for member in members if (key := _parse_key(member)) is not None]
    return {key.key_id: key for key in keys if key.key_id is not None}


def _parse_key(member: Any) -> jwt.PyJWK | None:
    if not isinstance(member, dict) or not isinstance(member.get("kid"), str):
        return None
    algorithm = _algorithm_of(member)
    if algorithm is None or member.get("use", "sig") != "sig":
        return None
    # Only the public half, should a login service ever publish more.
    public = {name: member[name] for name in ("kid", *_PUBLIC_MEMBERS) if name in member}
    try:
        key = jwt.PyJWK(public, algorithm=algorithm)
    except (jwt.PyJWTError, UnsupportedAlgorithm):
        return None
    return key if _has_fair_size(key) else None


def _algorithm_of(member: dict[str, Any]) -> str | None:
    """What the key's type decides; None if unsupported or if the key claims another."""
    kty, crv = member.get("kty"), member.get("crv")
    if not isinstance(kty, str) or not isinstance(crv, str | None):
        return None
    algorithm = ALGORITHMS.get((kty, crv))
    return algorithm if member.get("alg", algorithm) == algorithm else None


def _has_fair_size(key: jwt.PyJWK) -> bool:
    return not isinstance(key.key, RSAPublicKey) or key.key.key_size in RSA_KEY_BITS
