from __future__ import annotations

import time

import pytest

from auth.errors import CannotMint, WeakSecret
from auth.mint import MAX_LIFETIME_SECONDS, mint_user_token
from auth.signing import Kind, Signer
from auth.tokens import Hs256Verifier

from .forge import OWN_KEY, SECRET, USER_ID


async def test_minted_token_verifies_with_its_role_and_lifetime() -> None:
    token = mint_user_token(SECRET, USER_ID, "auditor", 120)
    principal = await Hs256Verifier(SECRET).verify(token)
    assert (principal.user_id, set(principal.roles)) == (USER_ID, {"auditor"})
    assert principal.expires_at.timestamp() == pytest.approx(time.time() + 120, abs=5)


async def test_minted_token_lives_an_hour_and_has_no_role_by_default() -> None:
    principal = await Hs256Verifier(SECRET).verify(mint_user_token(SECRET, USER_ID))
    assert principal.roles == frozenset()
    assert principal.expires_at.timestamp() == pytest.approx(time.time() + 3600, abs=5)


async def test_minted_token_suits_a_verifier_with_issuer_and_audience() -> None:
    token = mint_user_token(SECRET, USER_ID, issuer="https://login", audience="https://chat")
    verifier = Hs256Verifier(SECRET, issuer="https://login", audience="https://chat")
    assert (await verifier.verify(token)).user_id == USER_ID


def test_mint_without_a_secret_says_why_and_what_to_do() -> None:
    with pytest.raises(CannotMint, match=r"holds no key.*sign in there.*BETTER_AUTH_SECRET"):
        mint_user_token(None, USER_ID)


def test_mint_refuses_a_weak_secret() -> None:
    with pytest.raises(WeakSecret):
        mint_user_token("short", USER_ID)


@pytest.mark.parametrize("user_id", ["", "a/b", "u" * 129, "a\n"])
def test_mint_refuses_a_bad_user_id(user_id: str) -> None:
    with pytest.raises(CannotMint, match="user id"):
        mint_user_token(SECRET, user_id)
    with pytest.raises(CannotMint, match="user id"):
        Signer(OWN_KEY).user_token(user_id)


@pytest.mark.parametrize("lifetime_seconds", [0, -1, MAX_LIFETIME_SECONDS + 1, 10**20])
def test_mint_refuses_a_lifetime_out_of_bounds(lifetime_seconds: int) -> None:
    with pytest.raises(CannotMint, match="lives between"):
        mint_user_token(SECRET, USER_ID, lifetime_seconds=lifetime_seconds)


def test_mint_refuses_an_unknown_role() -> None:
    with pytest.raises(CannotMint, match="one of auditor, operator, got 'root'"):
        mint_user_token(SECRET, USER_ID, "root")


def test_signer_mints_user_tokens_with_a_role() -> None:
    signer = Signer(OWN_KEY)
    principal = signer.verify(signer.user_token(USER_ID, "operator", 120), {Kind.USER})
    assert (principal.scope, set(principal.roles)) == ("user", {"operator"})
