from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.attachments import PostgresAttachments, StoredAttachment
from events.conversation import Renamed, Started
from events.errors import ContentErased, IdempotencyMismatch
from events.leaf import leaf_hash
from events.proofs.log_check import LogCheck
from events.proofs.notary import Notary, open_signer
from runtime.backup import BackupFile, restore_backup, writing
from runtime.backup.format import KEY_TABLES, LOG_TABLES
from runtime.embedded import EmbeddedServer
from runtime.errors import BackupNotWritten, DatabaseNotEmpty
from runtime.urls import connect_arguments
from tests.databases import cloned, execute
from tests.integration.runtime.backups import DERIVED, TRUTH, back_up, bring_up, keys_of, rows
from tests.integration.runtime.between import pgbouncer
from tests.log_node import LogNode, append_to, log_node, new_stream
from tests.ports import free_port


@pytest.fixture
async def empty_url(postgres: EmbeddedServer, template_database: str) -> AsyncIterator[str]:
    async with cloned(postgres, template_database) as url:
        yield url


async def test_restore_brings_back_every_row_of_the_truth_and_what_derives_from_it(
    database_url: str, empty_url: str, tmp_path: Path
) -> None:
    async with log_node(database_url) as node:
        await node.keys.check_fingerprint()
        stream = new_stream()
        await node.store.append(
            append_to(stream, 0, Started(), Renamed(title="ü"), idempotency_key="k")
        )
        await node.store.append(append_to(stream, 2, idempotency_key="l", request_body=b"body"))
        await node.store.append(append_to(new_stream(), 0, owner_id="eve"))
        await _upload(node, b"content " * 100_000)
        await node.sealer.seal()
        notary = await _sign(node)
    written = await back_up(database_url, tmp_path)
    restored = await bring_up(empty_url, tmp_path / "backup")
    assert (written.head, restored.head, restored.unreadable_owners) == (4, 4, 0)
    assert (written.rows["events"], written.rows["attachments"]) == (4, 1)
    queries = {**TRUTH, **DERIVED}
    before, after = (
        await rows(database_url, *queries.values()),
        await rows(empty_url, *queries.values()),
    )
    assert all(before)
    for name, one, other in zip(queries, before, after, strict=True):
        assert one == other, name
    async with log_node(empty_url) as node:
        await node.store.append(append_to(new_stream(), 0))
        await node.sealer.seal()
        await _sign(node)
        report = await LogCheck(node.pool, notary.signer.verifier).run()
        assert (report.events, report.checkpoints, report.findings) == (5, 2, [])


async def _sign(node: LogNode) -> Notary:
    key = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
    notary = Notary(node.pool, await open_signer(node.pool, key))
    await notary.sign()
    return notary


async def test_backup_while_eight_writers_append_is_one_point_of_the_log(
    database_url: str, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PAGE_EVENTS", 37)
    async with log_node(database_url) as node:
        is_done = asyncio.Event()

        async def write() -> None:
            while not is_done.is_set():
                stream = new_stream()
                for version in range(0, 6, 2):
                    await node.store.append(
                        append_to(
                            stream,
                            version,
                            Started() if version == 0 else Renamed(title="x"),
                            Renamed(title="y"),
                            idempotency_key=f"k{version}",
                        )
                    )

        writers = [asyncio.create_task(write()) for _ in range(8)]
        while node.signal.head < 300:
            await asyncio.sleep(0.01)
        sealed_before = node.signal.head
        written = await back_up(database_url, tmp_path)
        while node.signal.head < written.head + 50:
            await asyncio.sleep(0.01)
        is_done.set()
        await asyncio.gather(*writers)
        await node.sealer.seal()
    restored = await bring_up(empty_url, tmp_path / "backup")
    assert restored.head == written.head >= sealed_before
    up_to = f"WHERE position <= {written.head}"
    whole = (
        f"SELECT l.*, e FROM verbatim.log l JOIN verbatim.events e USING (stream_id, "
        f"stream_version) {up_to} ORDER BY position"
    )
    heads = (
        f"SELECT stream_id, max(stream_version), min(owner_id) FROM verbatim.log {up_to} "
        "GROUP BY 1 ORDER BY 1"
    )
    (source, source_heads) = await rows(database_url, whole, heads)
    (copy, copy_heads, events) = await rows(
        empty_url, whole, DERIVED["heads"], "SELECT count(*) FROM verbatim.events"
    )
    assert copy == source
    assert copy_heads == source_heads
    assert events == [(written.head,)]


async def test_restored_log_goes_on_after_its_last_position(
    database_url: str, empty_url: str, tmp_path: Path
) -> None:
    async with log_node(database_url) as node:
        stream = new_stream()
        await node.store.append(append_to(stream, 0))
        await node.store.append(append_to(new_stream(), 0))
    await back_up(database_url, tmp_path)
    await bring_up(empty_url, tmp_path / "backup")
    used = "SELECT last_value, is_called FROM verbatim.inbox_inbox_id_seq"
    assert await rows(database_url, used) == await rows(empty_url, used)
    async with log_node(empty_url) as node:
        await node.store.append(append_to(stream, 1))
        await node.sealer.seal()
        log = await node.store.read_log(0)
        assert [event.position for event in log] == [1, 2, 3]
        assert (log[-1].stream_id, log[-1].stream_version) == (stream, 2)


async def test_idempotency_keys_still_answer_after_a_restore(
    database_url: str, empty_url: str, tmp_path: Path
) -> None:
    stream = new_stream()
    append = append_to(
        stream, 0, Started(), Renamed(title="x"), idempotency_key="k", request_body=b"one"
    )
    async with log_node(database_url) as node:
        stored = await node.store.append(append)
    await back_up(database_url, tmp_path)
    await bring_up(empty_url, tmp_path / "backup")
    async with log_node(empty_url) as node:
        again = await node.store.append(append)
        assert again.is_replay
        assert (again.first_version, again.last_version) == (
            stored.first_version,
            stored.last_version,
        )
        other = append_to(stream, 2, idempotency_key="k", request_body=b"two")
        with pytest.raises(IdempotencyMismatch):
            await node.store.append(other)
        assert (await node.store.head())[0] == 2


async def test_old_log_with_newer_keys_lacks_who_was_erased_and_still_verifies(
    database_url: str, empty_url: str, tmp_path: Path
) -> None:
    async with log_node(database_url) as node:
        of_ada, of_bob = new_stream(), new_stream()
        await node.store.append(append_to(of_ada, 0, Started(title="ada's")))
        await node.store.append(append_to(of_bob, 0, Started(title="bob's"), owner_id="bob"))
        await back_up(database_url, tmp_path, "old")
        await execute(database_url, "DELETE FROM verbatim.data_keys WHERE owner_id = 'bob'")
        await node.store.append(append_to(of_ada, 1))
        await back_up(database_url, tmp_path, "new")
    restored = await bring_up(empty_url, tmp_path / "old", keys_of(tmp_path / "new"))
    assert (restored.head, restored.unreadable_owners) == (2, 1)
    async with log_node(empty_url) as node:
        assert (await node.store.read_stream(of_ada))[0].event == Started(title="ada's")
        with pytest.raises(ContentErased):
            await node.store.read_stream(of_bob)
        log = await node.store.read_log(0)
        ((*leaves,),) = await rows(empty_url, "SELECT leaf FROM verbatim.log ORDER BY position")
        assert [(leaf_hash(event),) for event in log] == leaves


async def test_key_destroyed_while_the_backup_runs_is_in_no_file(
    database_url: str, tmp_path: Path
) -> None:
    async with log_node(database_url) as node:
        await node.store.append(append_to(new_stream(), 0, owner_id="bob"))
        wrapped = await node.pool.fetchval("SELECT wrapped FROM verbatim.data_keys")
    statement = "DELETE FROM verbatim.data_keys"
    written = await _back_up_with(database_url, tmp_path, "verbatim.facts", statement)
    assert written.rows["data_keys"] == 0
    for path in tmp_path.iterdir():
        assert wrapped not in path.read_bytes()


async def test_attachments_are_restored_and_unfinished_ones_left_out(
    database_url: str, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PAGE_ATTACHMENTS", 3)
    monkeypatch.setattr(writing, "PAGE_ATTACHMENT_BYTES", 1_000)
    monkeypatch.setattr(writing, "PAGE_CHUNKS", 2)
    contents = [bytes([n]) * size for n, size in enumerate((10, 400, 5_000, 1, 500, 501, 990))]
    async with log_node(database_url) as node:
        uploaded = [await _upload(node, content, chunk_bytes=100) for content in contents]
        unfinished = await PostgresAttachments(node.pool, node.keys).create("ada", "a", "b", 3)
    await back_up(database_url, tmp_path)
    restored = await bring_up(empty_url, tmp_path / "backup")
    assert restored.attachments == len(contents)
    async with log_node(empty_url) as node:
        attachments = PostgresAttachments(node.pool, node.keys)
        for attachment, content in zip(uploaded, contents, strict=True):
            (found,) = await attachments.find([attachment.attachment_id])
            assert found.is_complete
            assert (found.name, found.size_bytes) == ("notes.txt", len(content))
            assert b"".join([piece async for piece in attachments.open(found)]) == content
        assert await attachments.find([unfinished.attachment_id]) == []


async def test_attachment_deleted_while_it_is_copied_is_not_restored(
    database_url: str, empty_url: str, tmp_path: Path
) -> None:
    async with log_node(database_url) as node:
        kept, deleted = await _upload(node, b"kept"), await _upload(node, b"deleted")
    statement = f"DELETE FROM verbatim.attachments WHERE attachment_id = '{deleted.attachment_id}'"
    written = await _back_up_with(database_url, tmp_path, "verbatim.attachment_chunks", statement)
    assert written.rows["attachments"] == 2
    await bring_up(empty_url, tmp_path / "backup")
    (found,) = await rows(empty_url, "SELECT attachment_id FROM verbatim.attachments")
    assert found == [(kept.attachment_id,)]


async def test_restore_refuses_a_database_with_events(
    database_url: str, empty_url: str, tmp_path: Path
) -> None:
    for url in (database_url, empty_url):
        async with log_node(url) as node:
            await node.store.append(append_to(new_stream(), 0))
    await back_up(database_url, tmp_path)
    before = await rows(empty_url, *TRUTH.values())
    with pytest.raises(DatabaseNotEmpty):
        await bring_up(empty_url, tmp_path / "backup")
    assert await rows(empty_url, *TRUTH.values()) == before


async def test_restore_drops_what_a_server_without_events_has_left(
    database_url: str, empty_url: str, tmp_path: Path
) -> None:
    from projections.building import Builder

    async with log_node(database_url) as node:
        await node.store.append(append_to(new_stream(), 0))
    async with log_node(empty_url) as node:
        await node.keys.current("somebody")
        left = await Builder(node.pool, node.store).ensure_live()
    await back_up(database_url, tmp_path)
    await bring_up(empty_url, tmp_path / "backup")
    keys, schemas = await rows(
        empty_url,
        "SELECT owner_id FROM verbatim.data_keys",
        f"SELECT FROM pg_namespace WHERE nspname = '{left.schema}'",
    )
    assert (keys, schemas) == ([("ada",)], [])
    async with log_node(empty_url) as node:
        assert (await Builder(node.pool, node.store).ensure_live()).position == 1


async def test_backup_is_private_and_leaves_nothing_else_behind(
    database_url: str, tmp_path: Path
) -> None:
    await back_up(database_url, tmp_path)
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert found == {"backup": 0o600, "backup.keys": 0o600}


async def test_backup_that_breaks_off_keeps_the_former_one(
    database_url: str, tmp_path: Path
) -> None:
    await back_up(database_url, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(before) == ["backup", "backup.keys"]
    with pytest.raises(asyncpg.DivisionByZeroError):
        await _back_up_with(database_url, tmp_path, "verbatim.facts", "SELECT 1 / 0")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


async def test_backup_that_cannot_be_written_says_so(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(BackupNotWritten, match="No such file or directory"):
        await back_up(database_url, tmp_path / "nowhere")


async def test_backup_holds_no_transaction_between_its_pages(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PAGE_EVENTS", 5)
    async with log_node(database_url) as node:
        for _ in range(20):
            await node.store.append(append_to(new_stream(), 0))
    statement = (
        "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_xmin IS NOT "
        "NULL AND datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'); END $$"
    )
    await _back_up_with(database_url, tmp_path, "verbatim.log", statement)


async def test_pooler_alone_is_enough(database_url: str, empty_url: str, tmp_path: Path) -> None:
    async with log_node(database_url) as node:
        for _ in range(3):
            await node.store.append(append_to(new_stream(), 0))
        await _upload(node, b"content")
    folder = tmp_path / "pooler"
    folder.mkdir()
    with pgbouncer(database_url, folder, free_port()) as pooled:
        connection = await asyncpg.connect(**connect_arguments(pooled).keywords())
        path = tmp_path / "backup"
        await writing.write_backup(connection, path, keys_of(path))
        await connection.close()
    with (
        pgbouncer(empty_url, folder, free_port()) as pooled,
        BackupFile(path, "log") as log,
        BackupFile(keys_of(path), "keys") as keys,
    ):
        connection = await asyncpg.connect(**connect_arguments(pooled).keywords())
        restored = await restore_backup(connection, log, keys)
        await connection.close()
    assert (restored.head, restored.attachments) == (3, 1)


async def test_every_column_of_the_truth_is_backed_up(database_url: str) -> None:
    (found,) = await rows(
        database_url,
        "SELECT table_name::text, column_name::text FROM information_schema.columns "
        "WHERE table_schema = 'verbatim' AND table_name IN ('events', 'log', 'attachments', "
        "'attachment_chunks', 'checkpoints', 'facts', 'data_keys')",
    )
    saved = {
        (table, column)
        for table, columns in {**LOG_TABLES, **KEY_TABLES}.items()
        for column in columns
    }
    # Which upload may write chunks is of no use once it is complete.
    assert set(found) - saved == {("attachments", "upload_id")}
    assert saved <= set(found)


async def _upload(node: LogNode, content: bytes, *, chunk_bytes: int = 100_000) -> StoredAttachment:
    attachments = PostgresAttachments(node.pool, node.keys, chunk_bytes=chunk_bytes)
    stored = await attachments.create("ada", "notes.txt", "text/plain", len(content))

    async def body() -> AsyncIterator[bytes]:
        yield content

    await attachments.complete(await attachments.write(stored, body()))
    return stored


async def _back_up_with(url: str, folder: Path, source: str, statement: str) -> Any:
    """A backup during which, each time a table is about to be copied, a statement is run."""

    class Interfered(asyncpg.Connection):  # type: ignore[misc]
        async def copy_from_query(self, query: str, *args: Any, **options: Any) -> str:
            if source in query:
                await execute(url, statement)
            answer: str = await super().copy_from_query(query, *args, **options)
            return answer

    async with _connection(url, Interfered) as connection:
        path = folder / "backup"
        return await writing.write_backup(connection, path, keys_of(path))


@asynccontextmanager
async def _connection(url: str, kind: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url, connection_class=kind)
    try:
        yield connection
    finally:
        await connection.close()
