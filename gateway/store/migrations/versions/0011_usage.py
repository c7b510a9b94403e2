"""What accounts have used of their quotas, and their balances."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision: str | None = "0010"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NUMBERS = (
    "day",
    "month",
    "messages_per_day",
    "segments_per_day",
    "messages_per_month",
    "segments_per_month",
    "balance",
    "level",
)


def upgrade() -> None:
    op.create_table(
        "account_usage",
        sa.Column("account", sa.Text, primary_key=True),
        *(sa.Column(name, WHOLE, nullable=False) for name in NUMBERS),
    )


def downgrade() -> None:
    op.drop_table("account_usage")
