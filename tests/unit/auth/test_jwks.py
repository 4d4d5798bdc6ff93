from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from auth.errors import InvalidToken, KeysUnavailable, Reason
from auth.gate import Gate
from auth.jwks import parse_key_set
from auth.principal import Principal
from auth.signing import Signer
from auth.tokens import JwksVerifier

from .forge import (
    ED25519_KEY,
    OTHER_ED25519_KEY,
    OWN_KEY,
    P256_KEY,
    RSA_KEY,
    USER_ID,
    Clock,
    LoginService,
    PrivateKey,
    claims,
    hs256,
    login_service,
    public_jwk,
    raw_token,
    signed,
)

KEYS = [
    public_jwk(ED25519_KEY, "ed", alg="EdDSA"),
    public_jwk(P256_KEY, "ec"),
    public_jwk(RSA_KEY, "rsa", use="sig"),
]
SHORT_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505


class Setting:
    """A login service, a verifier that uses it and the clock its cache goes by."""

    def __init__(self, service: LoginService, verifier: JwksVerifier, clock: Clock) -> None:
        self.service = service
        self.verifier = verifier
        self.clock = clock

    def token(self, kid: str | None = "ed", key: PrivateKey = ED25519_KEY, **over: Any) -> str:
        return signed(key, "EdDSA", kid, self.service.url, **over)

    async def verify(self, token: str | None = None) -> Principal:
        return await self.verifier.verify(token or self.token())

    async def refused(self, token: str) -> Reason:
        with pytest.raises(InvalidToken) as caught:
            await self.verifier.verify(token)
        return caught.value.reason

    async def unavailable(self, token: str | None = None) -> int:
        with pytest.raises(KeysUnavailable) as caught:
            await self.verify(token)
        return caught.value.retry_after_seconds


@asynccontextmanager
async def setting(
    keys: list[dict[str, Any]] = KEYS, timeout_seconds: float = 5, **options: Any
) -> AsyncIterator[Setting]:
    clock = Clock()
    async with login_service(keys) as service:
        verifier = JwksVerifier(
            service.url,
            client_factory=lambda: httpx.AsyncClient(timeout=timeout_seconds, trust_env=False),
            clock=clock,
            **options,
        )
        try:
            yield Setting(service, verifier, clock)
        finally:
            await verifier.aclose()


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(ED25519_KEY, "EdDSA", "ed"), (P256_KEY, "ES256", "ec"), (RSA_KEY, "RS256", "rsa")],
)
async def test_jwks_good_token_becomes_a_principal(
    key: PrivateKey, algorithm: str, kid: str
) -> None:
    async with setting() as at:
        exp = int(time.time()) + 900
        row = {"email": "a@example.com", "role": "auditor", "id": USER_ID}
        token = signed(key, algorithm, kid, at.service.url, exp=exp, **row)
        principal = await at.verify(token)
        assert (principal.user_id, principal.scope) == (USER_ID, "user")
        assert principal.roles == {"auditor"}
        assert principal.expires_at.timestamp() == exp
        assert at.service.fetches == ["/api/auth/jwks"]


async def test_jwks_default_client_fetches_keys() -> None:
    async with login_service(KEYS) as service:
        verifier = JwksVerifier(service.url + "/")
        try:
            token = signed(ED25519_KEY, "EdDSA", "ed", service.url)
            assert (await verifier.verify(token)).user_id == USER_ID
            assert service.fetches == ["/api/auth/jwks"]
        finally:
            await verifier.aclose()


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"exp": 1000}, "expired"),
        ({"exp": None}, "no_expiry"),
        ({"nbf": time.time() + 3600}, "not_yet_valid"),
        ({"iat": time.time() + 3600}, "not_yet_valid"),
        ({"sub": None}, "no_subject"),
        ({"sub": "a/b"}, "bad_subject"),
        ({"iss": "http://evil.example"}, "wrong_issuer"),
        ({"iss": None}, "wrong_issuer"),
        ({"aud": "http://evil.example"}, "wrong_audience"),
        ({"aud": None}, "wrong_audience"),
        ({"aud": []}, "wrong_audience"),
    ],
)
async def test_jwks_refuses_bad_claims(overrides: dict[str, Any], reason: Reason) -> None:
    async with setting() as at:
        assert await at.refused(at.token(**overrides)) == reason


async def test_jwks_accepts_the_base_url_with_a_trailing_slash() -> None:
    async with setting() as at:
        slashed = at.service.url + "/"
        assert (await at.verify(at.token(iss=slashed, aud=slashed))).user_id == USER_ID


async def test_jwks_configured_audience_replaces_the_base_url() -> None:
    async with setting(audience="https://chat") as at:
        assert (await at.verify(at.token(aud="https://chat"))).user_id == USER_ID
        assert await at.refused(at.token()) == "wrong_audience"


@pytest.mark.parametrize(
    "secret",
    [
        RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        ED25519_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        ED25519_KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
        json.dumps(KEYS[0]).encode(),
    ],
    ids=["rsa-pem", "rsa-der", "rsa-pkcs1", "ed25519-pem", "ed25519-raw", "jwk"],
)
@pytest.mark.parametrize("kid", ["ed", "ec", "rsa"])
async def test_jwks_refuses_a_public_key_used_as_hmac_secret(secret: bytes, kid: str) -> None:
    async with setting() as at:
        payload = claims(iss=at.service.url, aud=at.service.url)
        unsigned = raw_token({"alg": "HS256", "kid": kid}, payload).rstrip(".")
        mac = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
        token = raw_token({"alg": "HS256", "kid": kid}, payload, mac)
        assert token.startswith(unsigned)
        assert await at.refused(token) == "wrong_algorithm"
        assert at.service.fetches == []


@pytest.mark.parametrize("kid", ["ed", "rsa", "unheard-of", None])
@pytest.mark.parametrize("alg", ["none", "None", "HS256", "HS512", "PS256", "ES384", "", None, []])
async def test_jwks_refuses_other_algorithms_without_a_fetch(alg: object, kid: str | None) -> None:
    async with setting() as at:
        header = {"alg": alg} | ({} if kid is None else {"kid": kid})
        payload = claims(iss=at.service.url, aud=at.service.url)
        assert await at.refused(raw_token(header, payload)) == "wrong_algorithm"
        assert at.service.fetches == []


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(ED25519_KEY, "EdDSA", "rsa"), (RSA_KEY, "RS256", "ec"), (P256_KEY, "ES256", "ed")],
)
async def test_jwks_the_key_decides_the_algorithm_not_the_token(
    key: PrivateKey, algorithm: str, kid: str
) -> None:
    async with setting() as at:
        token = signed(key, algorithm, kid, at.service.url)
        assert await at.refused(token) == "wrong_algorithm"


async def test_jwks_refuses_another_key_under_a_known_kid() -> None:
    async with setting() as at:
        assert await at.refused(at.token(key=OTHER_ED25519_KEY)) == "bad_signature"
        empty = at.token().rpartition(".")[0] + "."
        assert await at.refused(empty) == "bad_signature"


@pytest.mark.parametrize(
    "kid", ["", "../../ed", "/dev/null", "ed\x00", "' OR '1'='1", "ED", "__len__"]
)
async def test_jwks_kid_is_a_name_and_nothing_else(kid: str) -> None:
    async with setting() as at:
        assert await at.refused(at.token(kid=kid)) == "unknown_key"
        assert at.service.fetches == ["/api/auth/jwks"]


@pytest.mark.parametrize("kid", [7, None, ["ed"], {"a": 1}, True])
async def test_jwks_kid_that_is_no_text_is_malformed(kid: object) -> None:
    async with setting() as at:
        assert await at.refused(raw_token({"alg": "EdDSA", "kid": kid}, claims())) == "malformed"


async def test_jwks_token_without_kid_is_refused_without_a_fetch() -> None:
    async with setting() as at:
        assert await at.refused(at.token(kid=None)) == "unknown_key"
        assert at.service.fetches == []


async def test_jwks_takes_no_key_and_no_address_from_the_header() -> None:
    async with setting() as at, login_service([public_jwk(OTHER_ED25519_KEY, "ed")]) as evil:
        headers = {
            "kid": "ed",
            "jku": evil.url,
            "x5u": evil.url,
            "jwk": public_jwk(OTHER_ED25519_KEY, "ed"),
        }
        payload = claims(iss=at.service.url, aud=at.service.url)
        token = jwt.encode(payload, OTHER_ED25519_KEY, "EdDSA", headers)
        assert await at.refused(token) == "bad_signature"
        assert evil.fetches == []


@pytest.mark.parametrize("token", ["", "garbage", "a.b.c", "x" * 9000])
async def test_jwks_refuses_garbage_without_a_fetch(token: str) -> None:
    async with setting() as at:
        assert await at.refused(token) in {"malformed", "too_long"}
        assert at.service.fetches == []


async def test_jwks_keys_are_cached_for_ten_minutes() -> None:
    async with setting() as at:
        await at.verify()
        at.clock.advance(599)
        await at.verify()
        assert len(at.service.fetches) == 1
        at.clock.advance(1)
        await at.verify()
        assert len(at.service.fetches) == 2


async def test_jwks_rotated_key_is_found_and_the_old_one_forgotten() -> None:
    async with setting() as at:
        await at.verify()
        at.service.keys = [public_jwk(OTHER_ED25519_KEY, "new")]
        at.clock.advance(10)
        token = at.token(kid="new", key=OTHER_ED25519_KEY)
        assert (await at.verify(token)).user_id == USER_ID
        assert await at.refused(at.token()) == "unknown_key"


async def test_jwks_key_replaced_under_its_kid_is_seen_after_the_cache_time() -> None:
    async with setting() as at:
        await at.verify()
        at.service.keys = [public_jwk(OTHER_ED25519_KEY, "ed")]
        at.clock.advance(600)
        assert await at.refused(at.token()) == "bad_signature"
        assert (await at.verify(at.token(key=OTHER_ED25519_KEY))).user_id == USER_ID


async def test_jwks_service_that_revoked_all_keys_is_believed() -> None:
    async with setting() as at:
        await at.verify()
        at.service.keys = []
        at.clock.advance(600)
        assert await at.refused(at.token()) == "unknown_key"


async def test_jwks_unknown_kids_cause_one_fetch_in_ten_seconds() -> None:
    async with setting() as at:
        await at.verify()
        at.clock.advance(10)
        for number in range(50):
            assert await at.refused(at.token(kid=f"stranger-{number}")) == "unknown_key"
        assert len(at.service.fetches) == 2
        at.clock.advance(9.5)
        assert await at.refused(at.token(kid="stranger")) == "unknown_key"
        assert len(at.service.fetches) == 2
        at.clock.advance(0.5)
        assert await at.refused(at.token(kid="stranger")) == "unknown_key"
        assert len(at.service.fetches) == 3


async def test_jwks_fifty_concurrent_verifies_fetch_once() -> None:
    async with setting() as at:
        at.service.delay_seconds = 0.1
        principals = await asyncio.gather(*(at.verify() for _ in range(50)))
        assert {principal.user_id for principal in principals} == {USER_ID}
        assert len(at.service.fetches) == 1


async def test_jwks_fifty_concurrent_unknown_kids_fetch_once() -> None:
    async with setting() as at:
        at.service.delay_seconds = 0.1
        tokens = [at.token(kid=f"stranger-{number}") for number in range(50)]
        assert set(await asyncio.gather(*map(at.refused, tokens))) == {"unknown_key"}
        assert len(at.service.fetches) == 1


async def test_jwks_fifty_concurrent_verifies_of_a_dead_service_try_once() -> None:
    async with setting() as at:
        at.service.status = 500
        at.service.delay_seconds = 0.1
        assert set(await asyncio.gather(*(at.unavailable() for _ in range(50)))) == {10}
        assert len(at.service.fetches) == 1


async def test_jwks_caller_who_leaves_does_not_cancel_the_fetch_of_others() -> None:
    async with setting() as at:
        at.service.delay_seconds = 0.2
        leaving = asyncio.create_task(at.verify())
        await asyncio.sleep(0.05)
        staying = asyncio.create_task(at.verify())
        await asyncio.sleep(0)
        leaving.cancel()
        assert (await staying).user_id == USER_ID
        assert leaving.cancelled()
        assert len(at.service.fetches) == 1


async def test_jwks_fetch_longer_than_the_pause_is_still_the_only_one() -> None:
    async with setting() as at:
        at.service.delay_seconds = 0.1
        first = asyncio.create_task(at.verify())
        await asyncio.sleep(0.02)
        at.clock.advance(20)
        assert (await at.verify()).user_id == (await first).user_id == USER_ID
        assert len(at.service.fetches) == 1


async def test_jwks_slow_service_does_not_block_the_event_loop() -> None:
    async with setting() as at:
        at.service.delay_seconds = 0.3
        verifying = asyncio.create_task(at.verify())
        longest, last = 0.0, time.monotonic()
        while not verifying.done():
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        assert (await verifying).user_id == USER_ID
        assert longest < 0.2


async def test_jwks_down_without_keys_is_unavailable_until_it_is_back() -> None:
    async with setting() as at:
        token = at.token()
        await at.service.stop()
        assert await at.unavailable(token) == 10
        at.clock.advance(4)
        assert await at.unavailable(token) == 6
        await at.service.start()
        assert await at.unavailable(token) == 6
        at.clock.advance(6)
        assert (await at.verify(token)).user_id == USER_ID


async def test_jwks_stale_keys_serve_for_an_hour_of_outage() -> None:
    async with setting() as at:
        token = at.token()
        await at.verify(token)
        await at.service.stop()
        for seconds in (600, 600, 600, 1799):
            at.clock.advance(seconds)
            assert (await at.verify(token)).user_id == USER_ID
        assert await at.refused(at.token(key=OTHER_ED25519_KEY)) == "bad_signature"
        at.clock.advance(1)
        assert 1 <= await at.unavailable(token) <= 10


async def test_jwks_unknown_kid_in_an_outage_is_unavailable_rather_than_refused() -> None:
    async with setting() as at:
        await at.verify()
        new = at.token(kid="new", key=OTHER_ED25519_KEY)
        await at.service.stop()
        at.clock.advance(10)
        assert await at.unavailable(new) == 10
        assert (await at.verify()).user_id == USER_ID


async def test_jwks_outage_makes_nobody_wait_while_old_keys_serve() -> None:
    async with setting(timeout_seconds=0.5) as at:
        await at.verify()
        at.service.delay_seconds = 2
        at.clock.advance(600)
        await at.verify()
        at.clock.advance(10)
        started_at = time.monotonic()
        assert (await at.verify()).user_id == USER_ID
        assert time.monotonic() - started_at < 0.25
        # The attempt goes on behind the answer.
        await asyncio.sleep(0.1)
        assert len(at.service.fetches) == 3


async def test_jwks_service_too_slow_is_unavailable_within_the_timeout() -> None:
    async with setting(timeout_seconds=0.2) as at:
        at.service.delay_seconds = 30
        started_at = time.monotonic()
        await at.unavailable()
        assert time.monotonic() - started_at < 2


async def test_jwks_service_that_drips_is_cut_off() -> None:
    async with setting(fetch_timeout_seconds=0.3) as at:
        at.service.drip_seconds = 0.05
        started_at = time.monotonic()
        await at.unavailable()
        assert time.monotonic() - started_at < 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>down for maintenance</html>",
        b"[]",
        b"null",
        b"{}",
        b'{"keys": null}',
        b'{"keys": {"kid": "ed"}}',
        b"\xff\xfe\x00",
        b'{"keys": ' + b"[" * 100_000,
        b'{"keys": []}' + b" " * 300_000,
    ],
)
async def test_jwks_garbage_is_unavailable_and_keeps_the_old_keys(body: bytes) -> None:
    async with setting() as at:
        at.service.body = body
        assert await at.unavailable() == 10
        at.service.body = None
        at.clock.advance(10)
        await at.verify()
        at.service.body = body
        at.clock.advance(600)
        assert (await at.verify()).user_id == USER_ID


@pytest.mark.parametrize("status", [204, 301, 404, 429, 500, 503])
async def test_jwks_status_other_than_200_is_unavailable(status: int) -> None:
    async with setting() as at:
        at.service.status = status
        at.service.body = b"" if status == 204 else None
        await at.unavailable()


async def test_jwks_redirect_is_not_followed() -> None:
    async with setting() as at, login_service(KEYS) as elsewhere:
        at.service.status, at.service.location = 302, elsewhere.url
        await at.unavailable()
        assert elsewhere.fetches == []


async def test_jwks_base_url_that_is_no_url_is_unavailable() -> None:
    for base_url in ("nonsense", "ftp://127.0.0.1", "http://[", "http://127.0.0.1:1"):
        verifier = JwksVerifier(base_url, clock=Clock())
        token = signed(ED25519_KEY, "EdDSA", "ed", base_url)
        with pytest.raises(KeysUnavailable):
            await verifier.verify(token)
        await verifier.aclose()


async def test_jwks_closing_ends_a_fetch_under_way() -> None:
    async with setting() as at:
        at.service.delay_seconds = 0.5
        verifying = asyncio.create_task(at.verify())
        await asyncio.sleep(0.05)
        await at.verifier.aclose()
        with pytest.raises(asyncio.CancelledError):
            await verifying


async def test_gate_with_jwks_keeps_own_tokens_and_user_tokens_apart() -> None:
    async with setting() as at:
        signer = Signer(OWN_KEY)
        gate = Gate(at.verifier, signer)
        client_secret = signer.client_secret(USER_ID).token
        own = await gate.authenticate(client_secret, None, accept=frozenset({"user", "chatkit"}))
        assert own.scope == "chatkit"
        assert at.service.fetches == []
        user = await gate.authenticate(at.token(), None, accept=frozenset({"user", "chatkit"}))
        assert user.scope == "user"
        for refused in (
            client_secret,
            signer.user_token(USER_ID),
            hs256(),
            at.token(kid="verbatim"),
        ):
            with pytest.raises(InvalidToken):
                await gate.authenticate(refused, None, accept=frozenset({"user"}))
        with pytest.raises(InvalidToken):
            await at.verifier.verify(client_secret)


@pytest.mark.parametrize(
    "unusable",
    [
        {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "x"},
        public_jwk(ED25519_KEY, "x", alg="HS256"),
        public_jwk(ED25519_KEY, "x", alg="none"),
        public_jwk(ED25519_KEY, "x", alg=None),
        public_jwk(ED25519_KEY, "x", use="enc"),
        public_jwk(ED25519_KEY, "x", kty="RSA"),
        public_jwk(ED25519_KEY, "x", crv="Ed448"),
        public_jwk(ED25519_KEY, "x", crv=["Ed25519"]),
        public_jwk(ED25519_KEY, "x", x="AA"),
        public_jwk(ED25519_KEY, "x", x=7),
        public_jwk(ED25519_KEY, "x") | {"kid": 7},
        public_jwk(P256_KEY, "x", y=public_jwk(P256_KEY, "k")["x"]),
        public_jwk(RSA_KEY, "x", alg="PS256"),
        public_jwk(RSA_KEY, "x", e="AQ"),
        public_jwk(SHORT_RSA_KEY, "x"),
        public_jwk(ec.generate_private_key(ec.SECP384R1()), "x"),
        {"kid": "x"},
        "x",
        None,
    ],
)
def test_key_set_skips_unusable_keys_and_keeps_the_others(unusable: object) -> None:
    keys = parse_key_set(json.dumps({"keys": [unusable, KEYS[0]]}).encode())
    assert list(keys) == ["ed"]
    assert keys["ed"].algorithm_name == "EdDSA"


def test_key_set_never_keeps_a_private_half() -> None:
    leaked = RSAAlgorithm.to_jwk(RSA_KEY, as_dict=True) | {"kid": "rsa"}
    assert "d" in leaked
    key = parse_key_set(json.dumps({"keys": [leaked]}).encode())["rsa"]
    assert isinstance(key.key, rsa.RSAPublicKey)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["keys", "kid", "kty", "crv", "x", "y", "n", "e", "alg", "use"]),
                inner | st.sampled_from(["OKP", "EC", "RSA", "Ed25519", "P-256", "AQAB"]),
            )
        ),
        max_leaves=20,
    )
)
def test_key_set_of_any_json_parses_or_is_a_value_error(document: object) -> None:
    for body in (document, {"keys": [document]}):
        try:
            keys = parse_key_set(json.dumps(body).encode())
        except ValueError:
            continue
        assert all(kid == key.key_id for kid, key in keys.items())
