from __future__ import annotations

import itertools

import pytest

from auth.errors import InvalidToken, Reason
from auth.gate import Gate, bearer_token
from auth.principal import Scope
from auth.signing import Signer, generate_key
from auth.tokens import Hs256Verifier

from .forge import OWN_KEY, SECRET, USER_ID, claims, hs256, raw_token

SIGNER = Signer(OWN_KEY)
LOCAL = Gate(None, SIGNER)
BETTER_AUTH = Gate(Hs256Verifier(SECRET), SIGNER)

USER: frozenset[Scope] = frozenset({"user"})
CHATKIT: frozenset[Scope] = frozenset({"chatkit"})
AGENT: frozenset[Scope] = frozenset({"agent"})
EVERY: frozenset[Scope] = USER | CHATKIT | AGENT

USER_TOKEN = SIGNER.user_token(USER_ID)
SESSION = SIGNER.session(USER_ID).token
CLIENT_SECRET = SIGNER.client_secret(USER_ID).token
AGENT_TOKEN = SIGNER.agent_token(USER_ID, run_id="r", call_id="c", lifetime_seconds=600)
SIGN_IN = SIGNER.sign_in_token()


async def refused(
    gate: Gate, bearer: str | None, cookie: str | None = None, accept: frozenset[Scope] = EVERY
) -> Reason:
    with pytest.raises(InvalidToken) as caught:
        await gate.authenticate(bearer, cookie, accept=accept)
    return caught.value.reason


@pytest.mark.parametrize("gate", [LOCAL, BETTER_AUTH])
@pytest.mark.parametrize("bearer", [None, ""])
@pytest.mark.parametrize("cookie", [None, ""])
async def test_gate_without_credentials_says_missing(
    gate: Gate, bearer: str | None, cookie: str | None
) -> None:
    assert await refused(gate, bearer, cookie) == "missing"


async def test_local_mode_accepts_own_user_tokens_and_sessions() -> None:
    by_token = await LOCAL.authenticate(USER_TOKEN, None, accept=USER)
    by_cookie = await LOCAL.authenticate(None, SESSION, accept=USER)
    assert (by_token.user_id, by_token.scope) == (USER_ID, "user")
    assert (by_cookie.user_id, by_cookie.scope) == (USER_ID, "user")


async def test_local_mode_refuses_tokens_of_a_secret_it_was_not_given() -> None:
    assert await refused(LOCAL, hs256()) == "bad_signature"
    assert await refused(LOCAL, hs256(headers={"kid": "verbatim"})) == "bad_signature"


async def test_login_service_mode_accepts_its_user_tokens() -> None:
    principal = await BETTER_AUTH.authenticate(hs256(role="auditor"), None, accept=USER)
    assert (principal.user_id, set(principal.roles)) == (USER_ID, {"auditor"})


async def test_login_service_mode_refuses_what_only_local_mode_issues() -> None:
    assert await refused(BETTER_AUTH, USER_TOKEN) == "wrong_audience"
    assert await refused(BETTER_AUTH, SESSION) == "wrong_audience"
    assert await refused(BETTER_AUTH, None, SESSION) == "missing"


async def test_sessions_can_be_turned_off_in_local_mode() -> None:
    gate = Gate(None, SIGNER, sessions=False)
    assert await refused(gate, None, SESSION) == "missing"
    assert (await gate.authenticate(USER_TOKEN, None, accept=USER)).user_id == USER_ID


@pytest.mark.parametrize("gate", [LOCAL, BETTER_AUTH])
async def test_own_tokens_pass_where_their_scope_is_accepted(gate: Gate) -> None:
    chatkit = await gate.authenticate(CLIENT_SECRET, None, accept=USER | CHATKIT)
    agent = await gate.authenticate(AGENT_TOKEN, None, accept=USER | AGENT)
    assert (chatkit.scope, chatkit.run_id) == ("chatkit", None)
    assert (agent.scope, agent.run_id, agent.call_id) == ("agent", "r", "c")


@pytest.mark.parametrize("gate", [LOCAL, BETTER_AUTH])
@pytest.mark.parametrize(
    ("bearer", "accept"),
    [
        (CLIENT_SECRET, USER),
        (CLIENT_SECRET, AGENT),
        (CLIENT_SECRET, USER | AGENT),
        (AGENT_TOKEN, USER),
        (AGENT_TOKEN, CHATKIT),
        (AGENT_TOKEN, USER | CHATKIT),
        (SESSION, EVERY),
        (SIGN_IN, EVERY),
        (CLIENT_SECRET, frozenset()),
    ],
    ids=itertools.count(),
)
async def test_own_tokens_never_pass_as_another_kind(
    gate: Gate, bearer: str, accept: frozenset[Scope]
) -> None:
    assert await refused(gate, bearer, accept=accept) == "wrong_audience"


async def test_user_tokens_do_not_pass_where_only_other_scopes_are_accepted() -> None:
    assert await refused(LOCAL, USER_TOKEN, accept=CHATKIT | AGENT) == "wrong_audience"
    assert await refused(BETTER_AUTH, hs256(), accept=CHATKIT | AGENT) == "wrong_audience"
    assert await refused(LOCAL, None, SESSION, CHATKIT | AGENT) == "missing"


@pytest.mark.parametrize(
    "cookie",
    [USER_TOKEN, CLIENT_SECRET, AGENT_TOKEN, SIGN_IN],
    ids=["user", "chatkit", "agent", "sign-in"],
)
async def test_cookie_must_be_a_session(cookie: str) -> None:
    assert await refused(LOCAL, None, cookie) == "wrong_audience"


async def test_bad_bearer_token_is_refused_even_beside_a_good_cookie() -> None:
    assert await refused(LOCAL, "garbage", SESSION) == "malformed"


async def test_good_bearer_token_wins_over_a_bad_cookie() -> None:
    principal = await LOCAL.authenticate(CLIENT_SECRET, "garbage", accept=EVERY)
    assert principal.scope == "chatkit"


async def test_key_id_of_the_server_does_not_make_a_token_its_own() -> None:
    headers = {"kid": "verbatim", "typ": "verbatim-chatkit+jwt"}
    by_secret = hs256(headers=headers, aud="verbatim-chatkit", iss="verbatim")
    assert await refused(BETTER_AUTH, by_secret) == "bad_signature"
    by_stranger = hs256(generate_key(), headers, aud="verbatim-chatkit", iss="verbatim")
    assert await refused(BETTER_AUTH, by_stranger) == "bad_signature"


@pytest.mark.parametrize("gate", [LOCAL, BETTER_AUTH])
@pytest.mark.parametrize("kid", ["verbatim", "k1", None])
async def test_gate_refuses_alg_none(gate: Gate, kid: str | None) -> None:
    header = {"alg": "none"} | ({} if kid is None else {"kid": kid})
    assert await refused(gate, raw_token(header, claims())) == "wrong_algorithm"


@pytest.mark.parametrize("gate", [LOCAL, BETTER_AUTH])
@pytest.mark.parametrize(("bearer", "reason"), [("x" * 9000, "too_long"), ("x.y", "malformed")])
async def test_gate_refuses_garbage(gate: Gate, bearer: str, reason: Reason) -> None:
    assert await refused(gate, bearer) == reason


@pytest.mark.parametrize(
    ("header", "token"),
    [(None, None), ("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("BEARER abc", "abc")],
)
def test_bearer_token_is_read_from_the_header(header: str | None, token: str | None) -> None:
    assert bearer_token(header) == token


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dXNlcjpw", "abc", "Bearerabc"])
def test_authorization_of_another_scheme_is_malformed(header: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        bearer_token(header)
    assert caught.value.reason == "malformed"
