from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from auth.principal import Principal, is_user_id


@pytest.mark.parametrize("user_id", ["a", "u" * 128, "user_2fA9", "zoë@example.com", "a b", "..."])
def test_user_id_accepts_ordinary_names(user_id: str) -> None:
    assert is_user_id(user_id)


@pytest.mark.parametrize(
    "user_id",
    [
        "",
        "u" * 129,
        "a/b",
        "/",
        "..",
        ".",
        "a\x00",
        "a\n",
        "\x7f",
        "\x85",
        "\u2028",
        "\u202e",
        "\ud800",
        7,
        None,
        ["a"],
        b"a",
        True,
    ],
)
def test_user_id_refuses_what_no_path_or_database_can_carry(user_id: object) -> None:
    assert not is_user_id(user_id)


def test_principal_cannot_be_changed() -> None:
    principal = Principal("u", frozenset(), "user", datetime.now(UTC))
    with pytest.raises(dataclasses.FrozenInstanceError):
        principal.user_id = "v"  # type: ignore[misc]
