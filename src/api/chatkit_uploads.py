"""ChatKit's attachments: announced and taken back through the server's own."""

from __future__ import annotations

from chatkit.store import AttachmentStore
from chatkit.types import Attachment, AttachmentCreateParams

from api.attachments import announce, described, parse_attachment_id, remove
from api.chatkit_store import ChatContext
from runtime.node import Node


class Uploads(AttachmentStore[ChatContext]):
    def __init__(self, node: Node) -> None:
        self._node = node

    async def create_attachment(
        self, input: AttachmentCreateParams, context: ChatContext
    ) -> Attachment:
        stored = await announce(self._node, self._node.settings, context.owner_id, input)
        return described(stored, context.base_url)

    async def delete_attachment(self, attachment_id: str, context: ChatContext) -> None:
        parsed = parse_attachment_id(attachment_id)
        context.handled = await remove(self._node, context.owner_id, parsed)
