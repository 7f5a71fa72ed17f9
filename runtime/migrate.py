"""Brings a database to the newest version of the schema; two processes starting at once take turns.

Alembic is told everything here, so there is no alembic.ini. `migrations/env.py` finds an open SQLAlchemy connection in
`config.attributes["connection"]` and the metadata it compares with in `config.attributes["target_metadata"]`.
"""

import re
from typing import TYPE_CHECKING, Any

from runtime.settings import CHECKOUT

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = CHECKOUT / "migrations"
ADVISORY_LOCK = 0x6D696772


def upgrade(database_url: str) -> bool:
    """Apply what is missing, under a session advisory lock; return whether there was anything to apply."""
    import psycopg

    with psycopg.connect(database_url, autocommit=True) as guard:
        guard.execute("select pg_advisory_lock(%s)", (ADVISORY_LOCK,))
        return not is_current(guard) and _run_upgrade(database_url)


def is_current(conn: Any) -> bool:
    """Say whether the database behind the open psycopg connection has the newest version."""
    if conn.execute("select to_regclass('alembic_version')").fetchone()[0] is None:
        return False
    applied = {version for (version,) in conn.execute("select version_num from alembic_version").fetchall()}
    return applied == heads()


def heads() -> set[str]:
    """Return the newest revisions of the migrations in this checkout."""
    from alembic.script import ScriptDirectory

    return set(ScriptDirectory.from_config(config()).get_heads())


def config(**attributes: object) -> "Config":
    """Return Alembic's configuration for this checkout, with the attributes `migrations/env.py` reads."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes.update(attributes)
    return made


def sqlalchemy_url(database_url: str) -> str:
    """Return the same address for SQLAlchemy with the psycopg 3 driver."""
    return re.sub("^postgres(ql)?://", "postgresql+psycopg://", database_url)


def _run_upgrade(database_url: str) -> bool:
    from alembic import command
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    with engine.begin() as connection:
        command.upgrade(config(connection=connection), "head")
    return True
