"""looks that timers brought, whose browser was whose, and from when on which rules were live

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rechecks",
        sa.Column("shop", sa.String(length=64), nullable=False),
        sa.Column("visitor", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("shop", "visitor", "at", name=op.f("pk_rechecks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "links",
        sa.Column("shop", sa.String(length=64), nullable=False),
        sa.Column("visitor", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "visitor", "person", name=op.f("pk_links")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_links_shop_person", "links", ["shop", "person"], unique=False)
    op.execute(
        "INSERT INTO links (shop, visitor, person, at) SELECT shop, id, person, seen_at FROM visitors "
        "WHERE person IS NOT NULL"
    )
    op.create_table(
        "rule_changes",
        sa.Column("shop", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("shop", "at", name=op.f("pk_rule_changes")),
    )
    # What is known of the time before: when each file was said to be live last.
    op.execute("INSERT INTO rule_changes (shop, at, hash) SELECT shop, live_at, MAX(hash) FROM rule_sets GROUP BY 1, 2")


def downgrade() -> None:
    op.drop_table("rule_changes")
    op.drop_table("links")
    op.drop_table("rechecks")
