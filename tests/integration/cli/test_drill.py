"""`verbatim audit drill`: a restore, rehearsed with a backup that holds and one that does not."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from tests.integration.cli.command_line import CommandLine, on_database
from tests.integration.cli.history import write_history

AUDIT_KEY = "YXVkaXRhdWRpdGF1ZGl0YXVkaXRhdWRpdGF1ZGl0YXU="

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


async def test_backup_that_holds_and_one_that_was_changed(
    database_url: str, tmp_path: Path
) -> None:
    await write_history(database_url)
    plain = on_database(database_url)
    line = CommandLine({**plain.env, "AUDIT_KEY": AUDIT_KEY, "TMPDIR": str(tmp_path)})
    kept = tmp_path / "kept"
    kept.write_text(line.answer("audit", "checkpoint", "--now").out)
    backup = tmp_path / "backup"
    line.answer("backup", str(backup))
    before = sorted(path.name for path in tmp_path.iterdir())
    drilled = line.answer("audit", "drill", str(backup), "--checkpoint", str(kept), "--json")
    row = drilled.rows()[-1]
    assert (row["events"], row["checkpoints"], row["findings"]) == (6, 2, [])
    assert row["rows"] > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    await _change_and_sign_nothing(database_url)
    changed = tmp_path / "changed"
    line.answer("backup", str(changed))
    refused = line.run("audit", "drill", str(changed), "--checkpoint", str(kept))
    assert refused.code == 1
    assert "Positions 1 to 6 are not those" in refused.out


async def _change_and_sign_nothing(url: str) -> None:
    """An event is rewritten with its leaf, and what was signed goes with the tree."""
    connection = await asyncpg.connect(url)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(
        "UPDATE verbatim.events SET recorded_at = recorded_at + interval '1 s'"
        " WHERE stream_version = 2"
    )
    await connection.execute(
        "UPDATE verbatim.log AS l SET leaf = verbatim.leaf_hash(e) FROM verbatim.events AS e"
        " WHERE (e.stream_id, e.stream_version) = (l.stream_id, l.stream_version)"
    )
    await connection.execute("TRUNCATE verbatim.checkpoints, verbatim.tree")
    await connection.close()
