"""What a carrier has to tell one account: receipts and replies over its binds, in order and windowed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from gateway.smpp.constants import CommandStatus
from gateway.smpp.events import Answered, Unanswered
from gateway.smpp.pdus import AlertNotification, DataSm, DeliverSm
from simulator.smsc.bind import Bind
from simulator.smsc.profile import Receipts
from simulator.smsc.timeline import Timeline

_LATER = frozenset(
    {
        CommandStatus.ESME_RX_T_APPN,
        CommandStatus.ESME_RTHROTTLED,
        CommandStatus.ESME_RMSGQFUL,
        CommandStatus.ESME_RSYSERR,
    }
)


@dataclass(slots=True)
class Delivery:
    """One deliver_sm (or alert_notification): its kind for the counters, where it should go, tries so far."""

    pdu: DeliverSm | DataSm | AlertNotification
    kind: str
    origin: Bind | None = None
    choice: str = "same"
    rule: str | None = None
    tries: int = 0


class Deliveries:
    """The deliveries of one account.

    A delivery that is answered by a passing error is tried again after `retry` seconds, one that gets no
    answer at once (on another bind if need be), until `tries` is reached; what no bind can take waits.
    """

    def __init__(
        self, how: Receipts, timeline: Timeline, counters: Counter[str], wrote: Callable[[Bind], None]
    ) -> None:
        self._how = how
        self._timeline = timeline
        self._counters = counters
        self._wrote = wrote
        self._waiting: deque[Delivery] = deque()
        self._turn = count()
        self.binds: list[Bind] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, delivery: Delivery) -> None:
        """Send it now if it can be, else when it can."""
        if self._waiting or not self._send(delivery):
            self._waiting.append(delivery)

    def pump(self) -> None:
        """Send what waits, as far as windows allow."""
        while self._waiting and self._send(self._waiting[0]):
            self._waiting.popleft()

    def answered(self, delivery: Delivery, event: Answered) -> None:
        status = event.pdu.command_status
        if status == CommandStatus.ESME_ROK:
            self._counters[f"{delivery.kind}_delivered"] += 1
        elif status in _LATER and delivery.tries < self._how.tries:
            self._counters[f"{delivery.kind}_put_off"] += 1
            self._timeline.later(self._how.retry, self.offer, delivery)
        else:
            self._counters[f"{delivery.kind}_refused"] += 1
        if self._waiting:
            self.pump()

    def unanswered(self, events: list[Unanswered]) -> None:
        """Put back what got no answer, before what waits."""
        for event in reversed(events):
            delivery = event.context
            if not isinstance(delivery, Delivery):
                continue
            if delivery.tries < self._how.tries:
                self._waiting.appendleft(delivery)
            else:
                self._counters[f"{delivery.kind}_given_up"] += 1
        self.pump()

    def _send(self, delivery: Delivery) -> bool:
        bind = self._choose(delivery)
        if bind is None:
            return False
        delivery.tries += 1
        link = bind.link
        if delivery.rule is not None:
            link.flush()
        link.send(delivery.pdu, delivery)
        if delivery.rule is not None:
            bind.wire.write_spoilt(link.session.output(), delivery.rule)
        self._counters[f"{delivery.kind}_sent"] += 1
        self._wrote(bind)
        return True

    def _choose(self, delivery: Delivery) -> Bind | None:
        """The bind to use: one that is bound for receiving and has a slot free."""
        origin = delivery.origin
        if delivery.choice == "same" and origin is not None and origin.receiving:
            return origin if origin.link.session.window_free else None
        free = [bind for bind in self.binds if bind.receiving and bind.link.session.window_free]
        if not free:
            return None
        others = [bind for bind in free if bind is not origin] if delivery.choice == "other" else free
        return (others or free)[next(self._turn) % len(others or free)]
