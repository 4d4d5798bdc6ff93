"""ChatKit requests: read and checked before anything is stored or sent."""

from __future__ import annotations

from typing import Any

import orjson
from chatkit.types import (
    ChatKitReq,
    ItemsListReq,
    NonStreamingReq,
    StreamingReq,
    ThreadsListReq,
    UserMessageInput,
)
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from agent.sending import Message
from api.errors import UnusableRequest
from commands.conversation import SEND_POLICIES
from events.conversation import Attachment
from events.storable import is_storable

LARGEST_PAGE = 100
KEY_CHARACTERS = 255
#: Longer ids were never given out.
ID_CHARACTERS = 128

_requests: TypeAdapter[StreamingReq | NonStreamingReq] = TypeAdapter(ChatKitReq)


def parse_request(body: str | bytes | bytearray) -> StreamingReq | NonStreamingReq:
    """Raises RequestValidationError and UnusableRequest."""
    try:
        request = _requests.validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        located = [{**fault, "loc": ("body", *fault["loc"])} for fault in faults]
        raise RequestValidationError(located) from None
    _clamp_limit(request)
    canonical_body(request)
    return request


def idempotency_key_of(request: StreamingReq) -> str | None:
    """Raises UnusableRequest."""
    key = request.metadata.get("idempotency_key")
    if key is None:
        return None
    is_key = isinstance(key, str) and 0 < len(key) <= KEY_CHARACTERS
    if not is_key or not all("!" <= char <= "~" for char in key):
        raise UnusableRequest(
            f"metadata.idempotency_key must be 1 to {KEY_CHARACTERS} visible ASCII characters."
        )
    return str(key)


def policy_of(request: StreamingReq, default: str) -> str:
    """What becomes of a message that is sent while a reply is being written.

    Raises UnusableRequest.
    """
    policy = request.metadata.get("policy", default)
    if policy not in SEND_POLICIES:
        raise UnusableRequest(f"metadata.policy must be one of {', '.join(SEND_POLICIES)}.")
    return str(policy)


def branch_of(request: StreamingReq) -> str | None:
    """The branch that a message goes on with. Raises UnusableRequest."""
    return _id_in(request, "branch_id")


def edited_item_of(request: StreamingReq | NonStreamingReq) -> str | None:
    """The message that another one takes the place of. Raises UnusableRequest."""
    return _id_in(request, "edited_item_id")


def canonical_body(request: StreamingReq | NonStreamingReq) -> bytes:
    """What two requests with the same idempotency key must have in common.

    Raises UnusableRequest for values that cannot be stored.
    """
    sent: dict[str, Any] = {"type": request.type, "params": _plain(request.params)}
    if (edited := edited_item_of(request)) is not None:
        sent["edited_item_id"] = edited
    try:
        return orjson.dumps(sent, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        raise UnusableRequest("Whole numbers in a request must fit into 64 bits.") from None


def message_of(
    sent: UserMessageInput,
    attachments: tuple[Attachment, ...],
    policy: str,
    branch_id: str | None = None,
) -> Message:
    return Message(
        text="".join(part.text for part in sent.content),
        content=tuple(_plain(part) for part in sent.content),
        attachments=attachments,
        quoted_text=sent.quoted_text,
        inference_options=_plain(sent.inference_options),
        policy=policy,
        branch_id=branch_id,
    )


def _id_in(request: StreamingReq | NonStreamingReq, name: str) -> str | None:
    given = request.metadata.get(name)
    if given is None:
        return None
    if not isinstance(given, str) or not 0 < len(given) <= ID_CHARACTERS or not is_storable(given):
        raise UnusableRequest(f"metadata.{name} must be an id.")
    return given


def _clamp_limit(request: StreamingReq | NonStreamingReq) -> None:
    if not isinstance(request, ThreadsListReq | ItemsListReq) or request.params.limit is None:
        return
    if request.params.limit < 1:
        raise UnusableRequest(f"limit must be a number from 1 to {LARGEST_PAGE}.")
    request.params.limit = min(request.params.limit, LARGEST_PAGE)


def _plain(model: Any) -> dict[str, Any]:
    tree: dict[str, Any] = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return tree
