from __future__ import annotations

import itertools
import json
import time
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.errors import InvalidToken, Reason
from auth.principal import Principal
from auth.tokens import Hs256Verifier

from .forge import ED25519_KEY, P256_KEY, RSA_KEY, SECRET, USER_ID, claims, hs256, raw_token

VERIFIER = Hs256Verifier(SECRET)
GOOD_TOKEN = hs256(exp=int(time.time()) + 86_400, roles=["operator"])


async def refused(token: str, verifier: Hs256Verifier = VERIFIER) -> Reason:
    with pytest.raises(InvalidToken) as caught:
        await verifier.verify(token)
    return caught.value.reason


async def test_hs256_good_token_becomes_a_principal() -> None:
    exp = int(time.time()) + 60
    assert await VERIFIER.verify(hs256(exp=exp)) == Principal(
        user_id=USER_ID,
        roles=frozenset(),
        scope="user",
        expires_at=datetime.fromtimestamp(exp, UTC),
        run_id=None,
        call_id=None,
    )


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ({"roles": ["auditor", "operator"]}, {"auditor", "operator"}),
        ({"roles": ["auditor", "admin", 7, None]}, {"auditor"}),
        ({"role": "operator"}, {"operator"}),
        ({"role": "user, auditor"}, {"auditor"}),
        ({"role": "admin"}, set()),
        ({"role": "AUDITOR"}, set()),
        ({"roles": {"auditor": True}}, set()),
        ({"role": 1, "roles": ["operator"]}, {"operator"}),
        ({}, set()),
    ],
)
async def test_hs256_keeps_known_roles_only(claim: dict[str, Any], expected: set[str]) -> None:
    assert (await VERIFIER.verify(hs256(**claim))).roles == expected


@pytest.mark.parametrize(
    "token",
    [
        "",
        "garbage",
        "a.b",
        "a.b.c",
        "....",
        "a b.c.d",
        GOOD_TOKEN + "=",
        GOOD_TOKEN + ".x",
        " " + GOOD_TOKEN,
        GOOD_TOKEN + "\n",
        "\ud800.\ud800.\ud800",
        "é.é.é",
        raw_token({"alg": "HS256"}, "not an object"),
        raw_token({"alg": "HS256", "kid": 7}, {}),
        raw_token({"alg": "HS256", "crit": ["b64"], "b64": False}, {}),
        "bnVsbA.bnVsbA.bnVsbA",
    ],
    ids=itertools.count(),
)
async def test_hs256_refuses_garbage(token: str) -> None:
    assert await refused(token) in {"malformed", "bad_signature"}


async def test_hs256_refuses_signed_claims_that_are_no_object() -> None:
    token = jwt.api_jws.encode(json.dumps([1, 2]).encode(), SECRET, "HS256")
    assert await refused(token) == "malformed"


async def test_hs256_refuses_a_token_over_8_kib_before_parsing_it() -> None:
    assert await refused(hs256(padding="x" * 8192)) == "too_long"
    assert await refused("x" * 8193) == "too_long"
    assert await refused("x" * 8192) == "malformed"


async def test_hs256_accepts_a_token_of_exactly_8_kib() -> None:
    shortest = hs256(padding="")
    padding = "x" * ((8192 - len(shortest)) * 3 // 4)
    token = hs256(padding=padding)
    assert 8188 <= len(token) <= 8192
    assert (await VERIFIER.verify(token)).user_id == USER_ID


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"exp": time.time() - 3600}, "expired"),
        ({"exp": 0}, "expired"),
        ({"exp": True}, "expired"),
        ({"exp": None}, "no_expiry"),
        ({"exp": "never"}, "malformed"),
        ({"exp": "99999999999"}, "malformed"),
        ({"exp": 10**300}, "malformed"),
        ({"exp": 10**18}, "malformed"),
        ({"exp": float("inf")}, "malformed"),
        ({"exp": float("nan")}, "malformed"),
        ({"exp": [1]}, "malformed"),
        ({"nbf": time.time() + 3600}, "not_yet_valid"),
        ({"nbf": "soon"}, "malformed"),
        ({"iat": time.time() + 3600}, "not_yet_valid"),
        ({"sub": None}, "no_subject"),
        ({"sub": ""}, "bad_subject"),
        ({"sub": 7}, "bad_subject"),
        ({"sub": ["a"]}, "bad_subject"),
        ({"sub": "a/b"}, "bad_subject"),
        ({"sub": "a\u0000"}, "bad_subject"),
        ({"sub": "\ud800"}, "bad_subject"),
        ({"sub": "u" * 129}, "bad_subject"),
        ({"aud": "billing"}, "wrong_audience"),
    ],
)
async def test_hs256_refuses_bad_claims(overrides: dict[str, Any], reason: Reason) -> None:
    assert await refused(hs256(**overrides)) == reason


async def test_hs256_gives_clocks_ten_seconds() -> None:
    now = int(time.time())
    await VERIFIER.verify(hs256(exp=now - 5, nbf=now + 5, iat=now + 5))
    assert await refused(hs256(exp=now - 11)) == "expired"
    assert await refused(hs256(nbf=now + 15)) == "not_yet_valid"


async def test_hs256_refuses_better_auth_session_cookie_cache() -> None:
    """Its payload, signed with the same secret, has no sub, iss or aud."""
    now = int(time.time())
    payload = {
        "session": {"session": {"token": "t", "userId": USER_ID}, "user": {"id": USER_ID}},
        "updatedAt": now,
        "version": "1",
        "iat": now,
        "exp": now + 300,
    }
    assert await refused(jwt.encode(payload, SECRET, "HS256")) == "no_subject"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_hs256_refuses_other_hmacs_of_the_same_secret(algorithm: str) -> None:
    assert await refused(jwt.encode(claims(), SECRET, algorithm)) == "wrong_algorithm"


@pytest.mark.parametrize(
    "token",
    [
        jwt.encode(claims(), ED25519_KEY, "EdDSA"),
        jwt.encode(claims(), P256_KEY, "ES256"),
        jwt.encode(claims(), RSA_KEY, "RS256"),
    ],
    ids=["EdDSA", "ES256", "RS256"],
)
async def test_hs256_refuses_asymmetric_tokens(token: str) -> None:
    assert await refused(token) == "wrong_algorithm"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, 7, ["HS256"], {}])
@pytest.mark.parametrize("signature", [b"", b"x" * 32])
async def test_hs256_refuses_alg_none_in_every_spelling(alg: object, signature: bytes) -> None:
    assert await refused(raw_token({"alg": alg}, claims(), signature)) == "wrong_algorithm"


async def test_hs256_refuses_a_header_without_alg() -> None:
    assert await refused(raw_token({"typ": "JWT"}, claims())) == "wrong_algorithm"


async def test_hs256_refuses_another_secret_and_an_empty_signature() -> None:
    assert await refused(hs256("another secret that is 32 bytes long")) == "bad_signature"
    assert await refused(GOOD_TOKEN.rpartition(".")[0] + ".") == "bad_signature"


@pytest.mark.parametrize(
    "headers",
    [
        {"jwk": {"kty": "oct", "k": "YXR0YWNrZXI"}},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/cert"},
        {"kid": "/dev/null"},
        {"kid": "' OR 1=1 --"},
    ],
)
async def test_hs256_takes_no_key_from_the_header(headers: dict[str, Any]) -> None:
    forged = hs256("the attacker's own secret, 32 bytes", headers)
    assert await refused(forged) == "bad_signature"
    assert (await VERIFIER.verify(hs256(headers=headers))).user_id == USER_ID


async def test_hs256_checks_a_configured_issuer_and_audience() -> None:
    strict = Hs256Verifier(SECRET, issuer="https://login", audience="https://chat")
    good: dict[str, Any] = {"iss": "https://login", "aud": ["https://chat", "https://other"]}
    assert (await strict.verify(hs256(**good))).user_id == USER_ID
    assert await refused(hs256(**(good | {"iss": "https://evil"})), strict) == "wrong_issuer"
    assert await refused(hs256(**(good | {"iss": None})), strict) == "wrong_issuer"
    assert await refused(hs256(**(good | {"iss": ["https://login"]})), strict) == "wrong_issuer"
    assert await refused(hs256(**(good | {"aud": "https://evil"})), strict) == "wrong_audience"
    assert await refused(hs256(**(good | {"aud": None})), strict) == "wrong_audience"
    assert await refused(hs256(**(good | {"aud": 7})), strict) == "wrong_audience"


@given(position=st.integers(0, len(GOOD_TOKEN) - 1), byte=st.integers(0, 255))
async def test_hs256_replacing_any_byte_never_gives_another_principal(
    position: int, byte: int
) -> None:
    tampered = GOOD_TOKEN[:position] + chr(byte) + GOOD_TOKEN[position + 1 :]
    await never_another_principal(tampered)


@given(start=st.integers(0, len(GOOD_TOKEN)), length=st.integers(0, 8), text=st.text(max_size=8))
async def test_hs256_splicing_never_gives_another_principal(
    start: int, length: int, text: str
) -> None:
    await never_another_principal(GOOD_TOKEN[:start] + text + GOOD_TOKEN[start + length :])


@given(st.text(max_size=400) | st.from_regex(r"[\w-]+\.[\w-]+\.[\w-]*", fullmatch=True))
async def test_hs256_answers_any_text_with_invalid_token(text: str) -> None:
    with pytest.raises(InvalidToken):
        await VERIFIER.verify(text)


async def never_another_principal(token: str) -> None:
    try:
        principal = await VERIFIER.verify(token)
    except InvalidToken:
        return
    assert token == GOOD_TOKEN
    assert principal.user_id == USER_ID
