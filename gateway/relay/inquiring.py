"""Asking a carrier by query_sm what became of messages whose receipts never came, before they are given up.

A question is asked by the id that the carrier gave, and only about a message that it has named: what was
submitted and never answered has no id to ask by. How often a message was asked about follows from the time
since its receipt was due, so that after restarts it is asked about neither too often nor for ever.
"""

from __future__ import annotations

from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.relay.addressing import Unfit
from gateway.relay.batch import Batch, Outgoing
from gateway.relay.book import Book, Entry
from gateway.relay.carrier import Carrier
from gateway.relay.clocks import Clocks
from gateway.relay.inbound import Inbound
from gateway.relay.outbound import outbound
from gateway.relay.parts import ids_of
from gateway.settings.carriers import Query
from gateway.smpp.constants import CommandStatus, MessageState
from gateway.smpp.pdus import Pdu, QuerySm, QuerySmResp
from gateway.smpp.receipts import Receipt
from gateway.store.rows import State


class Question(NamedTuple):
    """What a carrier is asked: about a message, by its own id for it."""

    message_id: int
    identity: str
    pdu: QuerySm


@dataclass(slots=True)
class Desk:
    """What one carrier is still to be asked, at its rate."""

    waiting: deque[Question] = field(default_factory=deque)
    resting: bool = False  # after a question, for as long as its rate says


class Inquiring:
    """Asks all carriers."""

    def __init__(self, book: Book, inbound: Inbound, outgoing: Outgoing, clocks: Clocks) -> None:
        self.book = book
        self.inbound = inbound
        self.outgoing = outgoing
        self.clocks = clocks
        self.counts: Counter[tuple[str, str]] = Counter()
        self._desks: dict[str, Desk] = {}

    def asks(self, carrier: Carrier, entry: Entry, now: int, batch: Batch) -> bool:
        """Have a carrier asked about a message whose receipt is overdue, and put that off until the next
        question; False if it was asked often enough, or there is no id to ask by.
        """
        settings = carrier.settings.query
        due = (entry.sent_at or now) + int(carrier.settings.receipt_timeout * 1000)
        every = max(1, int(settings.every * 1000))
        asked = max(0, now - due) // every
        identities = [each for each in ids_of(entry.carrier_message_id or "") if each]
        if asked >= settings.tries or not identities:
            return False
        self.book.move(entry, State.SENT, max(now + 1, due + (asked + 1) * every), batch)
        questions = [self._question(carrier, entry, identity, now) for identity in identities]
        batch.after.append(lambda: self._queue(carrier, questions))
        return True

    def _question(self, carrier: Carrier, entry: Entry, identity: str, now: int) -> Question:
        """The query_sm says the source address as the carrier has had it."""
        message = entry.message
        source = message.pdu
        with suppress(Unfit):  # it was fit when it was sent; its settings may have changed
            source, *_ = carrier.adapter.adapt(outbound(message, now), message, now, bare=False)
        pdu = QuerySm(
            message_id=written(identity, carrier.settings.query),
            source_addr_ton=source.source_addr_ton,
            source_addr_npi=source.source_addr_npi,
            source_addr=source.source_addr,
        )
        return Question(message.id, identity, pdu)

    # asking

    def _queue(self, carrier: Carrier, questions: list[Question]) -> None:
        desk = self._desks.setdefault(carrier.name, Desk())
        desk.waiting.extend(questions)
        if not desk.resting:
            self._ask(carrier, desk)

    def _ask(self, carrier: Carrier, desk: Desk) -> None:
        """Ask the next question, if the carrier is up and has a slot; else it is asked when it is due."""
        desk.resting = bool(desk.waiting)
        if not desk.waiting:
            return
        question = desk.waiting.popleft()
        link = carrier.widest()
        if link is None:
            self.counts[carrier.name, "put_off"] += 1
        else:
            link.protocol.send(question.pdu, question)
            self.outgoing.add(link.protocol)
            self.outgoing.flush()
            self.counts[carrier.name, "asked"] += 1
        self.clocks.timer.callLater(1 / carrier.settings.query.rate, self._ask, carrier, desk)

    # answers

    def answered(self, carrier: Carrier, question: Question, pdu: Pdu, batch: Batch) -> None:
        """The carrier has answered: a final state ends the message, as its receipt would have."""
        self.counts[carrier.name, self._heard(carrier, question, pdu, batch)] += 1

    def _heard(self, carrier: Carrier, question: Question, pdu: Pdu, batch: Batch) -> str:
        if not isinstance(pdu, QuerySmResp) or pdu.command_status != CommandStatus.ESME_ROK:
            return "refused"
        if pdu.message_id and not _same(pdu.message_id, question.pdu.message_id):
            return "of_another"
        state = MessageState(pdu.message_state)
        receipt = Receipt(
            message_id=question.identity, state=state, stat=state.name, err=str(pdu.error_code or "")
        )
        if self.inbound.final_state(carrier, receipt) is None:
            return "under_way"
        self.inbound.learn(carrier, question.message_id, question.identity, receipt, batch)
        return "told"

    def unanswered(self, carrier: Carrier) -> None:
        """No answer has come, or none can any more."""
        self.counts[carrier.name, "unanswered"] += 1


def written(identity: str, settings: Query) -> str:
    """An id as the carrier is asked by it."""
    if settings.id != "exact" and identity.isascii() and identity.isdigit():
        identity = f"{int(identity):x}" if settings.id == "hex" else f"{int(identity):X}"
    return identity.zfill(settings.width)


def _same(one: str, other: str) -> bool:
    """Whether two writings are of one id: carriers drop and add zeros."""
    return one.strip().casefold().lstrip("0") == other.strip().casefold().lstrip("0")
