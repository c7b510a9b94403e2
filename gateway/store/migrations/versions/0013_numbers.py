"""What messages are found by stands in blocks, and is filled anew behind the traffic."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision: str | None = "0012"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "number_block",
        sa.Column("first", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("last", WHOLE, nullable=False),
        sa.Column("ids", sa.LargeBinary, nullable=False),
        sa.Column("keys", sa.LargeBinary, nullable=False),
    )
    op.drop_table("message_number")
    op.execute("DELETE FROM counter WHERE name = 'numbered'")


def downgrade() -> None:
    op.drop_table("number_block")
