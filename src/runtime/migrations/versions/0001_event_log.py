"""The event log, the runs and the registry of read generations."""

from runtime.migrations.scripts import execute_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    for name in ("0001_event_log", "0001_stock_view", "0001_runs", "0001_generations"):
        execute_script(name)


def downgrade() -> None:
    raise NotImplementedError("The event log is never migrated down: restore a backup instead.")
