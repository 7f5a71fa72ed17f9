"""The closed loop: the whole life-cycle, the clock ledger, duplicates, deliveries, dispatch, field work, figures, connectors."""

from pathlib import Path

from alembic import op

revision = "20261122_2"
down_revision = "20261122_1"
SQL = Path(__file__).parents[1] / "sql"
SECTIONS = ("cases", "clock", "duplicates", "deliveries", "dispatch", "field", "connectors", "figures")


def upgrade() -> None:
    """Run each section's statements."""
    for section in SECTIONS:
        _run(SQL / f"20261122_2_{section}.sql")


def downgrade() -> None:
    """Undo the sections, last first."""
    for section in reversed(SECTIONS):
        _run(SQL / f"20261122_2_{section}_down.sql")


def _run(path: Path) -> None:
    if path.exists() and (statements := path.read_text(encoding="utf-8")).strip():
        op.get_bind().exec_driver_sql(statements)
