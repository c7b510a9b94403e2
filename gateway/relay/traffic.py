"""Traffic with the carriers: one read of a link, its answers and its requests, as one batch."""

from __future__ import annotations

from twisted.logger import Logger

from gateway.relay.alerts import Alerts
from gateway.relay.batch import Batch, Committer, Outgoing
from gateway.relay.book import Book, Entry
from gateway.relay.carrier import Carrier, Link
from gateway.relay.clocks import Clocks
from gateway.relay.counters import Counts, Latency
from gateway.relay.dispatch import Dispatch
from gateway.relay.ids import OutOfIds
from gateway.relay.inbound import Inbound
from gateway.relay.inquiring import Inquiring, Question
from gateway.relay.parts import Taken
from gateway.smpp.constants import CommandStatus
from gateway.smpp.events import Answered, Event, Received, Unanswered
from gateway.smpp.pdus import AlertNotification, DataSm, DataSmResp, DeliverSm, Pdu, SubmitSmResp
from gateway.smpp.receipts import canonical_id
from gateway.store.rows import SENDING, SENT

log = Logger(__name__)

TAKEN = (SubmitSmResp, DataSmResp)
FROM_HANDSETS = (DeliverSm, DataSm)
_OK = int(CommandStatus.ESME_ROK)


class Traffic:
    """Takes the events of all carriers' links."""

    def __init__(
        self,
        book: Book,
        dispatch: Dispatch,
        inbound: Inbound,
        alerts: Alerts,
        committer: Committer,
        outgoing: Outgoing,
        clocks: Clocks,
    ) -> None:
        self.book = book
        self.dispatch = dispatch
        self.inbound = inbound
        self.inquiring = Inquiring(book, inbound, outgoing, clocks)
        self.alerts = alerts
        self.committer = committer
        self.outgoing = outgoing
        self.clocks = clocks
        self.answers: Counts[tuple[str, int]] = Counts()
        self.latency: dict[str, Latency] = {}

    def take(self, carrier: Carrier, link: Link, events: list[Event]) -> None:
        """One read's events; none at all say that the link is ready for messages."""
        batch = Batch(now=self.clocks.now_ms())
        now = self.clocks.timer.seconds()
        for event in events:
            if isinstance(event, Answered):
                self._answered(carrier, event, now, batch)
            elif isinstance(event, Received):
                self._received(carrier, link, event.pdu, batch)
            elif isinstance(event, Unanswered):
                if isinstance(event.context, Entry):
                    carrier.heard(None, event.sent_at)
                    self.dispatch.retrying.unanswered(carrier, event.context, batch)
                elif isinstance(event.context, Question):
                    self.inquiring.unanswered(carrier)
        awaited = batch.delivered or batch.ended or batch.after
        self.committer.commit(batch, must=True, patient=not awaited)
        self.dispatch.pump()

    def _answered(self, carrier: Carrier, event: Answered, now: float, batch: Batch) -> None:
        entry, pdu = event.context, event.pdu
        if not isinstance(entry, Entry):
            if isinstance(entry, Question):
                self.inquiring.answered(carrier, entry, pdu, batch)
            return
        status = carrier.meaning(pdu.command_status)
        carrier.heard(status, event.sent_at)
        if entry.state is not SENDING:
            return
        self.answers[carrier.name, pdu.command_status] += 1
        waited = now - event.sent_at
        latency = self.latency.get(carrier.name)
        if latency is None:
            latency = self.latency[carrier.name] = Latency()
        latency.add(waited)
        if status == _OK and isinstance(pdu, TAKEN):
            self._taken(carrier, entry, canonical_id(pdu.message_id, carrier.id_in_response), batch)
        else:
            self.dispatch.retrying.refused(carrier, entry, status or CommandStatus.ESME_RSUBMITFAIL, batch)

    def _taken(self, carrier: Carrier, entry: Entry, identity: str, batch: Batch) -> None:
        """The carrier has taken a message under this id, or one more of its segments."""
        parts = entry.parts
        if parts is None:
            entry.carrier_message_id = identity
        else:
            parts.taken.append(Taken(identity))
            entry.carrier_message_id = parts.written()
        if parts is None or parts.complete:
            self.book.move(entry, SENT, entry.deadline, batch)  # the receipt is awaited since the mark
            self.inbound.sent(carrier, entry, identity, batch)
            self.dispatch.settled(entry)
            return
        self.inbound.sent(carrier, entry, identity, batch)
        if not entry.state.final:  # nor has one of its segments failed already
            self.dispatch.retrying.go_on(carrier, entry, batch)

    def _received(self, carrier: Carrier, link: Link, pdu: Pdu, batch: Batch) -> None:
        if not isinstance(pdu, FROM_HANDSETS):
            if isinstance(pdu, AlertNotification):
                self.alerts.relay(pdu)
            return
        try:
            self.inbound.take(carrier, link, pdu, batch)
        except OutOfIds:
            self.inbound.respond(link, pdu, CommandStatus.ESME_RX_T_APPN)
