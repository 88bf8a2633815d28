"""variants of decisions, audiences, open carts

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("variant", sa.String(length=40), nullable=False, server_default=""))
    op.create_table(
        "audiences",
        sa.Column("shop", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("visitor", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=True),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "name", "visitor", name=op.f("pk_audiences")),
    )
    with op.batch_alter_table("audiences", schema=None) as batch_op:
        batch_op.create_index("ix_audiences_shop_visitor", ["shop", "visitor"], unique=False)
    is_open = sa.text("status = 'open'")
    op.create_index(
        "ix_carts_open", "carts", ["shop", "visitor"], unique=False, sqlite_where=is_open, postgresql_where=is_open
    )


def downgrade() -> None:
    op.drop_index("ix_carts_open", table_name="carts")
    op.drop_table("audiences")
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.drop_column("variant")
