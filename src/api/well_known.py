"""What anybody may know about the log: the key that its checkpoints are signed with."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse

from api.dependencies import NodeOf
from api.describing import problems, text_of

router = APIRouter(tags=["audit"])

KEY_PATH = "/.well-known/verbatim-audit-key"


@router.get(
    KEY_PATH,
    response_class=PlainTextResponse,
    responses=problems(403, 404)
    | text_of("The key, as C2SP's signed notes write it.", "text/plain"),
)
async def get_audit_key(node: NodeOf) -> PlainTextResponse:
    """The public key of the log. Compare it with one you got on another way."""
    if node.checkpoints is None:
        raise HTTPException(404, "This log has no key: its checkpoints are not signed.")
    return PlainTextResponse(f"{node.checkpoints.key}\n", headers={"Cache-Control": "no-cache"})
