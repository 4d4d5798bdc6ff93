from __future__ import annotations

from jwt.algorithms import HMACAlgorithm
from jwt.exceptions import InvalidKeyError

from auth.errors import WeakSecret

MIN_SECRET_BYTES = 32

# What Better Auth falls back to when no secret is set: anybody can sign with it.
_PUBLISHED_SECRETS = frozenset({b"better-auth-secret-12345678901234567890"})


def check_secret(secret: bytes, name: str) -> bytes:
    """Gives the secret back, or raises WeakSecret under the name of its setting."""
    if len(secret) < MIN_SECRET_BYTES:
        raise WeakSecret(
            f"{name} is {len(secret)} bytes long and must have {MIN_SECRET_BYTES} or more;"
            " make one with `openssl rand -base64 32`."
        )
    if secret in _PUBLISHED_SECRETS:
        raise WeakSecret(
            f"{name} is Better Auth's published default, which anybody can sign with;"
            " make one with `openssl rand -base64 32`."
        )
    _check_is_no_key_file(secret, name)
    return secret


def _check_is_no_key_file(secret: bytes, name: str) -> None:
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except InvalidKeyError as error:
        raise WeakSecret(
            f"{name} holds a key file (PEM, SSH, DER or JWK) where a random secret is expected;"
            " make one with `openssl rand -base64 32`."
        ) from error
