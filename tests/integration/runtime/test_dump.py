"""PostgreSQL's own dump, brought up in another cluster."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from events.conversation import Renamed, Started
from events.leaf import leaf_hash
from projections.building import Builder
from runtime.embedded import EmbeddedServer
from runtime.embedded.cluster import find_binaries
from tests.integration.runtime.backups import rows
from tests.integration.runtime.servers import start_quickly
from tests.log_node import append_to, log_node, new_stream

SEALED = "SELECT position, stream_id, stream_version, leaf FROM verbatim.log ORDER BY position"


@pytest.fixture
def other_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with start_quickly(tmp_path_factory.mktemp("other")) as server:
        yield server


async def test_dump_restored_elsewhere_keeps_positions_hides_nothing_and_goes_on(
    database_url: str, other_cluster: EmbeddedServer, tmp_path: Path
) -> None:
    async with log_node(database_url) as node:
        await Builder(node.pool, node.store).ensure_live()
        is_done = asyncio.Event()

        async def write() -> None:
            while not is_done.is_set():
                stream = new_stream()
                await node.store.append(append_to(stream, 0, Started(), Renamed(title="x")))
                await node.store.append(append_to(stream, 2, idempotency_key="k"))

        writers = [asyncio.create_task(write()) for _ in range(4)]
        while node.signal.head < 200:
            await asyncio.sleep(0.01)
        await _run("pg_dump", "--format=custom", f"--file={tmp_path / 'dump'}", database_url)
        is_done.set()
        await asyncio.gather(*writers)
        await node.sealer.seal()
    url = other_cluster.url
    await _run("pg_restore", "--exit-on-error", f"--dbname={url}", str(tmp_path / "dump"))
    (source,), (sealed, events, waiting) = (
        await rows(database_url, SEALED),
        await rows(
            url,
            SEALED,
            "SELECT count(*) FROM verbatim.events",
            "SELECT coalesce(sum(last - first + 1), 0)::bigint FROM verbatim.inbox, "
            "unnest(first_versions, last_versions) AS r (first, last)",
        ),
    )
    assert len(sealed) >= 200
    assert sealed == source[: len(sealed)]
    assert events[0][0] == len(sealed) + waiting[0][0]
    async with log_node(url) as node:
        before = await node.sealer.seal()
        assert before == events[0][0]
        await node.store.append(append_to("conversation-next", 0))
        assert await node.sealer.seal() == before + 1
        log = await node.store.read_log(0, limit=before + 1)
        assert [event.position for event in log] == list(range(1, before + 2))
        assert log[-1].stream_id == "conversation-next"
        (leaves,) = await rows(url, "SELECT leaf FROM verbatim.log ORDER BY position")
        assert [(leaf_hash(event),) for event in log] == leaves
        stream = log[0].stream_id
        assert (await node.store.append(append_to(stream, 2, idempotency_key="k"))).is_replay


async def _run(program: str, *arguments: str) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [find_binaries() / program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
