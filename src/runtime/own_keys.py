"""Where the server's own keys come from: the environment, or files beside the embedded database."""

from __future__ import annotations

import base64
import hmac
from pathlib import Path

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth.signing import generate_key
from events.cipher import EventKey
from events.keys import (
    KeyRing,
    PlainKeyRing,
    PostgresKeyRing,
    generate_event_key,
    parse_event_key,
)
from runtime.errors import InvalidSettings
from runtime.secret_files import (
    AUDIT_KEY_FILE,
    EVENT_KEY_FILE,
    SIGNING_KEY_FILE,
    load_or_create_key,
)
from runtime.settings import Settings


async def open_key_ring(settings: Settings, pool: asyncpg.Pool) -> KeyRing:
    """Raises InvalidEventKey when EVENT_KEY is not the one this database was written with."""
    if not settings.is_encrypted:
        return PlainKeyRing()
    ring = PostgresKeyRing(pool, parse_event_key(_event_key(settings)))
    await ring.check_fingerprint()
    return ring


def find_event_key(settings: Settings) -> EventKey | None:
    """EVENT_KEY, or the one that was generated for the embedded server; none is made for this."""
    is_generated = (settings.verbatim_data_dir / EVENT_KEY_FILE).exists()
    if settings.event_key is None and not is_generated:
        return None
    return parse_event_key(_event_key(settings))


def signing_key(settings: Settings) -> bytes:
    """INTERNAL_SIGNING_KEY, or the embedded server's own, or one that EVENT_KEY gives."""
    if settings.internal_signing_key is not None:
        return settings.internal_signing_key.get_secret_value().encode()
    if settings.is_embedded:
        return base64.b64decode(_kept(settings.verbatim_data_dir / SIGNING_KEY_FILE))
    if settings.event_key is not None:
        # Every node has EVENT_KEY, and what is derived from it says nothing about it.
        secret = settings.event_key.get_secret_value().encode()
        return hmac.digest(secret, b"verbatim signing key", "sha256")
    raise InvalidSettings(
        "INTERNAL_SIGNING_KEY: expected with VERBATIM_ENCRYPTION=off, the same on each node; "
        "make one with `openssl rand -base64 48`."
    )


def audit_key(settings: Settings) -> Ed25519PrivateKey | None:
    """AUDIT_KEY, or the embedded server's own; None where nothing is to be signed."""
    if settings.audit_key is not None:
        return parse_audit_key(settings.audit_key.get_secret_value())
    if not settings.is_embedded:
        return None
    path = settings.verbatim_data_dir / AUDIT_KEY_FILE
    return parse_audit_key(load_or_create_key(path, generate_event_key))


def has_audit_key(settings: Settings) -> bool:
    """Whether there is one already; none is made for this."""
    is_generated = settings.is_embedded and (settings.verbatim_data_dir / AUDIT_KEY_FILE).exists()
    return is_generated or settings.audit_key is not None


def parse_audit_key(text: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(text))


def _event_key(settings: Settings) -> str:
    if settings.event_key is not None:
        return settings.event_key.get_secret_value()
    return load_or_create_key(settings.verbatim_data_dir / EVENT_KEY_FILE, generate_event_key)


def _kept(path: Path) -> str:
    return load_or_create_key(path, lambda: base64.b64encode(generate_key()).decode())
