"""The edits of templates made at run time."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision: str | None = "0008"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "template_edit",
        sa.Column("id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("made_at", WHOLE, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
    )
    op.create_index("template_edit_name", "template_edit", ["tenant", "name"])


def downgrade() -> None:
    op.drop_table("template_edit")
