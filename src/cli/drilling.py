"""What `verbatim audit drill` does: a backup is restored into a scratch server, then checked."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.audit_log import check_log
from cli.backup import bring_up, open_backup
from cli.errors import CliError
from cli.opened import database_url, run
from cli.progress import reporting
from cli.projections import verify_tables
from events.proofs.log_check import LogReport
from events.proofs.notes import NoteVerifier
from projections.verifying import Verified
from runtime.backup import Restored
from runtime.migrations import migrate
from runtime.own_keys import has_audit_key
from runtime.secret_files import AUDIT_KEY_FILE, EVENT_KEY_FILE
from runtime.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Drilled:
    restored: Restored
    #: None where the log's public key is not known, so that nothing signed could be checked.
    log: LogReport | None
    tables: Verified

    @property
    def findings(self) -> list[str]:
        found = [one.text for one in self.log.findings] if self.log else []
        return found + [
            f"{one.stream_id}: {one.table} {one.row_id} is {one.kind}"
            for one in self.tables.differences
        ]

    def said(self) -> str:
        signed = f"{self.log.checkpoints} checkpoints" if self.log else "no key to check with"
        return (
            f"{self.restored.head} events, {self.restored.attachments} attachments, {signed}, "
            f"{self.tables.rows} rows of read tables"
        )

    def row(self) -> dict[str, Any]:
        return {
            "events": self.restored.head,
            "attachments": self.restored.attachments,
            "unreadable_owners": self.restored.unreadable_owners,
            "checkpoints": self.log.checkpoints if self.log else None,
            "rows": self.tables.rows,
            "findings": self.findings,
        }


def drill_backup(
    settings: Settings,
    file: Path,
    keys: Path | None,
    notes: Sequence[str],
    verifier: NoteVerifier | None,
    *,
    as_json: bool,
) -> Drilled:
    """Raises what a restore raises, and CliError for checkpoints without a key."""
    with ExitStack() as stack, reporting(as_json=as_json) as reporter:
        log, data_keys = open_backup(settings, file, keys, stack, reporter)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="verbatim-drill-")))
        scratch = _scratch(settings, folder)
        url = stack.enter_context(database_url(scratch, creates=True))
        run(migrate(url, scratch.database_start_timeout_seconds))
        restored = run(bring_up(scratch, url, log, data_keys, reporter))
        is_known = verifier is not None or has_audit_key(settings)
        if notes and not is_known:
            raise CliError("The log's public key is not known: set AUDIT_KEY, or give --key.")
        return Drilled(
            restored=restored,
            log=run(check_log(scratch, url, verifier, notes)) if is_known else None,
            tables=run(verify_tables(scratch, url, reporter, None, None)),
        )


def _scratch(settings: Settings, folder: Path) -> Settings:
    """An embedded server in the folder, with the keys of the database that was backed up."""
    for name in (EVENT_KEY_FILE, AUDIT_KEY_FILE):
        source = settings.verbatim_data_dir / name
        if settings.is_embedded and source.exists():
            shutil.copy(source, folder / name)
    return settings.model_copy(
        update={
            "database_url": None,
            "database_direct_url": None,
            "database_read_url": None,
            "verbatim_data_dir": folder,
        }
    )
