"""Puts messages into the store of a gateway that does not run: `python fill.py CONFIG COUNT [STATE]`.

They are sealed rows as the gateway's own. Without a state they were delivered a month ago; WAITING, DEFERRED
and SENT ones were accepted an hour ago and are good for a day. What is made of them behind the traffic (their
numbers, their attestation) is marked as done and left out, so that it does not run beside what is to be
measured.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from gateway.settings.files import load_node
from gateway.smpp.codec import encode
from gateway.smpp.pdus import SubmitSm
from gateway.store.attestations import ATTESTED
from gateway.store.engine import open_store, store_url
from gateway.store.numbers import NUMBERED
from gateway.store.opening import keys_for
from gateway.store.rows import Changes, MessageRow, State

SLICE = 2000
HOUR = 3_600_000
DAY = 24 * HOUR
MONTH = 30 * DAY


def row(id: int, state: State, now: int) -> MessageRow:
    """A text as it stands in this state at `now` (unix ms): a promotional one that has ended, else a
    transactional one, which needs no consent.
    """
    number = str(8_619_900_000_000 + id)
    text = "【示例商店】周末全场八折，满二百元再减三十元，拒收请回复R".encode("utf-16-be")
    pdu = SubmitSm(
        source_addr="10690001",
        destination_addr=number,
        data_coding=8,
        short_message=text,
        registered_delivery=1,
    )
    ended, was_sent = state is State.DELIVERED, state in (State.DELIVERED, State.SENT)
    at = now - (MONTH if ended else HOUR)
    return MessageRow(
        id=id,
        account="shop",
        client_id=f"{id:010}",
        accepted_at=at,
        source="10690001",
        destination=number,
        category="promotional" if state is State.DELIVERED else "transactional",
        generation=1,
        segment_of=None,
        pdu=encode(pdu),
        decision='{"rule": "", "words": []}',
        state=state,
        deadline=None if ended else now + (HOUR if state is State.DEFERRED else DAY),
        expires_at=at + DAY,
        carrier="carrier0" if was_sent else None,
        carrier_message_id=str(id) if was_sent else None,
        attempts=int(was_sent),
        sent_at=at + 5 if was_sent else None,
        done_at=at + 900 if ended else None,
    )


async def fill(reactor: Any, config: Path, count: int, state: State) -> None:
    """In slices; the ids are the next ones."""
    node = load_node(config, os.environ)
    url = store_url(node, config).render_as_string(hide_password=False)
    store = open_store(url, reactor, vault=keys_for(node, config).vault)
    try:
        first = await store.ledger.reserve_ids("message", count)
        now = int(time.time() * 1000)
        for start in range(first, first + count, SLICE):
            batch = Changes()
            end = min(start + SLICE, first + count)
            for id in range(start, end):
                batch.insert(row(id, state, now))
            for counter in (ATTESTED, NUMBERED):
                batch.add("count", (counter, end - 1))
            await store.journal.commit(batch)
    finally:
        await store.close()


if __name__ == "__main__":
    config, count = Path(sys.argv[1]), int(sys.argv[2])
    state = State[sys.argv[3]] if len(sys.argv) > 3 else State.DELIVERED
    react(lambda reactor: Deferred.fromCoroutine(fill(reactor, config, count, state)))
