"""One carrier: its binds, its window and rate, and whether it can take a message now."""

from __future__ import annotations

from datetime import UTC, datetime

from twisted.logger import Logger

from gateway.relay.adapting import Adapter
from gateway.relay.batch import Outgoing
from gateway.relay.clocks import Clocks
from gateway.relay.pace import Pace
from gateway.relay.receipt_reading import ReceiptReader
from gateway.routing.choosing import Health
from gateway.routing.health import HEALTHY, Phase, Trust
from gateway.settings.models import Carrier as CarrierSettings
from gateway.settings.models import RetryRule
from gateway.smpp.constants import CommandStatus
from gateway.smpp.events import WindowFull, WrongState
from gateway.smpp.protocol import SmppProtocol
from gateway.smpp.session import State as SessionState

log = Logger(__name__)

THROTTLING = (CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL)
TRANSMITTING = frozenset({SessionState.BOUND_TX, SessionState.BOUND_TRX})


class Link:
    """One bound connection to the carrier. `reserved` slots are promised to messages whose mark is being
    written.
    """

    __slots__ = ("carrier", "protocol", "reserved", "slot")

    def __init__(self, carrier: Carrier, protocol: SmppProtocol) -> None:
        self.carrier = carrier
        self.protocol = protocol
        self.reserved = 0
        self.slot = Slot(self)

    def free(self) -> int:
        """Slots that are neither used nor promised; less than none where the window was made smaller."""
        session = self.protocol.session
        if session.state not in TRANSMITTING:
            return 0
        window = session.window
        return window.limit - len(window.outstanding) - self.reserved


class Slot:
    """A place in a link's window, promised to one message: it is used once or given back. No place differs
    from another, so that one object stands for all of a link's.
    """

    __slots__ = ("link",)

    def __init__(self, link: Link) -> None:
        self.link = link

    def send(self, frame: bytes, command: int, context: object) -> bool:
        """Write the message; False if the link cannot take it any more, and nothing was written."""
        link = self.link
        link.reserved -= 1
        carrier, protocol = link.carrier, link.protocol
        sent = False
        try:
            protocol.session.send_frame(frame, command, carrier.clocks.timer.seconds(), context)
            sent = True
        except (WindowFull, WrongState):
            return False
        finally:
            if not sent:
                carrier.trust.gave_back()
        carrier.outgoing.add(protocol)
        return True

    def give_back(self) -> None:
        """The message does not go this way after all."""
        self.link.reserved -= 1
        self.link.carrier.pace.give_back()
        self.link.carrier.trust.gave_back()


class Carrier:
    """The state of one carrier's account; it survives its connections."""

    def __init__(self, name: str, settings: CarrierSettings, clocks: Clocks, outgoing: Outgoing) -> None:
        self.name = name
        self.clocks = clocks
        self.outgoing = outgoing
        self.links: list[Link] = []
        self.held = ""  # by an admin: who, since when, and why
        self._paused_until = 0.0
        now = clocks.timer.seconds()
        self.pace = Pace(settings.rate, now)
        self.trust = Trust(settings.health, now)
        self.configure(settings)

    def configure(self, settings: CarrierSettings) -> None:
        """Take the settings of a new generation."""
        self.settings = settings
        self.receipt_ms = int(settings.receipt_timeout * 1000)
        self.id_in_response, self.id_in_receipt = settings.ids.response, settings.ids.receipt
        if settings.rate != self.pace.rate:
            self.pace.configure(settings.rate, self.clocks.timer.seconds())
        self.trust.rule = settings.health
        self._failing = {int(CommandStatus[name]) for name in settings.health.statuses}
        self.adapter = Adapter(settings.rewrite)
        self.receipts = ReceiptReader(settings.receipts)
        self._meanings = {number: int(CommandStatus[name]) for number, name in settings.statuses.items()}
        self._rules = {int(CommandStatus[name]): rule for name, rule in settings.retry.statuses.items()}

    def meaning(self, status: int) -> int:
        """What one of its statuses means by the standard."""
        return self._meanings.get(status, status) if self._meanings else status

    def retry_rule(self, status: int) -> RetryRule | None:
        """What to do after this refusal; None if it is final."""
        return self._rules.get(status)

    def health(self) -> Health:
        """Whether it can take one more message now."""
        now = self.clocks.timer.seconds()
        if not self.links:
            return Health.DOWN
        if self.held:
            return Health.PAUSED
        phase = self.trust.phase
        if phase is not Phase.HEALTHY:
            phase = self.trust.at(now)
        if phase is Phase.OUT:
            return Health.OUT
        if phase is Phase.PROBING and self.trust.probe:
            return Health.PROBING
        if now < self._paused_until or (self.pace.bucket is not None and self.pace.wait(now) > 0):
            return Health.THROTTLED
        if self._widest() is None:
            return Health.FULL
        return Health.SUSPECT if phase is Phase.SUSPECT else Health.READY

    def why(self, health: Health) -> str:
        """Why it is passed over, in words."""
        word: str = health.value
        if health is Health.PAUSED:
            return self.held
        if health not in (Health.OUT, Health.SUSPECT):
            return word
        ago = self.clocks.timer.seconds() - self.trust.since
        since = datetime.fromtimestamp(self.clocks.wall() - ago, UTC)
        return f"{word} since {since:%Y-%m-%dT%H:%M:%SZ}"

    def heard(self, status: int | None, sent_at: float) -> None:
        """It answered a submit of that moment, or never will (None)."""
        if status == 0 and self.trust.spotless:
            return
        now = self.clocks.timer.seconds()
        if status in THROTTLING:
            self.pace.throttled(now)
        before = self.trust.phase
        self.trust.heard(status is not None and status not in self._failing, sent_at, now)
        after = self.trust.phase
        if after is not before and Phase.OUT in (before, after):
            log.warn("carrier {name} is {phase}", name=self.name, phase=after.value)
        elif after is not before:
            log.info("carrier {name} is {phase}", name=self.name, phase=after.value)

    def free_share(self) -> float:
        """The share of its window that is free."""
        used = sum(link.protocol.session.outstanding + link.reserved for link in self.links)
        return max(0.0, 1.0 - used / self.settings.window)

    def at_once(self) -> Slot | None:
        """A slot, if there is nothing to weigh: it is well, on one link, and without a rate or a pause. None
        does not say that there is no slot.
        """
        if len(self.links) != 1 or self.held or self._paused_until or self.pace.bucket is not None:
            return None
        link = self.links[0]
        if self.trust.phase is not HEALTHY or link.free() <= 0:
            return None
        if not self.pace.take(self.clocks.timer.seconds()):
            return None
        link.reserved += 1
        return link.slot

    def reserve(self) -> Slot | None:
        """Promise a slot of the link that has most of them free; None if there is none."""
        link = self._widest()
        if link is None:
            return None
        if not self.pace.take(self.clocks.timer.seconds()):
            return None
        self.trust.took()
        link.reserved += 1
        return link.slot

    def _widest(self) -> Link | None:
        """The link with most slots free, while the window over all of them is not full."""
        if len(self.links) == 1:
            only = self.links[0]
            return only if only.free() > 0 else None
        used = sum(link.protocol.session.outstanding + link.reserved for link in self.links)
        link = max(self.links, key=Link.free, default=None)
        return link if link is not None and link.free() > 0 and used < self.settings.window else None

    def widest(self) -> Link | None:
        """The link with most slots free, for what is no message."""
        return self._widest()

    def pause(self, seconds: float) -> None:
        """Leave the carrier in peace: it said that it is throttled or full."""
        self._paused_until = max(self._paused_until, self.clocks.timer.seconds() + seconds)

    def ready_in(self) -> float | None:
        """Seconds until a pause or a lack of tokens ends; None if something else is waited for."""
        now = self.clocks.timer.seconds()
        if (wait := self.trust.waits(now)) > 0:
            return wait
        if now < self._paused_until:
            return self._paused_until - now
        return self.pace.wait(now) or None
