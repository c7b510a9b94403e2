"""Entries without a relay, for the tests of the pure rooms."""

from __future__ import annotations

from typing import Any

from relay_house import submit

from gateway.message import Message
from gateway.relay.book import Entry
from gateway.smpp.concat import make_sar, part_of


def message(id: int, account: str = "bank", accepted_at: int = 0, **fields: Any) -> Message:
    """A Message of a submit_sm with these fields."""
    pdu = submit(**fields)
    return Message(
        id=id,
        account=account,
        tenant="Bank",
        client_id=f"{id:010d}",
        accepted_at=accepted_at,
        pdu=pdu,
        category="transactional",
        generation=1,
        expires_at=1_000_000,
        part=part_of(pdu),
    )


def entry(id: int, account: str = "bank", **fields: Any) -> Entry:
    """An Entry that waits."""
    return Entry(message(id, account, **fields))


def segment(
    id: int, number: int, total: int, reference: int = 7, account: str = "bank", **fields: Any
) -> Entry:
    """An Entry of one segment of a long text, on disk already."""
    found = entry(id, account, tlvs=make_sar(reference, total, number), **fields)
    found.stored = True
    return found
