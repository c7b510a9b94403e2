"""Entries that were taken off their lists."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision: str | None = "0007"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "lifted_suppression",
        *(
            sa.Column(name, sa.Text, primary_key=True)
            for name in ("number", "type", "tenant", "program", "category", "name")
        ),
        sa.Column("lifted_at", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("since", WHOLE),
        sa.Column("until", WHOLE),
        sa.Column("added_at", WHOLE, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("added_by", "evidence", "lifted_by")),
    )
    op.create_index("lifted_suppression_at", "lifted_suppression", ["lifted_at"])


def downgrade() -> None:
    op.drop_table("lifted_suppression")
