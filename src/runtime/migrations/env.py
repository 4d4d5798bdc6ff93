"""Alembic's entry point; `runtime.migrations.migrate` hands over the open connection."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=None,
    version_table="schema_version",
    version_table_schema="verbatim",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
