"""What a carrier answers to each kind of request, faults aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from gateway.smpp.codec import Header, refusal
from gateway.smpp.constants import REGISTERED_RECEIPT, V33, V34, V50, CommandStatus, MessageState, Tag
from gateway.smpp.fields import SmeAddress, Tlv, UnsuccessSme
from gateway.smpp.pdus import (
    BindReceiver,
    BindReceiverResp,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    BindTransmitterResp,
    CancelSm,
    CancelSmResp,
    DataSm,
    DataSmResp,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.protocol import Clock
from simulator.smsc.bind import Bind
from simulator.smsc.limits import Gatekeeper
from simulator.smsc.messages import Address
from simulator.smsc.network import Network, Submit
from simulator.smsc.profile import Answer, CarrierProfile, Takes
from simulator.smsc.receipts import query_date
from simulator.smsc.takes import refusal_of

_VERSIONS = {"3.3": V33, "3.4": V34, "5.0": V50}
Bound = BindTransceiver | BindTransmitter | BindReceiver
BoundResponse = BindTransceiverResp | BindTransmitterResp | BindReceiverResp
_BINDS: dict[type[Bound], type[BoundResponse]] = {
    BindTransceiver: BindTransceiverResp,
    BindTransmitter: BindTransmitterResp,
    BindReceiver: BindReceiverResp,
}


class Serving:
    """Decides the response to each request, and books what it accepts; a rule's status comes first.

    `bound` tells how many binds an account has.
    """

    def __init__(
        self,
        name: str,
        profile: CarrierProfile,
        clock: Clock,
        network: Network,
        counters: Counter[str],
        bound: Callable[[str], int],
    ) -> None:
        self._system_id = (profile.system_id or name)[:15]
        self._profile = profile
        self._clock = clock
        self._network = network
        self._counters = counters
        self._gatekeeper = Gatekeeper(profile.limits)
        self._bound = bound
        self._takes_all = profile.takes == Takes()

    def serve(self, bind: Bind, pdu: Pdu, answer: Answer, rule: str | None, delay: float) -> Pdu:
        """The response to a request; `delay` is when (seconds from now) it goes out."""
        if isinstance(pdu, SubmitSm | DataSm | SubmitMulti):
            return self._submit(bind, pdu, answer, rule, delay)
        if isinstance(pdu, Bound):
            return self._bind(bind, pdu, answer)
        if answer.status:
            return refusal(Header(16, pdu.command_id, 0, pdu.sequence_number), answer.status)
        if isinstance(pdu, QuerySm):
            found = self._query(pdu)
            return found if answer.message_id is None else found._replace(message_id=answer.message_id)
        if isinstance(pdu, CancelSm):
            return self._cancel(pdu)
        if isinstance(pdu, ReplaceSm):
            return self._replace(pdu)
        return refusal(Header(16, pdu.command_id, 0, pdu.sequence_number), CommandStatus.ESME_RINVCMDID)

    def faults(self, bind: Bind, pdu: Pdu) -> Iterator[str]:
        """What a careful peer would not have sent, though it can be read."""
        window = self._profile.limits.window
        if window is not None and len(bind.open) > window:
            yield f"{len(bind.open)} requests unanswered, the window is {window}"
        if isinstance(pdu, SubmitSm | DataSm | SubmitMulti):
            if not pdu.registered_delivery & REGISTERED_RECEIPT:
                yield "registered_delivery asks for no receipt"
            if pdu.tlvs and self._profile.interface_version in ("3.3", "none"):
                yield "TLVs to a peer that did not say it knows them"

    def _bind(self, bind: Bind, pdu: Bound, answer: Answer) -> Pdu:
        account = self._profile.accounts.get(pdu.system_id)
        status = answer.status
        if not status and (
            account is None or account.password != pdu.password or self._bound(pdu.system_id) >= account.binds
        ):
            status = self._profile.refusal
        response = _BINDS[type(pdu)]
        if status:
            self._counters["binds_refused"] += 1
            return response(pdu.sequence_number, status)
        bind.account = pdu.system_id
        version = _VERSIONS.get(self._profile.interface_version)
        tlvs = () if version is None else (Tlv(Tag.sc_interface_version, bytes((version,))),)
        return response(pdu.sequence_number, 0, self._system_id, tlvs)

    def _submit(self, bind: Bind, pdu: Submit, answer: Answer, rule: str | None, delay: float) -> Pdu:
        status = answer.status
        if not status and not self._gatekeeper.idle:
            now = self._clock.seconds()
            status = self._gatekeeper.check(bind.account, len(bind.open), self._network.open, now)
            if status:
                self._counters["over_limit"] += 1
                return _submit_response(pdu, status, "")
        status = status or (0 if self._takes_all else refusal_of(self._profile.takes, pdu))
        if status and answer.accepts:
            self._counters["not_taken"] += 1
            return _submit_response(pdu, status, "")
        if not answer.accepts:
            self._counters["not_accepted"] += 1
            return _submit_response(pdu, status, "")
        if isinstance(pdu, SubmitMulti):
            return self._submit_multi(bind, pdu, answer, rule, delay)
        destination = Address(pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr)
        message_id = self._network.take(bind, pdu, destination, answer, rule, delay)
        return _submit_response(pdu, status, message_id)

    def _submit_multi(
        self, bind: Bind, pdu: SubmitMulti, answer: Answer, rule: str | None, delay: float
    ) -> SubmitMultiResp:
        """One message to each address; lists are not known here. The id is that of the first."""
        first, refused = "", []
        for one in pdu.dest_addresses:
            if isinstance(one, SmeAddress):
                message_id = self._network.take(bind, pdu, Address(*one), answer, rule, delay)
                first = first or message_id
            else:
                refused.append(UnsuccessSme(0, 0, "", CommandStatus.ESME_RINVDLNAME))
        return SubmitMultiResp(pdu.sequence_number, answer.status, first, tuple(refused))

    def _query(self, pdu: QuerySm) -> QuerySmResp:
        message = self._network.find(pdu.message_id, pdu.source_addr)
        if message is None:
            return QuerySmResp(pdu.sequence_number, CommandStatus.ESME_RQUERYFAIL)
        done = "" if message.done_at is None else query_date(message.done_at)
        return QuerySmResp(pdu.sequence_number, 0, pdu.message_id, done, message.state, 0)

    def _cancel(self, pdu: CancelSm) -> CancelSmResp:
        message = self._network.find(pdu.message_id, pdu.source_addr)
        done = message is not None and self._network.cancel(message)
        return CancelSmResp(pdu.sequence_number, 0 if done else CommandStatus.ESME_RCANCELFAIL)

    def _replace(self, pdu: ReplaceSm) -> ReplaceSmResp:
        message = self._network.find(pdu.message_id, pdu.source_addr)
        if message is None or message.state != MessageState.ENROUTE:
            return ReplaceSmResp(pdu.sequence_number, CommandStatus.ESME_RREPLACEFAIL)
        message.text = pdu.short_message
        message.registered_delivery = pdu.registered_delivery
        return ReplaceSmResp(pdu.sequence_number)


def _submit_response(pdu: Submit, status: int, message_id: str) -> Pdu:
    if isinstance(pdu, SubmitSm):
        return SubmitSmResp(pdu.sequence_number, status, message_id)
    if isinstance(pdu, DataSm):
        return DataSmResp(pdu.sequence_number, status, message_id)
    return SubmitMultiResp(pdu.sequence_number, status, message_id)
