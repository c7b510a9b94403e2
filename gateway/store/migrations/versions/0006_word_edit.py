"""The edits of sensitive words made at run time."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision: str | None = "0005"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "word_edit",
        sa.Column("id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("made_at", WHOLE, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("word_key", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
    )
    op.create_index("word_edit_key", "word_edit", ["word_key"])


def downgrade() -> None:
    op.drop_table("word_edit")
