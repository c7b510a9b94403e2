"""Runs a load: keeps sessions bound and their windows full, then waits for what is owed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import DeliverSm
from gateway.smpp.protocol import Clock
from simulator.clock import MonotonicClock
from simulator.endpoints import connect
from simulator.load.journal import Journal
from simulator.load.judge import Judge, ReceiptSeen
from simulator.load.link import LoadLink
from simulator.load.options import LoadOptions, Progress
from simulator.load.receipts import read_receipt
from simulator.load.report import Report, Tally, conclude
from simulator.load.traffic import Addressing, Traffic

PASSING = frozenset({CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL, CommandStatus.ESME_RSYSERR})
"""Statuses after which a submit is tried again."""

_REGISTERED = {"all": 1, "failures": 2, "none": 0}
_LOOK_EVERY = 0.05
_FEED_EVERY = 0.01
_FAREWELL = 2.0


class Load:
    """One run. `run` ends with the report; `stop` makes it send no more and wait for what is owed."""

    _log = Logger()

    def __init__(
        self,
        options: LoadOptions,
        reactor: Any,
        clock: Clock | None = None,
        wall: Callable[[], float] = time.time,
        journal: Journal | None = None,
    ) -> None:
        self.options = options
        self.journal = journal
        self._reactor = reactor
        self._clock = clock or MonotonicClock(reactor)
        self._wall = wall
        registered_delivery = _REGISTERED[options.receipts]
        addressing = Addressing(
            options.source,
            options.first_destination,
            options.destinations,
            registered_delivery,
            options.service_type,
        )
        self.traffic = Traffic(options.count, options.shapes, addressing, options.seed)
        self.judge = Judge(self.traffic.destination)
        self.links: set[LoadLink] = set()
        self._connections = 0
        self._connections_lost = 0
        self._binds_refused = 0
        self._put_off: list[int] = []
        self._put_off_count = 0
        self._abandoned = 0
        self._trouble = ""
        self._intermediates = 0
        self._replies = 0
        self._tokens = 0.0
        self._fed_at = 0.0
        self._paused_until = 0.0
        self._enquired_at = 0.0
        self._finishing = False
        self._last_progress = (0, 0.0)
        self._over: Deferred[None] = Deferred()

    @property
    def progress(self) -> Progress:
        judge = self.judge
        refused = sum(judge.refused.values())
        bound = sum(link.bound for link in self.links)
        return Progress(bound, judge.accepted, refused, judge.receipted, self._waiting())

    async def run(self) -> Report:
        """Run to the end, or to the end of patience."""
        began = self._clock.seconds()
        self._fed_at = self._enquired_at = began
        self._last_progress = (0, began)
        loops = [self._loop(_LOOK_EVERY, self._look)]
        if self.options.rate:
            loops.append(self._loop(_FEED_EVERY, self._feed_all))
        for number in range(self.options.sessions):
            self._connect(number, 0.0, self.options.reconnect[0])
        await self._over
        ended = self._clock.seconds()
        await deferLater(cast("IReactorTime", self._clock), self.options.linger)
        self._finishing = True
        for loop in loops:
            loop.stop()
        await self._leave()
        if self.journal is not None:
            self.journal.close()
        return conclude(self.judge, self._tally(ended - began))

    def stop(self) -> None:
        """Send nothing more; the run ends when what is owed has come."""
        self._abandoned += len(self._put_off) + self.traffic.stop()
        self._put_off.clear()

    def abandon(self) -> None:
        """End the run now."""
        self._end()

    # Owner of the links

    def bound(self, link: LoadLink) -> None:
        self._feed(link)

    def bind_refused(self, link: LoadLink, status: int) -> None:
        self._binds_refused += 1
        self._trouble = f"bind refused: {CommandStatus(status).name}"
        self._log.warn("bind refused: {status}", status=CommandStatus(status).name)

    def accepted(self, link: LoadLink, piece: int, message_id: str) -> None:
        self.judge.accept(piece, message_id, self._clock.seconds())
        if self.journal is not None:
            self.journal.accepted(link.number, message_id, self.traffic.destination(piece))

    def refused(self, link: LoadLink, piece: int, status: int) -> None:
        crossed = link.leaving and status == CommandStatus.ESME_RINVBNDSTS
        if crossed or status in PASSING:
            self._put_off_count += 1
            self._put_off.append(piece)
            self._paused_until = self._clock.seconds() + self.options.pause
        else:
            self.judge.refuse(piece, status)

    def delivered(self, link: LoadLink, pdu: DeliverSm) -> None:
        told = read_receipt(pdu)
        if told is None:
            self._replies += 1
            return
        for fault in told.faults:
            self.judge.violate(fault)
        if pdu.destination_addr != self.options.source:
            self.judge.violate("a receipt for another sender")
        if self.journal is not None:
            self.journal.receipt(link.number, told.message_id, pdu.source_addr, told.stat, told.final)
        if told.final:
            now = self._clock.seconds()
            self.judge.receive(ReceiptSeen(told.message_id, pdu.source_addr, told.stat, link.number, now))
        else:
            self._intermediates += 1

    def violated(self, link: LoadLink, detail: str) -> None:
        self.judge.violate(detail)

    def read(self, link: LoadLink) -> None:
        if self.journal is not None:
            self.journal.flush()
        self._feed(link)
        self._end_if_done()

    def lost(self, link: LoadLink, reason: str) -> None:
        self.links.discard(link)
        for piece in link.outstanding.values():
            self.judge.leave_unanswered(piece)
            if self.options.resend and not self._finishing:
                self.traffic.again(piece)
            else:
                self._abandoned += 1
        if self._finishing:
            return
        self._connections_lost += 1
        self.judge.lose_link(link.number, self._clock.seconds())
        if self.journal is not None:
            self.journal.event("lost", link.number, reason=reason, unanswered=len(link.outstanding))
            self.journal.flush()
        least, most = self.options.reconnect
        self._connect(link.slot, most if link.refused else 0.0, least)

    # Sessions

    def _connect(self, slot: int, pause: float, delay: float) -> None:
        Deferred.fromCoroutine(self._connecting(slot, pause, delay)).addErrback(
            lambda failure: self._log.failure("connecting failed", failure)
        )

    async def _connecting(self, slot: int, pause: float, delay: float) -> None:
        """Connect a session after a pause, as often as it takes, with twice the delay each time."""
        if pause:
            await deferLater(cast("IReactorTime", self._clock), pause)
        while not self._finishing:
            self._connections += 1
            link = LoadLink(self, self._connections, slot, self._mode(slot), *self._credentials())
            try:
                await connect(self._reactor, self.options.to, _Once(link))
            except Exception as error:
                self._connections -= 1
                self._trouble = f"cannot connect to {self.options.to}: {error}"
                self._log.debug("cannot connect to {to}: {error}", to=self.options.to, error=error)
                await deferLater(cast("IReactorTime", self._clock), delay)
                delay = min(delay * 2, self.options.reconnect[1])
            else:
                self.links.add(link)
                return

    def _mode(self, slot: int) -> str:
        if self.options.mode == "transceiver":
            return "transceiver"
        return "receiver" if slot % 2 else "transmitter"

    def _credentials(self) -> tuple[str, str]:
        return self.options.system_id, self.options.password

    async def _leave(self) -> None:
        """Unbind every session; cut what has not gone in time."""
        for link in list(self.links):
            link.unbind()
        deadline = self._clock.seconds() + _FAREWELL
        while self.links and self._clock.seconds() < deadline:
            await deferLater(cast("IReactorTime", self._clock), _LOOK_EVERY)
        for link in list(self.links):
            link.abort()

    # Feeding

    def _feed(self, link: LoadLink) -> None:
        """Fill the window of a link, as far as the rate and the peer's patience allow."""
        room = self.options.window - len(link.outstanding)
        if room <= 0 or not link.sending or self._finishing:
            return
        now = self._clock.seconds()
        if now < self._paused_until:
            return
        if self.options.rate:
            room = min(room, int(self._tokens))
        traffic, sent = self.traffic, self.judge.sent
        pieces = traffic.take(room)
        self._tokens -= len(pieces)
        for piece in pieces:
            sequence_number = link.next_sequence()
            link.submit(piece, sequence_number, traffic.frame(piece, sequence_number))
            sent(piece, now)

    def _feed_all(self) -> None:
        now = self._clock.seconds()
        rate = self.options.rate
        if rate:
            self._tokens = min(self._tokens + (now - self._fed_at) * rate, max(rate * 0.1, 1.0))
            self._fed_at = now
        for link in list(self.links):
            self._feed(link)
            link.flush()

    def _look(self) -> None:
        """What has to be done from time to time."""
        now = self._clock.seconds()
        if self._put_off and now >= self._paused_until:
            for piece in reversed(self._put_off):
                self.traffic.again(piece)
            self._put_off.clear()
        self._feed_all()
        if now - self._enquired_at >= self.options.enquire_link:
            self._enquired_at = now
            for link in [link for link in self.links if link.bound]:
                link.enquire()
        self._end_if_done()
        progress = self.judge.settled + self.judge.receipted
        if progress != self._last_progress[0]:
            self._last_progress = (progress, now)
        elif now - self._last_progress[1] > self.options.patience:
            self._end()

    def _loop(self, interval: float, call: Callable[[], None]) -> LoopingCall:
        loop = LoopingCall(call)
        loop.clock = cast("IReactorTime", self._clock)
        loop.start(interval, now=False).addErrback(
            lambda failure: self._log.failure("the load failed", failure)
        )
        return loop

    # The end

    def _waiting(self) -> int:
        return len(self._put_off) + sum(len(link.outstanding) for link in self.links)

    def _end_if_done(self) -> None:
        if self._put_off or not self.traffic.exhausted or self._waiting():
            return
        if self.options.receipts == "all" and self.judge.receipted < self.judge.accepted:
            return
        self._end()

    def _end(self) -> None:
        if not self._over.called:
            self._over.callback(None)

    def _tally(self, seconds: float) -> Tally:
        return Tally(
            seconds=seconds,
            submits=self.traffic.pieces,
            put_off=self._put_off_count,
            not_sent=self.traffic.pieces - self.judge.settled - self._abandoned,
            intermediates=self._intermediates,
            replies=self._replies,
            connections=self._connections,
            connections_lost=self._connections_lost,
            binds_refused=self._binds_refused,
            receipts_expected=self.options.receipts == "all",
            trouble=self._trouble,
        )


class _Once(Factory):
    """Gives its one link to the first connection."""

    noisy = False

    def __init__(self, link: LoadLink) -> None:
        self._link = link

    def buildProtocol(self, addr: Any) -> LoadLink:
        return self._link
