"""What Alembic runs to apply migrations: on the connection, and in the transaction, that it is given."""

from __future__ import annotations

from alembic import context

from meshwright.store.tables import metadata

# SQLite cannot alter a column in place; batch mode copies the table instead.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
