from __future__ import annotations

from datetime import UTC, datetime

import pytest

from auth.errors import Forbidden
from auth.policy import authorise_owner, authorise_path, require_role
from auth.principal import Principal

ALICE = Principal("alice", frozenset({"auditor"}), "user", datetime.now(UTC))


def test_path_of_the_same_user_passes() -> None:
    authorise_path(ALICE, "alice")


@pytest.mark.parametrize("user_id", ["bob", "Alice", "alice ", "", "alicе"])
def test_path_of_another_user_is_forbidden(user_id: str) -> None:
    with pytest.raises(Forbidden, match="path"):
        authorise_path(ALICE, user_id)


def test_owner_passes_and_another_is_forbidden_without_being_named() -> None:
    authorise_owner(ALICE, "alice")
    with pytest.raises(Forbidden) as caught:
        authorise_owner(ALICE, "bob")
    assert "bob" not in str(caught.value)


def test_role_is_required_exactly() -> None:
    require_role(ALICE, "auditor")
    with pytest.raises(Forbidden, match="'operator'"):
        require_role(ALICE, "operator")
