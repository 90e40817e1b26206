"""Runs the steps on the connection that `migration` hands in, inside its transaction."""

from alembic import context

from netty.archive.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # also in SQLite: half a migration never stays
    render_as_batch=True,
)
context.run_migrations()
