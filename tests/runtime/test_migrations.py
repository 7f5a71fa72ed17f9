"""The schema that the migrations make and the tables that the code declares are the same thing."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from domain.tables import metadata
from runtime import migrate


def test_the_migrated_schema_is_the_one_the_tables_declare(database_url: str) -> None:
    engine = create_engine(migrate.sqlalchemy_url(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_object": lambda _thing, name, kind, _reflected, _other: (kind, name) != ("table", "spatial_ref_sys"),
            },
        )
        assert compare_metadata(context, metadata) == []


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    assert migrate.upgrade(database_url) is False
