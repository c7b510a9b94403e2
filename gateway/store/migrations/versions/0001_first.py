"""Messages, outboxes, stray receipts and counters."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("deadline IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "message",
        sa.Column("id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("accepted_at", WHOLE, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.Column("segment_of", WHOLE),
        sa.Column("pdu", sa.LargeBinary, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("state", WHOLE, nullable=False),
        sa.Column("deadline", WHOLE),
        sa.Column("expires_at", WHOLE, nullable=False),
        sa.Column("carrier", sa.Text),
        sa.Column("carrier_message_id", sa.Text),
        sa.Column("attempts", WHOLE, nullable=False),
        sa.Column("sent_at", WHOLE),
        sa.Column("done_at", WHOLE),
        sa.Column("error", WHOLE, nullable=False),
        sa.Column("trail", sa.Text, nullable=False),
    )
    op.create_index("message_deadline", "message", ["deadline"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("message_open", "message", ["id"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_table(
        "outbox",
        sa.Column("seq", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("message_id", WHOLE),
        sa.Column("kind", WHOLE, nullable=False),
        sa.Column("created_at", WHOLE, nullable=False),
        sa.Column("expires_at", WHOLE, nullable=False),
        sa.Column("attempts", WHOLE, nullable=False),
        sa.Column("pdu", sa.LargeBinary, nullable=False),
    )
    op.create_index("outbox_account", "outbox", ["account", "seq"])
    op.create_table(
        "stray",
        sa.Column("seq", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("carrier", sa.Text, nullable=False),
        sa.Column("carrier_message_id", sa.Text, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("received_at", WHOLE, nullable=False),
        sa.Column("pdu", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", WHOLE, nullable=False),
    )


def downgrade() -> None:
    for table in ("counter", "stray", "outbox", "message"):
        op.drop_table(table)
