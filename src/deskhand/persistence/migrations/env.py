"""Run by Alembic: migrates on the connection, and in the transaction, that `migrate` handed over."""

from alembic import context

from deskhand.persistence.metadata import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
