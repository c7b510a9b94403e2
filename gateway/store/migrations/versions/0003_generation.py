"""Every generation that came into force, with its texts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "generation",
        sa.Column("number", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("loaded_at", WHOLE, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("files", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("generation")
