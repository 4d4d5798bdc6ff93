"""Attachments: announced, uploaded in pieces, kept encrypted under their owner's data key."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import asyncpg
import msgspec

from agent import statements
from commands.errors import InvalidCommand, NotFound, Rejected
from events import conversation as c
from events.cipher import DataKey
from events.errors import ContentErased, UserErased
from events.event import Event
from events.ids import new_id
from events.keys import KeyRing
from events.stored import Companion

CHUNK_BYTES = 256 * 1024
#: All attachments of a user, those included that were only announced.
OWNER_LIMIT_BYTES = 1024**3
#: How long an announced upload may take.
UNFINISHED_SECONDS = 86_400.0
_NO_KEY = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAttachment:
    attachment_id: uuid.UUID
    owner_id: str
    key_id: uuid.UUID
    name: str
    mime_type: str
    size_bytes: int
    is_complete: bool
    conversation_id: str | None
    created_at: datetime

    def as_posted(self) -> c.Attachment:
        """How a message names it."""
        return c.Attachment(
            attachment_id=str(self.attachment_id),
            name=self.name,
            mime_type=self.mime_type,
            size_bytes=self.size_bytes,
        )


class AttachmentStore(Protocol):
    async def create(
        self, owner_id: str, name: str, mime_type: str, size_bytes: int
    ) -> StoredAttachment:
        """Announces an upload. Raises Rejected when the owner's attachments take up too much."""
        ...

    async def find(self, attachment_ids: Collection[uuid.UUID]) -> list[StoredAttachment]:
        """Those that exist, whoever owns them."""
        ...

    async def write(self, attachment: StoredAttachment, content: AsyncIterator[bytes]) -> Companion:
        """Stores the content; it counts once the row that is answered is written.

        Raises InvalidCommand unless the content is as long as was announced, and Rejected when
        the attachment is complete or another upload has taken this one's place.
        """
        ...

    async def complete(self, completion: Companion) -> None:
        """Writes that row by itself, where the upload was recorded before."""
        ...

    def open(self, attachment: StoredAttachment) -> AsyncIterator[bytes]:
        """The content, piece by piece. Raises NotFound or ContentErased."""
        ...

    async def delete(self, attachment: StoredAttachment) -> None: ...

    async def sweep(self) -> int:
        """Removes uploads that were never finished; answers how many."""
        ...


class PostgresAttachments:
    def __init__(
        self,
        pool: asyncpg.Pool,
        keys: KeyRing,
        *,
        owner_limit_bytes: int = OWNER_LIMIT_BYTES,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        self._pool = pool
        self._keys = keys
        self._owner_limit_bytes = owner_limit_bytes
        self._chunk_bytes = chunk_bytes

    async def create(
        self, owner_id: str, name: str, mime_type: str, size_bytes: int
    ) -> StoredAttachment:
        key = await self._keys.current(owner_id)
        attachment_id = new_id()
        async with self._pool.acquire() as connection, connection.transaction():
            # In a statement of its own: the next one sees what those before it have announced.
            await connection.execute(statements.load("lock_attachments_of_owner"), owner_id)
            created_at = await connection.fetchval(
                statements.load("create_attachment"),
                attachment_id,
                owner_id,
                key.key_id,
                _seal_description(key, attachment_id, name, mime_type),
                size_bytes,
                self._owner_limit_bytes,
                key.key_id != _NO_KEY,
            )
        if created_at is None:
            raise await self._refusal(key)
        return StoredAttachment(
            attachment_id=attachment_id,
            owner_id=owner_id,
            key_id=key.key_id,
            name=name,
            mime_type=mime_type,
            size_bytes=size_bytes,
            is_complete=False,
            conversation_id=None,
            created_at=created_at,
        )

    async def find(self, attachment_ids: Collection[uuid.UUID]) -> list[StoredAttachment]:
        if not attachment_ids:
            return []
        rows = await self._pool.fetch(statements.load("find_attachments"), list(attachment_ids))
        keys = await self._keys.load({row["key_id"] for row in rows})
        return [_from_row(row, keys[row["key_id"]]) for row in rows if row["key_id"] in keys]

    async def write(self, attachment: StoredAttachment, content: AsyncIterator[bytes]) -> Companion:
        key = await self._key_of(attachment)
        upload_id = await self._claim(attachment.attachment_id)
        number = total = 0
        async for piece in _cut(content, self._chunk_bytes):
            total += len(piece)
            if total > attachment.size_bytes:
                raise _wrong_size(attachment, f"more than {attachment.size_bytes}")
            sealed = key.encrypt(piece, _associated(attachment.attachment_id, number))
            await self._write_chunk(attachment.attachment_id, upload_id, number, sealed)
            number += 1
        if total != attachment.size_bytes:
            raise _wrong_size(attachment, str(total))
        return Companion(
            statement=statements.load("complete_upload"),
            values=(attachment.attachment_id, upload_id),
        )

    async def complete(self, completion: Companion) -> None:
        await self._pool.execute(completion.statement, *completion.values)

    async def open(self, attachment: StoredAttachment) -> AsyncIterator[bytes]:
        key = await self._key_of(attachment)
        statement = statements.load("read_chunk")
        number = sent = 0
        while sent < attachment.size_bytes:
            sealed = await self._pool.fetchval(statement, attachment.attachment_id, number)
            if sealed is None:
                raise _no_such_attachment()
            piece = key.decrypt(sealed, _associated(attachment.attachment_id, number))
            yield piece
            sent += len(piece)
            number += 1

    async def delete(self, attachment: StoredAttachment) -> None:
        companion = deletion(attachment)
        await self._pool.execute(companion.statement, *companion.values)

    async def sweep(self) -> int:
        status: str = await self._pool.execute(
            statements.load("sweep_attachments"), UNFINISHED_SECONDS
        )
        return int(status.rpartition(" ")[2])

    async def _refusal(self, key: DataKey) -> Exception:
        self._keys.forget(key.owner_id)
        if key.key_id not in await self._keys.load({key.key_id}):
            return UserErased(key.owner_id)
        return Rejected(
            "attachments_full",
            f"Your attachments may take up {self._owner_limit_bytes} bytes: delete some first.",
        )

    async def _key_of(self, attachment: StoredAttachment) -> DataKey:
        keys = await self._keys.load({attachment.key_id})
        if attachment.key_id not in keys:
            raise ContentErased(attachment.owner_id)
        return keys[attachment.key_id]

    async def _claim(self, attachment_id: uuid.UUID) -> uuid.UUID:
        """An upload id that alone may write chunks from now on, beginning with none."""
        upload_id = new_id()
        async with self._pool.acquire() as connection, connection.transaction():
            claimed = await connection.fetchval(
                statements.load("claim_upload"), attachment_id, upload_id
            )
            if claimed is None:
                raise Rejected("already_uploaded", "This attachment was already uploaded.")
            await connection.execute(statements.load("clear_chunks"), attachment_id)
        return upload_id

    async def _write_chunk(
        self, attachment_id: uuid.UUID, upload_id: uuid.UUID, number: int, sealed: bytes
    ) -> None:
        written = await self._pool.fetchval(
            statements.load("write_chunk"), attachment_id, upload_id, number, sealed
        )
        if written is None:
            raise Rejected("upload_superseded", "Another upload of this attachment took its place.")


def deletion(attachment: StoredAttachment) -> Companion:
    return Companion(
        statement=statements.load("delete_attachment"),
        values=(attachment.attachment_id, attachment.owner_id),
    )


def deletion_of_conversation(conversation_id: str, owner_id: str) -> Companion:
    """Deletes the attachments that were first sent in a conversation."""
    return Companion(
        statement=statements.load("delete_attachments_of_conversation"),
        values=(conversation_id, owner_id),
    )


def attaching(events: Sequence[Event], conversation_id: str, owner_id: str) -> list[Companion]:
    """What binds the attachments of the messages among the events to their conversation."""
    return [
        Companion(
            statement=statements.load("attach_to_conversation"),
            values=(uuid.UUID(attachment.attachment_id), owner_id, conversation_id),
        )
        for posted in events
        if isinstance(posted, c.UserMessagePosted)
        for attachment in posted.attachments
    ]


async def _cut(content: AsyncIterator[bytes], size_bytes: int) -> AsyncIterator[bytes]:
    """The same bytes in pieces of one size, the last one shorter."""
    held = bytearray()
    async for piece in content:
        held += piece
        while len(held) >= size_bytes:
            yield bytes(held[:size_bytes])
            del held[:size_bytes]
    if held:
        yield bytes(held)


def _seal_description(key: DataKey, attachment_id: uuid.UUID, name: str, mime_type: str) -> bytes:
    description = msgspec.json.encode({"name": name, "mime_type": mime_type})
    return key.encrypt(description, _associated(attachment_id, "description"))


def _from_row(row: asyncpg.Record, key: DataKey) -> StoredAttachment:
    sealed = row["description"]
    plain = key.decrypt(sealed, _associated(row["attachment_id"], "description"))
    fields: dict[str, Any] = {**row, **msgspec.json.decode(plain)}
    del fields["description"]
    return StoredAttachment(**fields)


def _associated(attachment_id: uuid.UUID, part: int | str) -> bytes:
    return f"attachment|{attachment_id}|{part}".encode()


def _wrong_size(attachment: StoredAttachment, found: str) -> InvalidCommand:
    return InvalidCommand(
        f"The upload has {found} bytes, but {attachment.size_bytes} were announced."
    )


def _no_such_attachment() -> NotFound:
    return NotFound("There is no such attachment.")
