from __future__ import annotations

from auth.errors import Forbidden
from auth.principal import Principal


def authorise_path(principal: Principal, user_id: str) -> None:
    if principal.user_id != user_id:
        raise Forbidden("The user id in the path is not the one these credentials are for.")


def authorise_owner(principal: Principal, owner_id: str) -> None:
    if principal.user_id != owner_id:
        raise Forbidden("This belongs to another user.")


def require_role(principal: Principal, role: str) -> None:
    if role not in principal.roles:
        raise Forbidden(f"This needs the role {role!r}, which these credentials do not carry.")
