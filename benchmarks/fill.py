"""Puts rows into the store of a gateway that does not run: `python fill.py CONFIG COUNT [STATE]`.

They are sealed rows as the gateway's own. Without a state they are messages that were delivered a month ago;
those in an open state were accepted an hour ago and are good for a day. OUTBOX makes receipts that wait for
their account instead, STRAY receipts that have matched no message. What is made of messages behind the
traffic (their numbers, their attestation) is marked as done and left out, so that it does not run beside what
is to be measured.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from gateway.settings.files import load_node
from gateway.smpp.codec import encode
from gateway.smpp.pdus import DeliverSm, SubmitSm
from gateway.store.attestations import ATTESTED
from gateway.store.engine import open_store, store_url
from gateway.store.numbers import NUMBERED
from gateway.store.opening import keys_for
from gateway.store.rows import Changes, Kind, MessageRow, OutboxRow, State, StrayRow

SLICE = 2000
HOUR = 3_600_000
DAY = 24 * HOUR
MONTH = 30 * DAY
TEXT = "【示例商店】周末全场八折，满二百元再减三十元，拒收请回复R".encode("utf-16-be")
ACCOUNTS = 1000
"""Those that segments belong to: one account may have a thousand unfinished texts."""


def message(id: int, state: State, now: int) -> MessageRow:
    """A text as it stands in this state at `now` (unix ms): a promotional one that has ended, else a
    transactional one, which needs no consent.
    """
    segment = state is State.GATHERING
    header = bytes((6, 8, 4, *(id & 0xFFFF).to_bytes(2, "big"), 2, 1)) if segment else b""
    pdu = SubmitSm(
        source_addr="10690001",
        destination_addr=str(8_619_900_000_000 + id),
        esm_class=0x40 if segment else 0,
        data_coding=8,
        short_message=header + TEXT,
        registered_delivery=1,
    )
    ended, named = state is State.DELIVERED, state in (State.DELIVERED, State.SENT)
    was_sent = named or state is State.SENDING
    at = now - (MONTH if ended else HOUR)
    return MessageRow(
        id=id,
        account=f"shop{1 + id % ACCOUNTS}" if segment else "shop",
        client_id=f"{id:010}",
        accepted_at=at,
        source="10690001",
        destination=pdu.destination_addr,
        category="promotional" if state is State.DELIVERED else "transactional",
        generation=1,
        segment_of=id if segment else None,
        pdu=encode(pdu),
        decision='{"rule": "", "words": []}',
        state=state,
        deadline=None if ended else now + (HOUR if state is State.DEFERRED else DAY),
        expires_at=at + DAY,
        carrier="carrier0" if was_sent else None,
        carrier_message_id=str(id) if named else None,
        attempts=int(was_sent),
        sent_at=at + 5 if was_sent else None,
        done_at=at + 900 if ended else None,
    )


def receipt(number: str, id: str) -> bytes:
    """A carrier's or the gateway's word that a text was delivered."""
    told = f"id:{id} sub:001 dlvrd:001 submit date:2603011200 done date:2603011200 stat:DELIVRD err:000 text:"
    return encode(
        DeliverSm(
            source_addr=number, destination_addr="10690001", esm_class=4, short_message=told.encode("ascii")
        )
    )


def put_message(batch: Changes, id: int, state: str, now: int) -> None:
    """A message in this state."""
    batch.insert(message(id, State[state], now))


def put_outbox(batch: Changes, seq: int, state: str, now: int) -> None:
    """A receipt that its account has not fetched."""
    pdu = receipt(str(8_619_900_000_000 + seq), f"{seq:010}")
    batch.enqueue(OutboxRow(seq, "shop", None, Kind.RECEIPT, now - HOUR, now + DAY, 0, pdu))


def put_stray(batch: Changes, seq: int, state: str, now: int) -> None:
    """A receipt that has matched no message."""
    number = str(8_619_900_000_000 + seq)
    batch.stray(StrayRow(seq, "carrier0", f"9{seq:09}", number, now - HOUR, receipt(number, f"9{seq:09}")))


OTHERS: dict[str, tuple[str, Callable[[Changes, int, str, int], None]]] = {
    "OUTBOX": ("outbox", put_outbox),
    "STRAY": ("stray", put_stray),
}
"""What is no message: whose numbers it takes, and how it is made."""


async def fill(reactor: Any, config: Path, count: int, state: str) -> None:
    """In slices; the numbers are the next ones."""
    node = load_node(config, os.environ)
    url = store_url(node, config).render_as_string(hide_password=False)
    store = open_store(url, reactor, vault=keys_for(node, config).vault)
    kind, put = OTHERS.get(state, ("message", put_message))
    try:
        first = await store.ledger.reserve_ids(kind, count)
        now = int(time.time() * 1000)
        for start in range(first, first + count, SLICE):
            batch = Changes()
            end = min(start + SLICE, first + count)
            for number in range(start, end):
                put(batch, number, state, now)
            for counter in (ATTESTED, NUMBERED) if kind == "message" else ():
                batch.add("count", (counter, end - 1))
            await store.journal.commit(batch)
    finally:
        await store.close()


if __name__ == "__main__":
    config, count = Path(sys.argv[1]), int(sys.argv[2])
    state = sys.argv[3] if len(sys.argv) > 3 else "DELIVERED"
    react(lambda reactor: Deferred.fromCoroutine(fill(reactor, config, count, state)))
