"""Who may sign in, and as whom tools act: the wiring of the auth room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.callers import META_TOKEN, Caller, Identify, MintToken
from auth.errors import InvalidToken
from auth.gate import Gate, bearer_token
from auth.principal import Principal, Scope
from auth.signing import Kind, Signer
from auth.tokens import Hs256Verifier, JwksVerifier, TokenVerifier
from runtime.settings import Settings

TOOL_SCOPES: frozenset[Scope] = frozenset({"user", "agent"})


def user_verifier(settings: Settings) -> TokenVerifier | None:
    """None in local mode, where the server signs its own user tokens."""
    match settings.auth_mode:
        case "jwks":
            return JwksVerifier(
                str(settings.better_auth_url), audience=settings.better_auth_audience
            )
        case "hs256" if settings.better_auth_secret is not None:
            secret = settings.better_auth_secret.get_secret_value()
            return Hs256Verifier(secret, audience=settings.better_auth_audience)
        case _:
            return None


def identify_by(gate: Gate, signer: Signer) -> Identify:
    """HTTP callers by their bearer token, the agent inside the process by its own."""

    async def identify(headers: Mapping[str, str] | None, meta: Mapping[str, Any]) -> Caller:
        if headers is None:
            principal = _inside(signer, meta)
        else:
            bearer = bearer_token(headers.get("authorization"))
            principal = await gate.authenticate(bearer, None, accept=TOOL_SCOPES)
        return Caller(principal.user_id, principal.run_id, principal.call_id)

    return identify


def mint_by(signer: Signer) -> MintToken:
    def mint(user_id: str, run_id: str, call_id: str) -> str:
        return signer.agent_token(user_id, run_id=run_id, call_id=call_id)

    return mint


def _inside(signer: Signer, meta: Mapping[str, Any]) -> Principal:
    token = meta.get(META_TOKEN)
    if not isinstance(token, str):
        raise InvalidToken("missing")
    return signer.verify(token, frozenset({Kind.AGENT}))
