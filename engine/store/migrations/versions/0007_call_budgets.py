"""how many calls were made to platforms that take only so many

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_budgets",
        sa.Column("account", sa.String(length=160), nullable=False),
        sa.Column("lasts_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("rest_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "lasts_ms", name=op.f("pk_call_budgets")),
    )


def downgrade() -> None:
    op.drop_table("call_budgets")
