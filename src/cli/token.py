"""`verbatim token`: a bearer token for a user, where this server can mint one."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cli.opened import settings_of
from cli.terminal import AsJson, DataDir, print_json, print_text


class Role(StrEnum):
    AUDITOR = "auditor"
    OPERATOR = "operator"


def token(
    user: Annotated[str, typer.Option(help="The user's id.")],
    role: Annotated[Role | None, typer.Option(help="A role to grant.")] = None,
    hours: Annotated[float, typer.Option(help="How long it is valid.", min=0.01, max=8784)] = 1.0,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print a bearer token for the API."""
    from auth.mint import mint_user_token
    from auth.signing import Signer
    from runtime.own_keys import signing_key

    settings = settings_of(data_dir)
    seconds = int(hours * 3600)
    if settings.auth_mode == "local":
        minted = Signer(signing_key(settings)).user_token(user, role, seconds)
    else:
        secret = settings.better_auth_secret if settings.auth_mode == "hs256" else None
        minted = mint_user_token(
            secret.get_secret_value() if secret else None,
            user,
            role,
            seconds,
            audience=settings.better_auth_audience,
        )
    if as_json:
        print_json({"user": user, "token": minted, "expires_in_seconds": seconds})
    else:
        print_text(minted)
