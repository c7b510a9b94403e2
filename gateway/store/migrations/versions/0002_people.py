"""Consents, suppressions, cases of replies, and calls of webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "consent_event",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("position", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("recorded_at", WHOLE, nullable=False),
        sa.Column("commitment", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("salt", sa.LargeBinary),
        sa.Column("number", sa.Text),
        sa.Column("event", sa.Text),
    )
    op.create_index("consent_event_number", "consent_event", ["number"])
    op.create_table(
        "suppression",
        *(
            sa.Column(name, sa.Text, primary_key=True)
            for name in ("type", "tenant", "program", "category", "name", "number")
        ),
        sa.Column("since", WHOLE),
        sa.Column("until", WHOLE),
        sa.Column("added_at", WHOLE, nullable=False),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
    )
    op.create_table(
        "reply_case",
        sa.Column("id", WHOLE, primary_key=True, autoincrement=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("rule", "tenant", "account", "number", "reply")
        ),
        sa.Column("complaint", WHOLE, nullable=False),
        sa.Column("opened_at", WHOLE, nullable=False),
        sa.Column("deadline", WHOLE, nullable=False),
        sa.Column("closed_at", WHOLE),
        sa.Column("closed_by", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_table(
        "webhook_call",
        sa.Column("seq", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("webhook", sa.Text, nullable=False),
        sa.Column("created_at", WHOLE, nullable=False),
        sa.Column("attempts", WHOLE, nullable=False),
        sa.Column("due", WHOLE, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )


def downgrade() -> None:
    for table in ("webhook_call", "reply_case", "suppression", "consent_event"):
        op.drop_table(table)
