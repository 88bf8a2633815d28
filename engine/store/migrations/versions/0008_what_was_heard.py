"""what came to a shop's doors, and when a platform last answered

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "heard",
        sa.Column("shop", sa.String(length=64), nullable=False),
        sa.Column("integration", sa.String(length=64), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("detail", sa.String(length=100), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "integration", "result", "reason", name=op.f("pk_heard")),
    )
    op.add_column("errands", sa.Column("answered_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("errands", "answered_at")
    op.drop_table("heard")
