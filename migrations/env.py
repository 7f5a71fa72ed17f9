"""Alembic's environment: one transaction a migration, with timeouts, on the connection the caller hands over."""

from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]
target_metadata = context.config.attributes.get("target_metadata")


def include_object(thing, name, kind, reflected, compare_to):  # type: ignore[no-untyped-def]
    """Leave PostGIS's own tables out of the drift check."""
    return not (kind == "table" and reflected and name == "spatial_ref_sys")


# A migration that cannot get its lock soon gives up instead of queueing every reader behind it.
connection.execute(text("set lock_timeout = '5s'"))
connection.execute(text("set statement_timeout = '15min'"))
context.configure(
    connection=connection,
    target_metadata=target_metadata,
    include_object=include_object,
    compare_type=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
