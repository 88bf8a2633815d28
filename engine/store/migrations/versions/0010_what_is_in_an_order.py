"""what is in an order, for a mail that asks to pay it

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("body", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("told_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_column("told_at")
        batch_op.drop_column("body")
