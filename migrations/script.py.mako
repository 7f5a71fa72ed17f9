"""${message}"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Apply the change."""
    ${upgrades if upgrades else "op.execute('')"}


def downgrade() -> None:
    """Take the change back."""
    ${downgrades if downgrades else "op.execute('')"}
