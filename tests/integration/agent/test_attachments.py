from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from agent.attachments import (
    PostgresAttachments,
    StoredAttachment,
    attaching,
    deletion_of_conversation,
)
from commands.errors import InvalidCommand, NotFound, Rejected
from events import conversation as c
from events.errors import ContentErased
from events.keys import PlainKeyRing
from events.stored import Companion
from tests.log_node import LogNode, log_node

CHUNK_BYTES = 1_000


@asynccontextmanager
async def attachments_of(
    url: str, owner_limit_bytes: int = 100_000
) -> AsyncIterator[tuple[PostgresAttachments, LogNode]]:
    async with log_node(url) as node:
        yield (
            PostgresAttachments(
                node.pool,
                node.keys,
                owner_limit_bytes=owner_limit_bytes,
                chunk_bytes=CHUNK_BYTES,
            ),
            node,
        )


async def pieces(content: bytes, size_bytes: int = 333) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size_bytes):
        yield content[start : start + size_bytes]


async def upload(
    attachments: PostgresAttachments, content: bytes, owner_id: str = "ada"
) -> StoredAttachment:
    announced = await attachments.create(owner_id, "plan.txt", "text/plain", len(content))
    await attachments.complete(await attachments.write(announced, pieces(content)))
    return await only(attachments, announced.attachment_id)


async def only(attachments: PostgresAttachments, attachment_id: uuid.UUID) -> StoredAttachment:
    (found,) = await attachments.find([attachment_id])
    return found


async def content_of(attachments: PostgresAttachments, stored: StoredAttachment) -> bytes:
    return b"".join([piece async for piece in attachments.open(stored)])


async def execute(pool: asyncpg.Pool, companion: Companion) -> None:
    await pool.execute(companion.statement, *companion.values)


@pytest.mark.parametrize("size_bytes", [1, CHUNK_BYTES, CHUNK_BYTES + 1, 10 * CHUNK_BYTES])
async def test_content_comes_out_as_it_went_in(database_url: str, size_bytes: int) -> None:
    content = os.urandom(size_bytes)
    async with attachments_of(database_url) as (attachments, _):
        stored = await upload(attachments, content)
        assert stored.is_complete
        assert (stored.name, stored.mime_type) == ("plan.txt", "text/plain")
        assert await content_of(attachments, stored) == content


async def test_nothing_readable_is_in_the_database(database_url: str) -> None:
    async with attachments_of(database_url) as (attachments, node):
        await upload(attachments, b"the plan is secret" * 100)
        bodies = await node.pool.fetch("SELECT body FROM verbatim.attachment_chunks")
        descriptions = await node.pool.fetch("SELECT description FROM verbatim.attachments")
        raw = b"".join(row[0] for row in (*bodies, *descriptions))
        assert b"secret" not in raw
        assert b"plan" not in raw


async def test_chunks_cannot_change_places(database_url: str) -> None:
    async with attachments_of(database_url) as (attachments, node):
        stored = await upload(attachments, os.urandom(2 * CHUNK_BYTES))
        await node.pool.execute("UPDATE verbatim.attachment_chunks SET chunk = -1 - chunk")
        await node.pool.execute("UPDATE verbatim.attachment_chunks SET chunk = 2 + chunk")
        with pytest.raises(Exception, match=r"^$"):
            await content_of(attachments, stored)


async def test_content_without_encryption_is_kept_as_it_is(database_url: str) -> None:
    async with log_node(database_url) as node:
        attachments = PostgresAttachments(node.pool, PlainKeyRing())
        stored = await upload(attachments, b"in the open")
        assert await content_of(attachments, stored) == b"in the open"


@pytest.mark.parametrize("sent", [b"12345678", b"1234567890!"])
async def test_upload_of_another_size_is_refused(database_url: str, sent: bytes) -> None:
    async with attachments_of(database_url) as (attachments, _):
        announced = await attachments.create("ada", "plan.txt", "text/plain", 10)
        with pytest.raises(InvalidCommand, match="10 were announced"):
            await attachments.write(announced, pieces(sent))
        assert not (await only(attachments, announced.attachment_id)).is_complete


async def test_upload_that_broke_off_can_be_sent_again(database_url: str) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * CHUNK_BYTES * 2
        raise ConnectionError

    content = os.urandom(3 * CHUNK_BYTES)
    async with attachments_of(database_url) as (attachments, _):
        announced = await attachments.create("ada", "plan.txt", "text/plain", len(content))
        with pytest.raises(ConnectionError):
            await attachments.write(announced, broken())
        await attachments.complete(await attachments.write(announced, pieces(content)))
        stored = await only(attachments, announced.attachment_id)
        assert await content_of(attachments, stored) == content


async def test_second_upload_takes_the_place_of_the_first_whole(database_url: str) -> None:
    async with attachments_of(database_url) as (attachments, _):
        announced = await attachments.create("ada", "plan.txt", "text/plain", 2 * CHUNK_BYTES)
        late: list[Companion] = []

        async def slow() -> AsyncIterator[bytes]:
            yield b"1" * CHUNK_BYTES
            second = pieces(b"2" * 2 * CHUNK_BYTES)
            late.append(await attachments.write(announced, second))
            yield b"1" * CHUNK_BYTES

        with pytest.raises(Rejected) as refused:
            await attachments.write(announced, slow())
        assert refused.value.code == "upload_superseded"
        await attachments.complete(late[0])
        stored = await only(attachments, announced.attachment_id)
        assert await content_of(attachments, stored) == b"2" * 2 * CHUNK_BYTES


async def test_complete_attachment_is_never_written_again(database_url: str) -> None:
    async with attachments_of(database_url) as (attachments, _):
        stored = await upload(attachments, b"first")
        with pytest.raises(Rejected) as refused:
            await attachments.write(stored, pieces(b"other"))
        assert refused.value.code == "already_uploaded"
        assert await content_of(attachments, stored) == b"first"


async def test_owner_has_a_limit_that_others_do_not_share(database_url: str) -> None:
    async with attachments_of(database_url, owner_limit_bytes=100) as (attachments, _):
        first = await attachments.create("ada", "a", "text/plain", 60)
        with pytest.raises(Rejected) as refused:
            await attachments.create("ada", "b", "text/plain", 41)
        assert refused.value.code == "attachments_full"
        await attachments.create("eve", "c", "text/plain", 100)
        await attachments.delete(first)
        await attachments.create("ada", "d", "text/plain", 100)


async def test_limit_holds_for_parallel_announcements(database_url: str) -> None:
    async with (
        attachments_of(database_url, owner_limit_bytes=100) as (one, node),
        attachments_of(database_url, owner_limit_bytes=100) as (other, _),
    ):
        await one.create("ada", "first", "text/plain", 1)
        announced = (
            attachments.create("ada", "a", "text/plain", 9)
            for _ in range(12)
            for attachments in (one, other)
        )
        results = await asyncio.gather(*announced, return_exceptions=True)
        refused = [r.code for r in results if isinstance(r, Rejected)]
        assert refused == ["attachments_full"] * 13
        taken = await node.pool.fetchval("SELECT sum(size_bytes) FROM verbatim.attachments")
        assert taken == 1 + 11 * 9


async def test_deleted_attachment_is_gone_with_its_chunks(database_url: str) -> None:
    async with attachments_of(database_url) as (attachments, node):
        stored = await upload(attachments, b"x" * 3 * CHUNK_BYTES)
        await attachments.delete(stored)
        assert await attachments.find([stored.attachment_id]) == []
        assert await node.pool.fetchval("SELECT count(*) FROM verbatim.attachment_chunks") == 0
        with pytest.raises(NotFound):
            await content_of(attachments, stored)


async def test_sweep_removes_only_old_uploads_that_were_never_finished(database_url: str) -> None:
    async with attachments_of(database_url) as (attachments, node):
        done = await upload(attachments, b"done")
        old = await attachments.create("ada", "old", "text/plain", 5)
        await node.pool.execute(
            "UPDATE verbatim.attachments SET created_at = now() - interval '25 hours'"
        )
        new = await attachments.create("ada", "new", "text/plain", 5)
        assert await attachments.sweep() == 1
        left = await attachments.find([done.attachment_id, old.attachment_id, new.attachment_id])
        assert {a.attachment_id for a in left} == {done.attachment_id, new.attachment_id}


async def test_attachment_goes_with_the_conversation_that_named_it_first(
    database_url: str,
) -> None:
    async with attachments_of(database_url) as (attachments, node):
        named = await upload(attachments, b"named")
        other = await upload(attachments, b"other")
        posted = c.UserMessagePosted(message_id="m1", text="see", attachments=(named.as_posted(),))
        for conversation_id in ("first", "second"):
            for companion in attaching([posted], conversation_id, "ada"):
                await execute(node.pool, companion)
        assert (await only(attachments, named.attachment_id)).conversation_id == "first"
        await execute(node.pool, deletion_of_conversation("second", "ada"))
        await execute(node.pool, deletion_of_conversation("first", "eve"))
        assert len(await attachments.find([named.attachment_id])) == 1
        await execute(node.pool, deletion_of_conversation("first", "ada"))
        left = await attachments.find([named.attachment_id, other.attachment_id])
        assert [a.attachment_id for a in left] == [other.attachment_id]


async def test_attachment_of_an_erased_user_is_not_found_and_not_readable(
    database_url: str,
) -> None:
    async with attachments_of(database_url) as (attachments, node):
        stored = await upload(attachments, b"mine")
        await node.pool.execute("DELETE FROM verbatim.data_keys WHERE owner_id = 'ada'")
        node.keys.forget("ada")
        assert await attachments.find([stored.attachment_id]) == []
        with pytest.raises(ContentErased):
            await content_of(attachments, stored)
