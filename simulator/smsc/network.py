"""What lies behind a simulated carrier: the network that delivers messages, or does not, and says so."""

from __future__ import annotations

import random
from collections import Counter, OrderedDict
from collections.abc import Callable
from itertools import accumulate

from gateway.smpp.codec import find_tlv
from gateway.smpp.constants import (
    ESM_UDHI,
    REGISTERED_ANY,
    REGISTERED_FAILURE,
    REGISTERED_INTERMEDIATE,
    REGISTERED_RECEIPT,
    REGISTERED_SUCCESS,
    MessageState,
    Tag,
)
from gateway.smpp.pdus import DataSm, DeliverSm, SubmitMulti, SubmitSm
from simulator.smsc.bind import Bind
from simulator.smsc.deliveries import Deliveries, Delivery
from simulator.smsc.messages import Address, Message, Numbers
from simulator.smsc.profile import NEVER, STATES, Answer, CarrierProfile, Receipts
from simulator.smsc.receipts import receipt
from simulator.smsc.timeline import Timeline

Submit = SubmitSm | DataSm | SubmitMulti
_LATIN = frozenset((0, 1, 3))
_FAILURES = frozenset(STATES.values()) - {MessageState.DELIVERED, MessageState.ACCEPTED}


class Outcomes:
    """Draws the message_state in which a message ends (None: never)."""

    def __init__(self, weights: dict[str, float], source: random.Random) -> None:
        self._source = source
        self._states = [outcome_state(name) for name in weights]
        self._bounds = list(accumulate(weights.values()))

    def draw(self) -> int | None:
        if len(self._states) == 1:
            return self._states[0]
        return self._source.choices(self._states, cum_weights=self._bounds)[0]


class Network:
    """The messages of one carrier. `deliveries` gives those of an account; `wall` is in unix seconds."""

    def __init__(
        self,
        profile: CarrierProfile,
        stream: Callable[[str], random.Random],
        timeline: Timeline,
        wall: Callable[[], float],
        counters: Counter[str],
        deliveries: Callable[[str], Deliveries],
    ) -> None:
        self._profile = profile
        self._outcomes = Outcomes(profile.outcomes, stream("outcome"))
        self._delays = stream("receipts")
        self._numbers = Numbers(profile.ids, stream("id"), wall)
        self._timeline = timeline
        self._wall = wall
        self._counters = counters
        self._deliveries = deliveries
        self._known: OrderedDict[str, Message] = OrderedDict()
        self._changed_receipts: dict[int, Receipts] = {}
        self.open = 0
        """How many messages have not come to an end."""

    def take(
        self, bind: Bind, pdu: Submit, destination: Address, answer: Answer, rule: str | None, delay: float
    ) -> str:
        """Accept a message that is answered in `delay` seconds; returns its id as the response has it."""
        outcome = self._outcomes.draw() if answer.outcome is None else outcome_state(answer.outcome)
        number = self._numbers.next()
        short_id = bind.link.session.peer_version < 0x34
        message = Message(
            number,
            bind.account,
            Address(pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr),
            destination,
            pdu.registered_delivery,
            pdu.service_type,
            _text_of(pdu),
            self._wall(),
            outcome,
            self._receipts(answer),
            short_id,
            rule,
        )
        message_id = self._numbers.in_response(number, short_id)
        self._known[message_id] = message
        if len(self._known) > self._profile.remember:
            self._known.popitem(last=False)
        self.open += 1
        self._counters["accepted"] += 1
        self._plan(message, bind, delay)
        if self._profile.replies.loopback:
            self._loop(pdu, destination, bind)
        return message_id

    def find(self, message_id: str, source: str) -> Message | None:
        """The message with that id from that source address, if it is still remembered."""
        message = self._known.get(message_id)
        return message if message is not None and message.source.number == source else None

    def cancel(self, message: Message) -> bool:
        """Delete a message that is not at its end; false if it is."""
        return self._finish(message, MessageState.DELETED, None)

    def _receipts(self, answer: Answer) -> Receipts:
        if not answer.receipts:
            return self._profile.receipts
        known = self._changed_receipts.get(id(answer))
        if known is None:
            known = self._changed_receipts[id(answer)] = self._profile.receipts_with(answer.receipts)
        return known

    def _plan(self, message: Message, bind: Bind, delay: float) -> None:
        how = message.receipts
        if how.before_response:
            if delay > 0:
                self._timeline.later(delay, self._end, message, bind)
            else:
                self._end(message, bind)
            return
        if how.intermediate is not None and self._wants_intermediate(message):
            self._timeline.later(
                delay + how.intermediate.sample(self._delays), self._on_the_way, message, bind
            )
        self._timeline.later(delay + how.delay.sample(self._delays), self._end, message, bind)

    def _end(self, message: Message, bind: Bind) -> None:
        if message.outcome is not None:
            self._finish(message, message.outcome, bind)

    def _finish(self, message: Message, state: int, bind: Bind | None) -> bool:
        if message.done_at is not None:
            return False
        message.state = state
        message.done_at = self._wall()
        self.open -= 1
        self._counters[f"ended_{MessageState(state).name}"] += 1
        how = message.receipts
        if how.when == "always" or (how.when == "asked" and _asked(message.registered_delivery, state)):
            pdu = receipt(message, self._numbers, state, message.done_at)
            self._tell(message, bind, pdu, "receipts")
            for _ in range(how.copies - 1):
                delay = how.copy_delay.sample(self._delays)
                if delay > 0:
                    self._timeline.later(delay, self._tell, message, bind, pdu, "receipts")
                else:
                    self._tell(message, bind, pdu, "receipts")
        return True

    def _on_the_way(self, message: Message, bind: Bind) -> None:
        if message.done_at is None:
            pdu = receipt(message, self._numbers, MessageState.ENROUTE, self._wall(), final=False)
            self._tell(message, bind, pdu, "intermediates")

    def _tell(self, message: Message, bind: Bind | None, pdu: DeliverSm | DataSm, kind: str) -> None:
        delivery = Delivery(pdu, kind, bind, message.receipts.bind, message.rule)
        self._deliveries(message.account).offer(delivery)

    def _wants_intermediate(self, message: Message) -> bool:
        asked = bool(message.registered_delivery & REGISTERED_INTERMEDIATE)
        return asked or message.receipts.when == "always"

    def _loop(self, pdu: Submit, destination: Address, bind: Bind) -> None:
        reply = DeliverSm(
            source_addr_ton=destination.ton,
            source_addr_npi=destination.npi,
            source_addr=destination.number,
            dest_addr_ton=pdu.source_addr_ton,
            dest_addr_npi=pdu.source_addr_npi,
            destination_addr=pdu.source_addr,
            esm_class=pdu.esm_class & ESM_UDHI,
            data_coding=pdu.data_coding,
            short_message=b"" if isinstance(pdu, DataSm) else pdu.short_message,
            tlvs=pdu.tlvs,
        )
        offer = self._deliveries(bind.account).offer
        delay = self._profile.replies.delay.sample(self._delays)
        self._timeline.later(delay, offer, Delivery(reply, "replies", bind))


def outcome_state(name: str) -> int | None:
    """The message_state of an outcome in a profile."""
    return None if name == NEVER else STATES[name]


def _asked(registered_delivery: int, state: int) -> bool:
    wanted = registered_delivery & REGISTERED_RECEIPT
    if wanted == REGISTERED_FAILURE:
        return state in _FAILURES
    if wanted == REGISTERED_SUCCESS:
        return state not in _FAILURES
    return wanted == REGISTERED_ANY


def _text_of(pdu: Submit) -> bytes:
    """What Appendix B quotes of a message: its octets, if they are characters of one octet."""
    if pdu.data_coding not in _LATIN or pdu.esm_class & ESM_UDHI:
        return b""
    short_message = b"" if isinstance(pdu, DataSm) else pdu.short_message
    return short_message or find_tlv(pdu.tlvs, Tag.message_payload) or b""
