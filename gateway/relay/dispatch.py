"""Dispatch: waiting messages to carriers, one slot at a time.

A message is bound to a carrier when a window slot is free, not when it is accepted (late binding). It is
marked "sending" on disk before its octets are written: in the very commit of its acceptance when a slot is
free then, else in one of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from gateway.relay.addressing import Unfit
from gateway.relay.batch import Batch, Committer
from gateway.relay.book import Book, Entry
from gateway.relay.carrier import Carrier, Slot
from gateway.relay.clocks import Clocks
from gateway.relay.lanes import Lane, Lanes
from gateway.relay.ordering import Ordering
from gateway.relay.placing import Placing
from gateway.relay.retrying import Retrying
from gateway.relay.towards import send
from gateway.routing.choosing import Pick
from gateway.routing.router import Router, Rule
from gateway.store.rows import SENDING, WAITING, State, StoreUnavailable

log = Logger(__name__)

TURN = 32  # messages of one lane before the next has its turn
BATCH = 500  # messages marked in one commit
STORE_PAUSE = 0.5  # seconds to wait after the store refused a mark
SLICE = 1000  # messages placed anew at once: some milliseconds
PAGE = 250  # messages read at once from the store's backlog


class Dispatch:
    """Knows the carriers by name, the router in force, and the lanes of waiting messages.

    `memory` bounds the lanes: what comes beyond it waits in the store alone and is read when there is room.
    """

    def __init__(self, book: Book, committer: Committer, clocks: Clocks, memory: int) -> None:
        self.book = book
        self.committer = committer
        self.clocks = clocks
        self.memory = memory
        self.placing = Placing(clocks)
        self.ordering = Ordering()
        self.generation = 0
        self.lanes = Lanes()
        self.paused = False
        self.may_leave: Callable[[Entry, int], bool] = lambda entry, now: True
        self.may_read: Callable[[], bool] = lambda: True
        """Whether what waits in the store alone may be read: not while its filters would defer all of it."""
        self.stopped: Callable[[Entry, str], bool] = lambda entry, carrier: False
        self.retrying = Retrying(self)
        self._beyond: int | None = None  # the lowest id that waits in the store alone
        self._without_route: int | None = None  # the lowest id that no rule is for
        self._unplaced: deque[Entry] = deque()  # what waited when a new generation came
        self._reading = False
        self._wake: Any = None  # an IDelayedCall, whose methods mypy reads wrongly

    # placing

    def place(self, entry: Entry, now: int, batch: Batch) -> bool:
        """Give a message that is being accepted at `now` (unix ms) its first place; False if no route is for
        it.

        With a slot free and nobody waiting before it, it is marked sending at once. To be called before it
        is booked.
        """
        rule = self.placing.rule(entry)
        if rule is None:
            return False
        entry.state, entry.deadline = WAITING, entry.message.expires_at
        if not self.paused and self._nobody_before(entry, rule):
            pick, slot = self.placing.reserve(entry, rule)
            if slot and self.stopped(entry, slot.link.carrier.name):
                slot.give_back()
                slot = None
                batch.after.append(partial(self._sleep, 0))  # it is settled when it is on disk
            if slot:
                self._mark(entry, rule, pick, now)
                entry.state, entry.deadline = SENDING, now + slot.link.carrier.receipt_ms
                entry.slot = slot
        return True

    def placed(self, entry: Entry, now: int) -> None:
        """A message that was accepted is on disk at `now` (unix ms): it leaves, or waits."""
        slot, entry.slot = entry.slot, None
        if slot is not None:
            self._transmit(entry, slot, now)
        elif entry.state is State.WAITING:
            self.enqueue(entry)

    def displaced(self, entry: Entry) -> None:
        """It is not on disk, so that it does not leave."""
        slot, entry.slot = entry.slot, None
        if slot is not None:
            slot.give_back()
            self.settled(entry)

    def _nobody_before(self, entry: Entry, rule: Rule) -> bool:
        return (
            self._beyond is None
            and not self._unplaced
            and self.lanes.is_empty(entry, rule)
            and (not rule.ordered or self.ordering.may_leave(entry))
        )

    def enqueue(self, entry: Entry, *, front: bool = False) -> None:
        """Let a booked message wait for its carrier; its route is decided anew. `pump` serves it."""
        if entry.state is not State.WAITING:
            return
        if self._unplaced and not front:
            self._unplaced.append(entry)
        else:
            self._put(entry, front)

    def _put(self, entry: Entry, front: bool) -> None:
        rule = self.placing.rule(entry)
        if rule is None:
            self._routeless(entry)
        elif self.waiting >= self._room_for(entry) and not front:
            self.wait_beyond(entry.message.id)
            self.book.drop(entry)
        elif rule.ordered and not self.ordering.may_leave(entry):
            self.ordering.put_behind(entry)
        else:
            self.lanes.put(entry, rule, front=front)

    def _room_for(self, entry: Entry) -> int:
        """How many may wait in memory before a message: what is of tier 1 does not wait behind a backlog."""
        return self.memory if entry.message.tier != 1 else 2 * self.memory

    def reroute(self, router: Router, generation: int) -> None:
        """A new generation is in force: what waits is placed anew."""
        self.placing.use(router)
        self.lanes.highest = router.priorities
        self.generation = generation
        self._unplaced.extend(self.lanes.drain())
        if self._without_route is not None:
            self.wait_beyond(self._without_route)
            self._without_route = None
        self._place_anew()

    def _place_anew(self) -> None:
        """Some of what waits for its place in a new generation; the reactor has its turn before the next."""
        for _ in range(min(SLICE, len(self._unplaced))):
            entry = self._unplaced.popleft()
            if entry.state is State.WAITING:
                self._put(entry, False)
        if self._unplaced:
            self.clocks.timer.callLater(0, self._place_anew)
        self.pump()

    # serving

    def pump(self) -> None:
        """Give free slots to waiting messages, most urgent first, lanes of one urgency in turn."""
        if self.paused or (self._beyond is None and self.lanes.none):
            return
        batch = Batch()
        for level in self.lanes.levels():
            while len(batch.changes) < BATCH and self._serve_all(level, batch):
                pass
        self.lanes.sweep()
        if not batch.changes.empty:
            batch.after.append(self._pump_again)
            self.committer.commit(batch, must=False)
        self._read_backlog()
        self._schedule()

    def _pump_again(self) -> None:
        if self.lanes.count:
            self.pump()

    def _serve_all(self, level: list[Lane], batch: Batch) -> int:
        return sum([self._serve(lane, batch) for lane in level])

    def _serve(self, lane: Lane, batch: Batch) -> int:
        now = self.clocks.now_ms()
        served = 0
        while served < TURN and (entry := self.lanes.head(lane)) is not None:
            if entry.message.expires_at <= now:
                self.lanes.pop(lane)  # the sweep ends it
                continue
            if not self.may_leave(entry, now):
                self.settled(entry)
                continue
            if self._moved(entry, lane):
                continue
            pick, slot = self.placing.reserve(entry, lane.rule)
            if slot is None:
                break
            if self.stopped(entry, slot.link.carrier.name):
                slot.give_back()
                if entry.state is State.WAITING:
                    break
                continue
            self.lanes.pop(lane)
            self._begin(entry, slot, lane.rule, pick, batch)
            served += 1
        return served

    def _moved(self, entry: Entry, lane: Lane) -> bool:
        """Whether the head of a lane has to wait elsewhere: for the message before it, or for one carrier."""
        if lane.rule.ordered and not self.ordering.may_leave(entry):
            self.lanes.pop(lane)
            self.ordering.put_behind(entry)
            return True
        rule = self.placing.tied(entry, lane.rule)
        if rule is lane.rule:
            return False
        self.lanes.pop(lane)
        self.lanes.put(entry, rule)
        self._sleep(0)
        return True

    def settled(self, entry: Entry) -> None:
        """A message was taken, has ended, or is not to leave now: the next to the same number may."""
        following = self.ordering.done(entry) if self.ordering.under_way else None
        if following is not None:
            self.enqueue(following, front=True)
            self._sleep(0)

    def ended(self, entry: Entry) -> None:
        """A message has reached its end."""
        self.placing.ended(entry)
        self.settled(entry)

    def _begin(self, entry: Entry, slot: Slot, rule: Rule, pick: Pick, batch: Batch) -> None:
        trail = entry.trail
        now = self.clocks.now_ms()
        self._mark(entry, rule, pick, now)
        self.book.move(entry, State.SENDING, now + slot.link.carrier.receipt_ms, batch)
        batch.after.append(lambda: self._transmit(entry, slot, self.clocks.now_ms()))
        batch.failed.append(lambda: self._unmarked(entry, slot, trail))

    def _mark(self, entry: Entry, rule: Rule, pick: Pick, now: int) -> None:
        entry.carrier = pick.carrier
        if rule.ordered:
            self.ordering.leaves(entry)
        entry.attempts += 1
        entry.sent_at = now
        self.placing.given(entry, rule, pick, self.generation)

    def _transmit(self, entry: Entry, slot: Slot, now: int) -> None:
        """The mark is on disk: write the octets, unless an opt-out came meanwhile; or let the message wait
        again if the link is gone.
        """
        if entry.state is not SENDING or not self.may_leave(entry, now):
            slot.give_back()
            return
        try:
            sent = send(entry, slot, now)
        except Unfit as unfit:
            self._unfit(entry, unfit)
        else:
            if not sent:
                self._back(entry)

    def _unfit(self, entry: Entry, unfit: Unfit) -> None:
        """The message cannot be put into a PDU that this carrier would take."""
        log.warn("message {id} does not fit its carrier: {why}", id=entry.message.id, why=str(unfit))
        batch = Batch()
        self.book.end(entry, State.REJECTED, unfit.status, self.clocks.now_ms(), batch)
        self.committer.commit(batch, must=True)

    def _unmarked(self, entry: Entry, slot: Slot, trail: str) -> None:
        """The store refused the mark: nothing was sent, the message waits on as it was."""
        slot.give_back()
        entry.attempts -= 1
        entry.trail = trail
        entry.state, entry.deadline = State.WAITING, entry.message.expires_at
        self.book.states[State.SENDING] -= 1
        self.book.states[State.WAITING] += 1
        self.enqueue(entry, front=True)
        self._sleep(STORE_PAUSE)

    def _back(self, entry: Entry) -> None:
        """A message that was marked and not written waits again; the disk is told, so that it is not in
        doubt.
        """
        batch = Batch()
        entry.attempts -= 1
        self.book.move(entry, State.WAITING, entry.message.expires_at, batch)
        self.committer.commit(batch, must=True)
        self.enqueue(entry, front=True)
        self._sleep(0)

    def _routeless(self, entry: Entry) -> None:
        """No rule of this generation is for the message: it waits in the store until one is, or it
        expires.
        """
        log.warn("no route for message {id} of {account}", id=entry.message.id, account=entry.message.account)
        lowest = self._without_route
        self._without_route = entry.message.id if lowest is None else min(lowest, entry.message.id)
        self.book.drop(entry)

    # the backlog in the store, and waking up

    def _read_backlog(self) -> None:
        if self._beyond is None or self._reading or self.lanes.count > self.memory // 2:
            return
        if self.may_read():
            self._reading = True
            Deferred.fromCoroutine(self._refill()).addErrback(
                lambda failure: log.failure("the backlog could not be read", failure=failure)
            )

    def wait_beyond(self, message_id: int) -> None:
        """Something from this id on waits in the store alone."""
        self._beyond = message_id if self._beyond is None else min(self._beyond, message_id)

    async def _refill(self) -> None:
        """Read the next page of what waits in the store alone; a little later if it cannot be read."""
        start, self._beyond = self._beyond or 0, None
        try:
            entries, last = await self.book.read_open(start - 1, (State.WAITING,), PAGE)
        except StoreUnavailable as error:
            log.warn("the backlog could not be read: {error}", error=str(error))
            self.wait_beyond(start)
            self._sleep(STORE_PAUSE)
            return
        finally:
            self._reading = False
        if last is not None:
            self.wait_beyond(last + 1)
        for entry in entries:
            self.enqueue(entry)
        if self.lanes.count:
            self.pump()

    @property
    def waiting(self) -> int:
        """Messages in memory that wait: in lanes, for one before them, or for a place in a new generation."""
        return self.lanes.count + self.ordering.count + len(self._unplaced)

    @property
    def carriers(self) -> dict[str, Carrier]:
        """By name."""
        return self.placing.carriers

    @property
    def router(self) -> Router:
        """The rules in force."""
        return self.placing.router

    def _schedule(self) -> None:
        """Wake up when a carrier that is paused or out of tokens can take more."""
        if self.lanes.count:
            waits = [wait for carrier in self.carriers.values() if (wait := carrier.ready_in()) is not None]
            if waits:
                self._sleep(min(waits))

    def _sleep(self, seconds: float) -> None:
        if self._wake is None or not self._wake.active():
            self._wake = self.clocks.timer.callLater(max(seconds, 0.001), self.pump)
