"""The gateway's own texts: answers to replies, back by the carrier that a reply came by, judged by nobody."""

from __future__ import annotations

import json
from collections import Counter

from twisted.logger import Logger

from gateway.message import Message
from gateway.relay.batch import Batch
from gateway.relay.book import Book, Entry
from gateway.relay.clocks import Clocks
from gateway.relay.dispatch import Dispatch
from gateway.relay.ids import Ids, OutOfIds
from gateway.smpp.concat import part_of
from gateway.smpp.pdus import DeliverSm, SubmitSm
from gateway.smpp.text import segment_text

log = Logger(__name__)

UDHI = 0x40


class Speaker:
    """Answers handsets. What it says is a message of the account whose number was written to, without an id
    for that client: it is told nothing of it.
    """

    def __init__(self, ids: Ids, book: Book, dispatch: Dispatch, clocks: Clocks) -> None:
        self.ids = ids
        self.book = book
        self.dispatch = dispatch
        self.clocks = clocks
        self.patience_ms = 300_000
        self.counts: Counter[str] = Counter()

    def answer(
        self, reply: DeliverSm, carrier: str, account: str, tenant: str, text: str, why: str, batch: Batch
    ) -> None:
        """Send `text` to who wrote `reply`; `why` stands in the decision record."""
        pdus = texts_of(text, reply.destination_addr, reply.source_addr, self.clocks.now_ms())
        try:
            first = self.ids.take(len(pdus))
        except OutOfIds:
            log.warn("a reply could not be answered: no ids yet")
            return
        self.counts["answers"] += 1
        for offset, pdu in enumerate(pdus):
            pdu = pdu._replace(
                source_addr_ton=reply.dest_addr_ton,
                source_addr_npi=reply.dest_addr_npi,
                dest_addr_ton=reply.source_addr_ton,
                dest_addr_npi=reply.source_addr_npi,
            )
            self._send(pdu, first, first + offset, carrier, account, tenant, why, batch)

    def _send(
        self,
        pdu: SubmitSm,
        first: int,
        message_id: int,
        carrier: str,
        account: str,
        tenant: str,
        why: str,
        batch: Batch,
    ) -> None:
        now = self.clocks.now_ms()
        part = part_of(pdu)
        message = Message(
            id=message_id,
            account=account,
            tenant=tenant,
            client_id="",
            accepted_at=now,
            pdu=pdu,
            category="service",
            generation=self.dispatch.generation,
            expires_at=now + self.patience_ms,
            part=part,
            segment_of=first if part is not None else None,
            by=carrier,
        )
        entry = Entry(message, carrier=carrier)
        entry.decision = json.dumps(
            {
                "generation": self.dispatch.generation,
                "verdict": "allow",
                "words": [
                    {"filter": "gateway", "mode": "enforce", "action": "allow", "rule": why, "place": ""}
                ],
            },
            ensure_ascii=False,
        )
        self.dispatch.place(entry, now, batch)
        self.book.accept(entry, batch)


def texts_of(text: str, source: str, destination: str, now: int) -> list[SubmitSm]:
    """A text in as many submit_sm as it needs; `now`, unix milliseconds, gives long ones their reference."""
    return [
        SubmitSm(
            source_addr=source.lstrip("+"),
            source_addr_npi=1,
            destination_addr=destination,
            dest_addr_ton=1,
            dest_addr_npi=1,
            esm_class=UDHI if segment.udhi else 0,
            registered_delivery=0,
            data_coding=segment.data_coding,
            short_message=segment.short_message,
        )
        for segment in segment_text(text, now & 0xFF)
    ]
