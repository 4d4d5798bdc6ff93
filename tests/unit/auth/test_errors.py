from __future__ import annotations

from typing import get_args

import pytest

from auth.errors import (
    AuthError,
    CannotMint,
    Forbidden,
    InvalidToken,
    KeysUnavailable,
    Reason,
    TooManyAttempts,
    WeakSecret,
)


@pytest.mark.parametrize("reason", get_args(Reason))
def test_invalid_token_is_one_sentence_and_keeps_its_reason(reason: Reason) -> None:
    error = InvalidToken(reason)
    assert error.reason == reason
    assert str(error).endswith(".")
    assert str(error).count(". ") == 0


@pytest.mark.parametrize("error", [KeysUnavailable(7), TooManyAttempts(7)])
def test_a_temporary_refusal_says_when_to_come_back(
    error: KeysUnavailable | TooManyAttempts,
) -> None:
    assert error.retry_after_seconds == 7
    assert "7 s" in str(error)


def test_every_error_is_an_auth_error() -> None:
    for error in (
        InvalidToken,
        KeysUnavailable,
        Forbidden,
        TooManyAttempts,
        CannotMint,
        WeakSecret,
    ):
        assert issubclass(error, AuthError)
