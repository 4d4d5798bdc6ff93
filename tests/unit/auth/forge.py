"""Keys, tokens and a login service to test against."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

SECRET = "a secret of the tests, 32 bytes or more"
OWN_KEY = b"the signing key of the tests, 32 bytes"
USER_ID = "user_2fA9"

ED25519_KEY = Ed25519PrivateKey.generate()
P256_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_ED25519_KEY = Ed25519PrivateKey.generate()

PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def claims(**overrides: Any) -> dict[str, Any]:
    """Good claims; an override of None leaves the claim out."""
    now = int(time.time())
    merged = {"sub": USER_ID, "iat": now, "exp": now + 600} | overrides
    return {name: value for name, value in merged.items() if value is not None}


def hs256(secret: str | bytes = SECRET, headers: dict[str, Any] | None = None, **over: Any) -> str:
    # Not jwt.encode, which refuses some of the claims that a test must be able to send.
    payload = json.dumps(claims(**over)).encode()
    return jwt.api_jws.encode(payload, secret, "HS256", headers)


def signed(
    key: PrivateKey, algorithm: str, kid: str | None, base_url: str, **overrides: Any
) -> str:
    headers = {} if kid is None else {"kid": kid}
    payload = claims(**({"iss": base_url, "aud": base_url} | overrides))
    return jwt.encode(payload, key, algorithm, headers)


def raw_token(header: dict[str, Any], payload: Any, signature: bytes = b"") -> str:
    """A token put together by hand, as PyJWT refuses to."""
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def public_jwk(key: PrivateKey, kid: str, **extra: Any) -> dict[str, Any]:
    return _bare_jwk(key) | {"kid": kid} | extra


def _bare_jwk(key: PrivateKey) -> dict[str, Any]:
    if isinstance(key, Ed25519PrivateKey):
        return OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    if isinstance(key, rsa.RSAPrivateKey):
        return RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return ECAlgorithm.to_jwk(key.public_key(), as_dict=True)


@dataclass
class LoginService:
    """A real HTTP server on loopback that serves a key set, or misbehaves as told."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    body: bytes | None = None
    status: int = 200
    location: str | None = None
    delay_seconds: float = 0
    drip_seconds: float = 0
    fetches: list[str] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            self.fetches.append(request.split()[1].decode())
            await asyncio.sleep(self.delay_seconds)
            writer.write(self._head())
            await self._write_body(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    def _head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Told", "Connection: close"]
        if self.location is not None:
            lines.append(f"Location: {self.location}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def _write_body(self, writer: asyncio.StreamWriter) -> None:
        body = self.body if self.body is not None else json.dumps({"keys": self.keys}).encode()
        if not self.drip_seconds:
            writer.write(body)
            return await writer.drain()
        for byte in body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(self.drip_seconds)


@asynccontextmanager
async def login_service(keys: Sequence[dict[str, Any]] = ()) -> AsyncIterator[LoginService]:
    service = LoginService(keys=list(keys))
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
