"""The record of what people have done."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("position", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("at", WHOLE, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("person", sa.Text),
        sa.Column("entry", sa.Text),
        sa.Column("salt", sa.LargeBinary),
        sa.Column("commitment", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_index("audit_person", "audit", ["person"])


def downgrade() -> None:
    op.drop_table("audit")
