"""What anybody may know about the log: the key that its checkpoints are signed with."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from api.dependencies import NodeOf
from api.describing import problems, text_of
from api.problems import Answer, problem_response

router = APIRouter(tags=["audit"])

NO_KEY = "This log has no key: nothing of it is signed."
KEY_PATH = "/.well-known/verbatim-audit-key"


@router.get(
    KEY_PATH,
    response_class=PlainTextResponse,
    responses=problems(403, 404)
    | text_of("The key, as C2SP's signed notes write it.", "text/plain"),
)
async def get_audit_key(node: NodeOf) -> Response:
    """The public key of the log. Compare it with one you got on another way."""
    if node.checkpoints is None:
        return problem_response(Answer(404, "not-found", NO_KEY))
    return PlainTextResponse(f"{node.checkpoints.key}\n", headers={"Cache-Control": "no-cache"})
