"""One connection of a client: which requests go where, and how fast they may come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.logger import Logger

from gateway.relay.batch import Batch
from gateway.relay.outbox import Parcel
from gateway.smpp.codec import Header, refusal
from gateway.smpp.constants import V50, CommandStatus, Tag
from gateway.smpp.events import Answered, Close, Event, Received, Unanswered, Unbound, Violation
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import (
    CancelSm,
    DataSm,
    DataSmResp,
    Pdu,
    QuerySm,
    ReplaceSm,
    SubmitMulti,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.protocol import SmppProtocol
from gateway.smpp.states import BindPdu, State

if TYPE_CHECKING:
    from gateway.relay.accounts import Account
    from gateway.relay.server import Server

log = Logger(__name__)

RECEIVING = frozenset({State.BOUND_RX, State.BOUND_TRX})


class Client:
    """A connection, and once it is bound, one session of an account."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.account: Account | None = None
        self.address_range = ""
        self.since = 0.0  # unix seconds: the bind
        self.paused = False
        self.behind = 0  # requests that came in one read with the one at hand, after it
        self.protocol: SmppProtocol  # from `connected` on

    # as a receiver of deliver_sm

    def accepts(self, parcel: Parcel) -> bool:
        """Whether the address_range of the bind takes messages to that address; an empty one takes all."""
        return not self.address_range or self.server.in_range(self.address_range, parcel.to)

    # from the protocol

    def connected(self, link: SmppProtocol) -> None:
        """The transport is there."""
        self.protocol = link
        self.server.connected(self)

    def received(self, link: SmppProtocol, events: list[Event]) -> None:
        """One read: all it asks for is judged, committed and answered together.

        What it answers to our deliveries is kept whatever becomes of its requests.
        """
        clocks, committer = self.server.clocks, self.server.committer
        batch: Batch | None = None
        answered = False
        self.behind = [*map(type, events)].count(Received)
        for event in events:
            if isinstance(event, Received):
                self.behind -= 1
                batch = batch or Batch(clocks.timer.seconds(), clocks.now_ms())
                self._request(event, batch)
            elif isinstance(event, Answered):
                answered = True
                self._answered(event, committer.answers())
            elif isinstance(event, Unanswered):
                self._unanswered(event)
            elif isinstance(event, Unbound | Close):
                self._stop_receiving()
            elif isinstance(event, Violation):
                self.server.violation(self, event)
        if answered:
            committer.commit_answers()
        if batch is not None:
            self.server.commit(self, batch)
        else:
            self.server.go_on(self)

    def lost(self, link: SmppProtocol, events: list[Event]) -> None:
        """The transport is gone: what it had not answered goes to another session, or waits."""
        self._stop_receiving()
        for event in events[::-1]:  # each goes before those that wait, so that their order stays
            if isinstance(event, Unanswered):
                self._unanswered(event)
        self.server.lost(self)

    # requests

    def _request(self, event: Received, batch: Batch) -> None:
        server, pdu = self.server, event.pdu
        if isinstance(pdu, SubmitSm) or isinstance(pdu, DataSm):  # noqa: SIM101, a union costs more
            server.submits.submit(self, pdu, event, batch)
        elif isinstance(pdu, SubmitMulti):
            server.submits.submit_multi(self, pdu, batch)
        elif isinstance(pdu, QuerySm):
            server.queries.query(self, pdu)
        elif isinstance(pdu, CancelSm):
            server.queries.cancel(self, pdu)
        elif isinstance(pdu, ReplaceSm):
            server.queries.replace(self, pdu)
        elif isinstance(pdu, BindPdu):
            server.binding.bind(self, pdu)
        else:
            self.refuse(pdu, CommandStatus.ESME_RINVCMDID)

    def respond(self, pdu: Pdu) -> None:
        """Answer a request; it is written with the rest of the batch. A session that is gone needs no
        answer.
        """
        if self.protocol.session.state is not State.CLOSED:
            self.protocol.respond(pdu)
            self.server.outgoing.add(self.protocol)

    def refuse(self, pdu: Pdu, status: int, why: str = "") -> None:
        """Answer a request with an error; a submit of SMPP 5.0 with why (additional_status_info_text). Older
        versions have no body there, and clients that stumble over one.
        """
        if why and self.protocol.session.version >= V50 and isinstance(pdu, SubmitSm | DataSm):
            kind = SubmitSmResp if isinstance(pdu, SubmitSm) else DataSmResp
            said = Tlv(Tag.additional_status_info_text, why.encode() + b"\0")
            self.respond(kind(pdu.sequence_number, status, "", (said,)))
        else:
            self.respond(refusal(Header(16, pdu.command_id, 0, pdu.sequence_number), CommandStatus(status)))

    def slow_down(self, seconds: float) -> None:
        """Read nothing more from this client for a while."""
        if not self.paused:
            self.paused = True
            self.protocol.pause()
            self.server.clocks.timer.callLater(seconds, self._go_on)

    def _go_on(self) -> None:
        self.paused = False
        self.protocol.resume()

    # answers

    def _answered(self, event: Answered, batch: Batch) -> None:
        if isinstance(event.context, Parcel) and self.account is not None:
            self.account.outbox.answered(event.context, event.pdu.command_status, batch)

    def _unanswered(self, event: Unanswered) -> None:
        if isinstance(event.context, Parcel) and self.account is not None:
            self.account.outbox.unanswered(event.context)

    def _stop_receiving(self) -> None:
        account = self.account
        if account is not None and self in account.outbox.receivers:
            account.outbox.receivers.remove(self)

    def bound(self, account: Account, pdu: BindPdu) -> None:
        """The bind was granted and answered."""
        self.account = account
        self.address_range = pdu.address_range
        self.since = self.server.clocks.wall()
        account.sessions.append(self)
        self.protocol.session.set_window(account.settings.window)
        if self.protocol.session.state in RECEIVING:
            account.outbox.joined(self)
            self.server.outgoing.flush()
