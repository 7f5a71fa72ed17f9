"""The foundation: people, areas, places, routing, devices, reports, alerts, cases and events."""

from pathlib import Path

from alembic import op

revision = "20261122_1"
down_revision = None
SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Create every table, the append-only guards and the rows the product cannot do without."""
    for part in ("20261122_1_foundation.sql", "20261122_1_guards.sql"):
        op.get_bind().exec_driver_sql((SQL / part).read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop everything the foundation made."""
    op.get_bind().exec_driver_sql((SQL / "20261122_1_down.sql").read_text(encoding="utf-8"))
