"""Legal holds, and by what messages of a number are found."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision: str | None = "0006"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "hold",
        sa.Column("id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("since", WHOLE),
        sa.Column("until", WHOLE),
        sa.Column("placed_at", WHOLE, nullable=False),
        sa.Column("lifted_at", WHOLE),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.create_table(
        "message_number",
        sa.Column("number", sa.Text, primary_key=True),
        sa.Column("message_id", WHOLE, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_index("message_number_id", "message_number", ["message_id"])


def downgrade() -> None:
    op.drop_table("message_number")
    op.drop_table("hold")
