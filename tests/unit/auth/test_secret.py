from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from auth.errors import WeakSecret
from auth.secret import check_secret
from auth.signing import Signer
from auth.tokens import Hs256Verifier

from .forge import ED25519_KEY, RSA_KEY, public_jwk


def test_secret_of_32_bytes_is_accepted_and_of_31_is_not() -> None:
    assert check_secret(b"s" * 32, "NAME") == b"s" * 32
    with pytest.raises(WeakSecret, match=r"^NAME is 31 bytes long and must have 32 or more;"):
        check_secret(b"s" * 31, "NAME")


def test_secret_length_counts_bytes_not_characters() -> None:
    Hs256Verifier("é" * 16)
    with pytest.raises(WeakSecret, match="BETTER_AUTH_SECRET is 30 bytes"):
        Hs256Verifier("é" * 15)


def test_signer_refuses_a_short_key() -> None:
    with pytest.raises(WeakSecret, match="INTERNAL_SIGNING_KEY is 0 bytes"):
        Signer(b"")


def test_secret_that_better_auth_publishes_is_refused() -> None:
    with pytest.raises(WeakSecret, match="published default"):
        Hs256Verifier("better-auth-secret-12345678901234567890")


@pytest.mark.parametrize(
    "secret",
    [
        RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        ED25519_KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        json.dumps(public_jwk(ED25519_KEY, "k1")).encode(),
    ],
    ids=["pem", "der", "ssh", "jwk"],
)
def test_key_file_in_place_of_a_secret_is_a_start_up_error(secret: bytes) -> None:
    with pytest.raises(WeakSecret, match="key file"):
        check_secret(secret, "BETTER_AUTH_SECRET")
