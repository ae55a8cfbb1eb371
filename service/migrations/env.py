"""How Alembic runs here: on the connection that it is given, for our tables and the ledger's."""

from alembic import context

from service.migrations.metadata import ALL

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=ALL,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
