"""Attachments over HTTP: the bytes of an announced upload go in, and come out for their owner."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote

from chatkit.types import (
    Attachment,
    AttachmentCreateParams,
    AttachmentUploadDescriptor,
    FileAttachment,
    ImageAttachment,
)
from fastapi import APIRouter, Request
from pydantic import AnyUrl
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from agent.attachments import StoredAttachment, deletion
from api.dependencies import ChatKitUser, NodeOf
from api.describing import problems
from api.errors import BodyTooLarge, UnusableRequest
from api.positions import tell_position
from commands.conversation import MESSAGE_ATTACHMENTS
from commands.errors import Foreign, InvalidCommand, NotFound, Rejected
from commands.handle import Handled, Origin
from commands.user import USER, RecordDeletion, RecordUpload, UserState, check_name
from events import conversation as c
from events.user import stream_of
from runtime.node import Node
from runtime.settings import Settings

PATH = "/chatkit/attachments"
#: Image types that a browser shows without running anything in them, and how they begin.
SAFE_IMAGES = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
SNIFFED_BYTES = 16
DOWNLOAD_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ANY_BYTES: dict[str, Any] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}

router = APIRouter(prefix=PATH, tags=["attachments"])


@router.put(
    "/{attachment_id}",
    status_code=204,
    responses=problems(401, 403, 404, 409, 413, 422, 503),
    openapi_extra={"requestBody": {"required": True, "content": ANY_BYTES}},
)
async def upload(attachment_id: str, request: Request, node: NodeOf, user: ChatKitUser) -> Response:
    """The bytes of an attachment that `attachments.create` announced, as many as it said."""
    stored = await attachment_of(node, user.user_id, parse_attachment_id(attachment_id))
    _check_length(request, stored)
    try:
        completion = await node.attachments.write(stored, _sniffed(request.stream(), stored))
    except ClientDisconnect:
        raise UnusableRequest("The upload broke off: send it again.") from None
    handled = await node.handler.handle(
        USER,
        stream_of(user.user_id),
        _upload_of(stored),
        _origin(user.user_id),
        lambda events, state: [completion],
    )
    if not handled.events:
        await node.attachments.complete(completion)
    answer = Response(status_code=204)
    tell_position(request, answer, handled.stream_id, handled.version)
    return answer


@router.get(
    "/{attachment_id}",
    response_class=Response,
    responses=problems(401, 403, 404, 410, 422, 503) | {200: {"content": ANY_BYTES}},
)
async def download(attachment_id: str, node: NodeOf, user: ChatKitUser) -> Response:
    """The bytes, for the attachment's owner only; only harmless images are shown in place."""
    stored = await attachment_of(node, user.user_id, parse_attachment_id(attachment_id))
    if not stored.is_complete:
        raise NotFound("This attachment was not uploaded yet.")
    content = node.attachments.open(stored)
    first = await anext(content)
    headers = {
        **DOWNLOAD_HEADERS,
        "Content-Length": str(stored.size_bytes),
        "Content-Disposition": _disposition(stored),
    }
    return StreamingResponse(_chained(first, content), 200, headers, stored.mime_type)


async def announce(
    node: Node, settings: Settings, owner_id: str, params: AttachmentCreateParams
) -> StoredAttachment:
    """Raises InvalidCommand, BodyTooLarge and Rejected."""
    mime_type = params.mime_type.partition(";")[0].strip().lower()
    check_name(params.name)
    if not _is_allowed(mime_type, settings.attachment_types):
        allowed = ", ".join(settings.attachment_types)
        raise UnusableRequest(f"This kind of file is not accepted; expected one of {allowed}.")
    if params.size < 1:
        raise UnusableRequest("An attachment has at least one byte.")
    if params.size > settings.attachment_limit_bytes:
        raise BodyTooLarge(settings.attachment_limit_bytes)
    return await node.attachments.create(owner_id, params.name, mime_type, params.size)


async def remove(node: Node, owner_id: str, attachment_id: uuid.UUID) -> Handled[UserState]:
    """Raises NotFound and Foreign."""
    stored = await attachment_of(node, owner_id, attachment_id)
    handled = await node.handler.handle(
        USER,
        stream_of(owner_id),
        RecordDeletion(attachment_id=str(attachment_id)),
        _origin(owner_id),
        lambda events, state: [deletion(stored)],
    )
    if not handled.events:
        await node.attachments.delete(stored)
    return handled


async def attachment_of(node: Node, owner_id: str, attachment_id: uuid.UUID) -> StoredAttachment:
    """Raises NotFound, and Foreign for another user's."""
    found = await node.attachments.find([attachment_id])
    if not found:
        raise NotFound("There is no such attachment.")
    if found[0].owner_id != owner_id:
        raise Foreign
    return found[0]


async def attachments_to_post(
    node: Node, owner_id: str, attachment_ids: Sequence[str]
) -> tuple[c.Attachment, ...]:
    """What a message names, uploaded and the sender's own.

    Raises InvalidCommand, NotFound, Foreign and Rejected.
    """
    if len(attachment_ids) > MESSAGE_ATTACHMENTS:
        raise InvalidCommand(f"A message has at most {MESSAGE_ATTACHMENTS} attachments.")
    wanted = list(dict.fromkeys(map(parse_attachment_id, attachment_ids)))
    found = {a.attachment_id: a for a in await node.attachments.find(wanted)}
    if missing := [attachment_id for attachment_id in wanted if attachment_id not in found]:
        raise NotFound(f"There is no attachment {missing[0]}.")
    if any(stored.owner_id != owner_id for stored in found.values()):
        raise Foreign
    if any(not stored.is_complete for stored in found.values()):
        raise Rejected("attachment_unfinished", "An attachment was not uploaded yet.")
    return tuple(found[attachment_id].as_posted() for attachment_id in wanted)


def described(stored: StoredAttachment, base_url: str) -> Attachment:
    """As ChatKit describes it, with where to upload it until that is done."""
    url = AnyUrl(_url(stored.attachment_id, base_url))
    descriptor = None if stored.is_complete else AttachmentUploadDescriptor(url=url, method="PUT")
    if stored.mime_type in SAFE_IMAGES:
        return ImageAttachment(
            id=str(stored.attachment_id),
            name=stored.name,
            mime_type=stored.mime_type,
            upload_descriptor=descriptor,
            thread_id=stored.conversation_id,
            preview_url=url,
        )
    return FileAttachment(
        id=str(stored.attachment_id),
        name=stored.name,
        mime_type=stored.mime_type,
        upload_descriptor=descriptor,
        thread_id=stored.conversation_id,
    )


def with_previews(item: dict[str, Any], base_url: str) -> dict[str, Any]:
    """A thread item as the client shows it: its images in place, and not as files."""
    attachments = item.get("attachments")
    if not attachments:
        return item
    return item | {"attachments": [_with_preview(one, base_url) for one in attachments]}


def _with_preview(attachment: dict[str, Any], base_url: str) -> dict[str, Any]:
    if attachment["mime_type"] not in SAFE_IMAGES:
        return attachment
    return attachment | {"type": "image", "preview_url": _url(attachment["id"], base_url)}


def _url(attachment_id: object, base_url: str) -> str:
    return f"{base_url.rstrip('/')}{PATH}/{attachment_id}"


def parse_attachment_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound("There is no such attachment.") from None


def _upload_of(stored: StoredAttachment) -> RecordUpload:
    return RecordUpload(
        attachment_id=str(stored.attachment_id),
        name=stored.name,
        mime_type=stored.mime_type,
        size_bytes=stored.size_bytes,
    )


def _origin(owner_id: str) -> Origin:
    return Origin(owner_id=owner_id, actor=f"user:{owner_id}")


def _check_length(request: Request, stored: StoredAttachment) -> None:
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) != stored.size_bytes:
        raise InvalidCommand(
            f"The upload has {length} bytes, but {stored.size_bytes} were announced."
        )


async def _sniffed(content: AsyncIterator[bytes], stored: StoredAttachment) -> AsyncIterator[bytes]:
    """The same bytes; UnusableRequest when an image does not begin as its type does."""
    beginnings = SAFE_IMAGES.get(stored.mime_type)
    held = b""
    async for piece in content:
        if beginnings is None:
            yield piece
            continue
        held += piece
        if len(held) >= SNIFFED_BYTES:
            _check_beginning(held, beginnings, stored)
            beginnings = None
            yield held
            held = b""
    if beginnings is not None:
        _check_beginning(held, beginnings, stored)
        yield held


def _check_beginning(
    content: bytes, beginnings: tuple[bytes, ...], stored: StoredAttachment
) -> None:
    is_webp = stored.mime_type != "image/webp" or content[8:12] == b"WEBP"
    if not content.startswith(beginnings) or not is_webp:
        raise UnusableRequest(f"The file is no {stored.mime_type}, though it was announced as one.")


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def _disposition(stored: StoredAttachment) -> str:
    kind = "inline" if stored.mime_type in SAFE_IMAGES else "attachment"
    return f"{kind}; filename*=UTF-8''{quote(stored.name, safe='')}"


def _is_allowed(mime_type: str, allowed: Sequence[str]) -> bool:
    kind, separator, subtype = mime_type.partition("/")
    return bool(kind and separator and subtype) and (
        mime_type in allowed or f"{kind}/*" in allowed or "*/*" in allowed
    )
