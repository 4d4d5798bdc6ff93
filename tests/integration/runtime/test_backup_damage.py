"""Files and logs that are not what was written, and what a restore says of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from events.cipher import EventKey
from events.conversation import Renamed
from runtime.backup import BackupFile, writing
from runtime.backup.drafts import Draft
from runtime.backup.format import MAGIC, FileKind, Header, tables_of
from runtime.embedded import EmbeddedServer
from runtime.errors import BackupMismatch, BackupUnreadable, LogDamaged
from tests.databases import cloned, execute
from tests.integration.runtime.backups import (
    TRUTH,
    Pages,
    as_owner,
    back_up,
    bring_up,
    keys_of,
    rewritten,
    rows,
)
from tests.log_node import append_to, log_node, new_stream

EVENTS = 12


@pytest.fixture
async def empty_url(postgres: EmbeddedServer, template_database: str) -> AsyncIterator[str]:
    async with cloned(postgres, template_database) as url:
        yield url


@pytest.fixture
async def filled_url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Four streams of three events each, so that position 5 is version 2 of the second."""
    monkeypatch.setattr(writing, "PAGE_EVENTS", 5)
    async with log_node(database_url) as node:
        await node.keys.check_fingerprint()
        for _ in range(4):
            stream = new_stream()
            for version in range(3):
                await node.store.append(append_to(stream, version))
        await node.sealer.seal()
    return database_url


async def refusal(url: str, path: Path, *, keys: Path | None = None) -> str:
    """What a restore says, having left the database as empty as it was."""
    before = await rows(url, *TRUTH.values())
    with pytest.raises((BackupUnreadable, BackupMismatch, LogDamaged)) as refused:
        await bring_up(url, path, keys)
    after = await rows(url, *TRUTH.values())
    assert after == before
    assert [name for name, found in zip(TRUTH, after, strict=True) if found] == ["facts"]
    return str(refused.value)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 0.7, 0.99])
async def test_truncated_file_is_refused(
    filled_url: str, empty_url: str, tmp_path: Path, share: float
) -> None:
    await back_up(filled_url, tmp_path)
    path = tmp_path / "backup"
    content = path.read_bytes()
    cut = max(len(MAGIC), int(len(content) * share))
    path.write_bytes(content[:cut])
    assert f"ends after {cut} bytes" in await refusal(empty_url, path)


async def test_file_without_its_last_byte_or_with_one_more_is_refused(
    filled_url: str, empty_url: str, tmp_path: Path
) -> None:
    await back_up(filled_url, tmp_path)
    path = tmp_path / "backup"
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert "cut off" in await refusal(empty_url, path)
    path.write_bytes(content + b"\n")
    assert "not as it was written" in await refusal(empty_url, path)


@pytest.mark.parametrize("kind", ["log", "keys"])
async def test_file_with_any_byte_altered_is_refused_before_it_is_loaded(
    filled_url: str, tmp_path: Path, kind: FileKind
) -> None:
    await back_up(filled_url, tmp_path)
    path = tmp_path / ("backup" if kind == "log" else "backup.keys")
    content = bytearray(path.read_bytes())
    for place in range(0, len(content), 13):
        content[place] ^= 0x01
        path.write_bytes(content)
        with pytest.raises(BackupUnreadable), BackupFile(path, kind) as backup:
            backup.check()
        content[place] ^= 0x01
    path.write_bytes(content)
    with BackupFile(path, kind) as backup:
        backup.check()


async def test_file_altered_after_it_was_checked_is_not_restored(
    filled_url: str, empty_url: str, tmp_path: Path
) -> None:
    await back_up(filled_url, tmp_path)
    path = tmp_path / "backup"
    content = path.read_bytes()
    place = content.rindex(b"conversation.renamed")
    path.write_bytes(content.replace(content[place : place + 4], b"nonv"))
    assert "not as it was written" in await refusal(empty_url, path)


async def test_what_is_no_backup_is_named(filled_url: str, tmp_path: Path) -> None:
    await back_up(filled_url, tmp_path)
    (tmp_path / "notes").write_text("Some notes of mine, which are no backup.")
    with pytest.raises(BackupUnreadable, match="is no backup"):
        BackupFile(tmp_path / "notes", "log")
    with pytest.raises(BackupUnreadable, match="cannot be read"):
        BackupFile(tmp_path / "missing", "log")
    with pytest.raises(BackupUnreadable, match="holds the events of a backup"):
        BackupFile(tmp_path / "backup", "keys")
    with pytest.raises(BackupUnreadable, match="holds the data keys of a backup"):
        BackupFile(tmp_path / "backup.keys", "log")


@pytest.mark.parametrize("newer", [{"format": 2}, {"revision": "9999"}])
def test_backup_of_a_newer_release_is_refused(tmp_path: Path, newer: dict[str, Any]) -> None:
    header = Header(
        **{
            "kind": "log",
            "taken_at": datetime.now(UTC),
            "revision": "0001",
            "event_key_fingerprint": None,
            "head": 0,
            "inbox_id": 0,
            "tables": dict(tables_of("log")),
            **newer,
        }
    )
    with Draft(tmp_path / "newer", header) as draft:
        draft.finish()
        draft.publish()
    with pytest.raises(BackupUnreadable, match="newer release"):
        BackupFile(tmp_path / "newer", "log")


async def test_keys_of_another_server_are_refused(
    filled_url: str,
    empty_url: str,
    tmp_path: Path,
    postgres: EmbeddedServer,
    template_database: str,
) -> None:
    await back_up(filled_url, tmp_path)
    async with cloned(postgres, template_database) as url:
        async with log_node(url, event_key=EventKey(b"f" * 32)) as node:
            await node.keys.check_fingerprint()
            for version in range(EVENTS):
                await node.store.append(append_to("conversation-x", version))
        await back_up(url, tmp_path, "foreign")
    said = await refusal(empty_url, tmp_path / "backup", keys=keys_of(tmp_path / "foreign"))
    assert "belongs to another server" in said


async def test_keys_older_than_the_log_are_refused(
    filled_url: str, empty_url: str, tmp_path: Path
) -> None:
    await back_up(filled_url, tmp_path, "old")
    async with log_node(filled_url) as node:
        await node.store.append(append_to(new_stream(), 0, owner_id="eve"))
    await back_up(filled_url, tmp_path, "new")
    said = await refusal(empty_url, tmp_path / "new", keys=keys_of(tmp_path / "old"))
    assert "is older than" in said


async def test_backup_of_a_log_with_a_hole_says_where(filled_url: str, tmp_path: Path) -> None:
    await as_owner(filled_url, "DELETE FROM verbatim.log WHERE position = 7")
    with pytest.raises(LogDamaged, match="position 7:"):
        await back_up(filled_url, tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_backup_of_a_log_without_an_event_says_where(filled_url: str, tmp_path: Path) -> None:
    await as_owner(
        filled_url,
        "DELETE FROM verbatim.events e USING verbatim.log l WHERE l.position = 6 AND "
        "(e.stream_id, e.stream_version) = (l.stream_id, l.stream_version)",
    )
    with pytest.raises(LogDamaged, match="position 6:"):
        await back_up(filled_url, tmp_path)


EVENT_AT_5 = "(SELECT stream_id FROM verbatim.log WHERE position = 5) AND stream_version = 2"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            f"UPDATE verbatim.events SET state = state || 'x' WHERE stream_id = {EVENT_AT_5}",
            "position 5: version 2 of",
        ),
        (
            f"UPDATE verbatim.events SET topic = 'x' WHERE stream_id = {EVENT_AT_5}",
            "position 5: version 2 of",
        ),
        (
            "UPDATE verbatim.events SET recorded_at = recorded_at + interval '1 microsecond' "
            f"WHERE stream_id = {EVENT_AT_5}",
            "position 5: version 2 of",
        ),
        ("UPDATE verbatim.log SET leaf = sha256('') WHERE position = 9", "position 9: version 3"),
        ("UPDATE verbatim.log SET owner_id = 'eve' WHERE position = 9", "position 9: version 3"),
        (
            "UPDATE verbatim.log SET position = position + 100 WHERE position IN (4, 5);"
            "UPDATE verbatim.log SET position = 5 WHERE position = 104;"
            "UPDATE verbatim.log SET position = 4 WHERE position = 105",
            "position 4: it holds version 2",
        ),
    ],
)
async def test_altered_log_is_refused_with_the_position(
    filled_url: str, empty_url: str, tmp_path: Path, statement: str, said: str
) -> None:
    await as_owner(filled_url, *statement.split(";"))
    await back_up(filled_url, tmp_path)
    assert said in await refusal(empty_url, tmp_path / "backup")


def without(*places: int) -> Callable[[Pages], Sequence[Any]]:
    return lambda pages: [page for n, page in enumerate(pages) if n not in places]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        # Pages of events and of log take turns, five positions each.
        (without(2, 3), "position 6: there is no event at it"),
        (without(0, 1), "position 1: there is no event at it"),
        (without(4, 5), "position 11: the log should end at 12"),
        (without(2), "position 6: version 3 of"),
        (without(5), "position 11: the log should end at 12"),
        (lambda pages: [*pages, pages[3]], 'cannot be loaded into log (Key ("position")=(6)'),
        (lambda pages: [*pages, pages[0]], "cannot be loaded into events (Key (stream_id"),
        (
            lambda pages: [("log", pages[0][1], 5), *pages],
            "cannot be loaded into log (",
        ),
        (lambda pages: [(*pages[0][:2], 4), *pages[1:]], "has a page of events with other rows"),
    ],
)
async def test_backup_put_together_anew_is_refused_with_the_position(
    filled_url: str,
    empty_url: str,
    tmp_path: Path,
    change: Callable[[Pages], Sequence[Any]],
    said: str,
) -> None:
    await back_up(filled_url, tmp_path)
    await rewritten(tmp_path / "backup", tmp_path / "forged", change)
    keys = keys_of(tmp_path / "backup")
    assert said in await refusal(empty_url, tmp_path / "forged", keys=keys)


async def test_events_without_a_position_are_refused(
    filled_url: str, empty_url: str, tmp_path: Path
) -> None:
    async with log_node(filled_url) as node:
        for version in range(3):
            await node.store.append(append_to("conversation-more", version))
    await back_up(filled_url, tmp_path, "more")

    def change(pages: Pages) -> Pages:
        kept = [page for page in pages if page[0] == "log"][:2]
        return [*(page for page in pages if page[0] == "events"), *kept]

    await rewritten(tmp_path / "more", tmp_path / "forged", change)
    said = await refusal(empty_url, tmp_path / "forged", keys=keys_of(tmp_path / "more"))
    assert "position 11: the log should end at 15" in said


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM verbatim.attachment_chunks WHERE chunk = 1",
        "UPDATE verbatim.attachment_chunks SET body = substr(body, 2) WHERE chunk = 1",
    ],
)
async def test_attachment_that_is_not_whole_is_refused(
    filled_url: str, empty_url: str, tmp_path: Path, statement: str
) -> None:
    from agent.attachments import PostgresAttachments

    async with log_node(filled_url) as node:
        attachments = PostgresAttachments(node.pool, node.keys, chunk_bytes=10)
        stored = await attachments.create("ada", "notes", "text/plain", 25)

        async def body() -> AsyncIterator[bytes]:
            yield b"five " * 5

        await attachments.complete(await attachments.write(stored, body()))
    await execute(filled_url, statement)
    await back_up(filled_url, tmp_path)
    said = await refusal(empty_url, tmp_path / "backup")
    assert f"Attachment {stored.attachment_id} is not whole" in said


async def test_altered_content_that_still_hashes_is_told_by_its_key(
    filled_url: str, empty_url: str, tmp_path: Path
) -> None:
    """Whoever recomputes leaf and checksum as well still cannot make an event that decrypts."""
    from events.errors import UnreadableState

    forged = (
        f"UPDATE verbatim.events SET state = set_byte(state, 20, 0) WHERE stream_id = {EVENT_AT_5}",
        "UPDATE verbatim.log l SET leaf = verbatim.leaf_hash(e) FROM verbatim.events e WHERE "
        "l.position = 5 AND (e.stream_id, e.stream_version) = (l.stream_id, l.stream_version)",
    )
    await as_owner(filled_url, *forged)
    await back_up(filled_url, tmp_path)
    await bring_up(empty_url, tmp_path / "backup")
    async with log_node(empty_url) as node:
        log = await node.store.read_log(0)
        with pytest.raises(UnreadableState, match=r"position 5"):
            await node.store.decode(log)
        assert (await node.store.decode(log[5:6]))[0].event == Renamed(title="again")
