from __future__ import annotations

import hmac
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.claims import read_header
from auth.errors import CannotMint, InvalidToken, Reason
from auth.signing import SCOPES, Kind, Signer, generate_key

from .forge import OWN_KEY, RSA_KEY, USER_ID, raw_token

SIGNER = Signer(OWN_KEY)
HOUR_AGO = Signer(OWN_KEY, clock=lambda: datetime.now(UTC) - timedelta(hours=1))
TOKENS: dict[Kind, str] = {
    Kind.USER: SIGNER.user_token(USER_ID),
    Kind.SESSION: SIGNER.session(USER_ID).token,
    Kind.CHATKIT: SIGNER.client_secret(USER_ID).token,
    Kind.AGENT: SIGNER.agent_token(USER_ID, run_id="r1", call_id="c1", lifetime_seconds=3600),
    Kind.SIGN_IN: SIGNER.sign_in_token(),
}


def refused(token: str, *kinds: Kind, signer: Signer = SIGNER) -> Reason:
    with pytest.raises(InvalidToken) as caught:
        signer.verify(token, kinds)
    return caught.value.reason


def forged(headers: dict[str, Any], **claims: Any) -> str:
    """Signed with the server's real key, as nobody else could: to reach the checks behind it."""
    key = hmac.digest(OWN_KEY, b"verbatim own tokens v1", "sha256")
    good = {
        "sub": USER_ID,
        "iss": "verbatim",
        "aud": "verbatim-chatkit",
        "exp": int(time.time()) + 60,
    }
    headers = {"kid": "verbatim", "typ": "verbatim-chatkit+jwt"} | headers
    return jwt.encode(good | claims, key, "HS256", headers)


def test_client_secret_lives_ten_minutes_with_scope_chatkit() -> None:
    token, expires_at = SIGNER.client_secret(USER_ID)
    principal = SIGNER.verify(token, {Kind.CHATKIT})
    assert (principal.user_id, principal.scope, len(principal.roles)) == (USER_ID, "chatkit", 0)
    assert principal.expires_at == expires_at
    assert expires_at.tzinfo is UTC
    assert expires_at.timestamp() == pytest.approx(time.time() + 600, abs=5)


def test_agent_token_carries_run_and_call_for_a_minute() -> None:
    token = SIGNER.agent_token(USER_ID, run_id="run-1", call_id="call-1")
    principal = SIGNER.verify(token, {Kind.AGENT})
    assert (principal.user_id, principal.scope) == (USER_ID, "agent")
    assert (principal.run_id, principal.call_id) == ("run-1", "call-1")
    assert principal.expires_at.timestamp() == pytest.approx(time.time() + 60, abs=5)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["aud"] == "verbatim-mcp"


def test_session_lives_thirty_days_with_known_roles() -> None:
    token, expires_at = SIGNER.session(USER_ID, {"auditor", "root"})
    principal = SIGNER.verify(token, {Kind.SESSION})
    assert (principal.scope, set(principal.roles)) == ("user", {"auditor"})
    assert expires_at.timestamp() == pytest.approx(time.time() + 30 * 86_400, abs=5)


def test_sign_in_tokens_never_repeat_their_id() -> None:
    ids = {SIGNER.verify_sign_in(SIGNER.sign_in_token()).token_id for _ in range(50)}
    assert len(ids) == 50
    assert min(map(len, ids)) >= 43


@pytest.mark.parametrize("kind", Kind)
def test_token_passes_as_its_own_kind_only(kind: Kind) -> None:
    others = [other for other in Kind if other is not kind]
    assert refused(TOKENS[kind], *others) == "wrong_audience"
    assert refused(TOKENS[kind]) == "wrong_audience"
    if kind in SCOPES:
        assert SIGNER.verify(TOKENS[kind], {kind}).scope == SCOPES[kind]
    else:
        assert refused(TOKENS[kind], *Kind) == "wrong_audience"


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.SIGN_IN])
def test_no_other_kind_passes_as_a_sign_in_token(kind: Kind) -> None:
    with pytest.raises(InvalidToken):
        SIGNER.verify_sign_in(TOKENS[kind])


def test_kinds_have_distinct_audiences_and_types() -> None:
    types = {read_header(token)["typ"] for token in TOKENS.values()}
    assert len(types) == len(TOKENS) == len({kind.value for kind in Kind})


def test_expired_tokens_are_refused() -> None:
    assert refused(HOUR_AGO.client_secret(USER_ID).token, Kind.CHATKIT) == "expired"
    agent_token = HOUR_AGO.agent_token(USER_ID, run_id="r", call_id="c")
    assert refused(agent_token, Kind.AGENT) == "expired"
    assert HOUR_AGO.verify(HOUR_AGO.session(USER_ID).token, {Kind.SESSION})


def test_token_of_another_server_is_refused() -> None:
    other = Signer(generate_key())
    assert refused(other.client_secret(USER_ID).token, Kind.CHATKIT) == "bad_signature"


def test_token_signed_with_the_underived_key_is_refused() -> None:
    """So that a key used twice, here and as BETTER_AUTH_SECRET, opens no way in."""
    claims = jwt.decode(TOKENS[Kind.CHATKIT], options={"verify_signature": False})
    headers = read_header(TOKENS[Kind.CHATKIT])
    token = jwt.encode(claims, OWN_KEY, "HS256", headers)
    assert refused(token, Kind.CHATKIT) == "bad_signature"


def test_other_algorithms_are_refused() -> None:
    header = read_header(TOKENS[Kind.CHATKIT])
    claims = jwt.decode(TOKENS[Kind.CHATKIT], options={"verify_signature": False})
    none = raw_token(header | {"alg": "none"}, claims)
    assert refused(none, Kind.CHATKIT) == "wrong_algorithm"
    rs256 = jwt.encode(claims, RSA_KEY, "RS256", header | {"alg": "RS256"})
    assert refused(rs256, Kind.CHATKIT) == "wrong_algorithm"


@pytest.mark.parametrize(
    ("headers", "claims", "reason"),
    [
        ({"kid": "other"}, {}, "unknown_key"),
        ({"typ": "JWT"}, {}, "wrong_audience"),
        ({"typ": "verbatim-session+jwt"}, {}, "wrong_audience"),
        ({"typ": None}, {}, "wrong_audience"),
        ({}, {"aud": ["verbatim-chatkit", "verbatim-session"]}, "wrong_audience"),
        ({}, {"aud": ["verbatim-chatkit"]}, "wrong_audience"),
        ({}, {"aud": "verbatim-session"}, "wrong_audience"),
        ({}, {"aud": None}, "wrong_audience"),
        ({}, {"iss": "other"}, "wrong_issuer"),
        ({}, {"exp": None}, "no_expiry"),
        ({}, {"sub": None}, "no_subject"),
        ({}, {"sub": "a/b"}, "bad_subject"),
    ],
)
def test_header_and_claims_must_agree_even_under_the_real_key(
    headers: dict[str, Any], claims: dict[str, Any], reason: Reason
) -> None:
    assert SIGNER.verify(forged({}), {Kind.CHATKIT}).user_id == USER_ID
    assert refused(forged(headers, **claims), Kind.CHATKIT) == reason


def test_roles_count_for_users_only() -> None:
    token = forged({}, roles=["auditor"])
    assert SIGNER.verify(token, {Kind.CHATKIT}).roles == frozenset()


@pytest.mark.parametrize("missing", ["run_id", "call_id"])
def test_agent_token_without_run_or_call_is_refused(missing: str) -> None:
    claims = {"run_id": "r", "call_id": "c", "aud": "verbatim-mcp"} | {missing: None}
    token = forged({"typ": "verbatim-mcp+jwt"}, **claims)
    assert refused(token, Kind.AGENT) == "malformed"


@pytest.mark.parametrize("lifetime_seconds", [0, -60, 10**12])
def test_agent_token_lifetime_is_bounded(lifetime_seconds: int) -> None:
    with pytest.raises(CannotMint):
        SIGNER.agent_token(USER_ID, run_id="r", call_id="c", lifetime_seconds=lifetime_seconds)


def test_generated_keys_are_32_bytes_and_differ() -> None:
    first, second = generate_key(), generate_key()
    assert len(first) == len(second) == 32
    assert first != second


@given(
    kind=st.sampled_from([kind for kind in Kind if kind in SCOPES]),
    position=st.integers(0, 10_000),
    byte=st.integers(0, 255),
)
def test_replacing_any_byte_never_gives_another_principal(
    kind: Kind, position: int, byte: int
) -> None:
    token = TOKENS[kind]
    position %= len(token)
    tampered = token[:position] + chr(byte) + token[position + 1 :]
    try:
        principal = SIGNER.verify(tampered, SCOPES)
    except InvalidToken:
        assert tampered != token
    else:
        assert tampered == token
        assert principal == SIGNER.verify(token, {kind})
