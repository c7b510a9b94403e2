"""Calls of webhooks have an order and say why they failed; cases told as overdue; tripped breakers."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "event_call",
        sa.Column("seq", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("webhook", sa.Text, nullable=False),
        sa.Column("created_at", WHOLE, nullable=False),
        sa.Column("attempts", WHOLE, nullable=False),
        sa.Column("due", WHOLE, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("lane", WHOLE, nullable=False),
        sa.Column("dead", WHOLE, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index("event_call_open", "event_call", ["webhook", "dead", "seq"])
    old = "seq, webhook, created_at, attempts, due, body"
    op.execute(f"INSERT INTO event_call SELECT {old}, 0, 0, '' FROM webhook_call")
    op.drop_table("webhook_call")
    op.add_column("reply_case", sa.Column("overdue_at", WHOLE))
    op.create_table(
        "breaker_trip",
        sa.Column("rule", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("program", sa.Text, primary_key=True),
        sa.Column("carrier", sa.Text, primary_key=True),
        sa.Column("tripped_at", WHOLE, nullable=False),
        sa.Column("refuses", WHOLE, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("breaker_trip")
    op.drop_column("reply_case", "overdue_at")
    op.rename_table("event_call", "webhook_call")
