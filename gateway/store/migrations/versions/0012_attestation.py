"""Blocks of ended messages, attested."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision: str | None = "0011"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "attestation",
        sa.Column("number", WHOLE, primary_key=True, autoincrement=False),
        *(sa.Column(name, WHOLE, nullable=False) for name in ("first", "last", "late")),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("left", "ids", "leaves", "salts")),
    )


def downgrade() -> None:
    op.drop_table("attestation")
