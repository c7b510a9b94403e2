"""What an admin has ordered for a part of the traffic."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision: str | None = "0009"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORDS = ("verb", "account", "tenant", "program", "carrier", "category", "prefix")


def upgrade() -> None:
    op.create_table(
        "traffic_directive",
        sa.Column("id", WHOLE, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in WORDS),
        sa.Column("at", WHOLE, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("by", "note", "refuse", "carriers")),
        sa.Column("drained_at", WHOLE),
    )


def downgrade() -> None:
    op.drop_table("traffic_directive")
