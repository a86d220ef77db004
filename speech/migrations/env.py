"""Alembic's entry: runs the versions on the connection that speech.migrations hands over."""

from alembic import context

from speech.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
