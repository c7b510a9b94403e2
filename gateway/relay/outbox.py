"""The outbox of an account: receipts and replies that wait for one of its receiving sessions.

Rows come here when they are on disk and leave the disk when the client has taken them. Memory holds a
bounded part; the rest is read when there is room. What the client cannot take now waits for itself alone,
not for what is behind it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from gateway.relay.batch import Batch, Committer, Outgoing
from gateway.relay.clocks import Clocks
from gateway.relay.counters import Counts
from gateway.smpp.codec import decode
from gateway.smpp.constants import CommandId, CommandStatus
from gateway.smpp.events import WindowFull, WrongState
from gateway.smpp.pdus import DeliverSm
from gateway.smpp.protocol import SmppProtocol
from gateway.smpp.session import Session
from gateway.store.ledger import Ledger
from gateway.store.rows import Kind, OutboxRow, StoreUnavailable

log = Logger(__name__)

MEMORY = 2000  # rows of one account
PAGE = 500
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0  # seconds between attempts of one row
TRIES = 20  # answers other than the four that are known, before a row is put aside

DELIVER = int(CommandId.deliver_sm)
_OK = int(CommandStatus.ESME_ROK)
NEVER = frozenset({CommandStatus.ESME_RX_P_APPN, CommandStatus.ESME_RX_R_APPN})
LATER = frozenset(
    {
        CommandStatus.ESME_RX_T_APPN,
        CommandStatus.ESME_RTHROTTLED,
        CommandStatus.ESME_RMSGQFUL,
        CommandStatus.ESME_RSYSERR,
    }
)


class Receiver(Protocol):
    """A session that can be given deliver_sm."""

    protocol: SmppProtocol

    def accepts(self, parcel: Parcel) -> bool:
        """Whether its address_range takes what goes to that address."""


@dataclass(slots=True, eq=False)
class Parcel:
    """A row in memory."""

    row: OutboxRow
    sent_at: float = 0.0
    _to: str | None = None

    @property
    def to(self) -> str:
        """The address of the client's that it goes to; read when somebody asks."""
        if self._to is None:
            pdu = decode(self.row.pdu)
            self._to = pdu.destination_addr if isinstance(pdu, DeliverSm) else ""
        return self._to


class Outbox:
    """The outbox of one account."""

    def __init__(
        self, account: str, ledger: Ledger, committer: Committer, outgoing: Outgoing, clocks: Clocks
    ) -> None:
        self.account = account
        self.ledger = ledger
        self.committer = committer
        self.outgoing = outgoing
        self.clocks = clocks
        self.receivers: list[Receiver] = []
        self.counts: Counts[str] = Counts()
        self.backlog = 0
        self._waiting: deque[Parcel] = deque()
        self._held: set[int] = set()  # seqs in memory or not off the disk yet: not to be read again
        self._gone: list[int] = []  # those that left the disk while it was read
        self._beyond: int | None = 0  # rows after this seq wait in the store alone
        self._counted = False  # whether it is known how many there are
        self._left: int | None = None  # the first of those left to the store until somebody else binds
        self._reading = False
        self._next = 0

    def restore(self, count: int) -> None:
        """The store holds `count` rows for this account: they are read when a session can take them."""
        self.backlog, self._counted = count, True
        self._beyond = 0 if count else None

    def expired(self, count: int) -> None:
        """The retention has done away with rows that nobody fetched."""
        self.counts["expired"] += count
        self.backlog = max(0, self.backlog - count)

    def offer(self, row: OutboxRow) -> None:
        """A row that is on disk now."""
        self.backlog += 1
        if self._beyond is not None or len(self._held) >= MEMORY:
            if self._beyond is None:
                self._beyond = row.seq - 1
            return
        self._put(row)

    def _put(self, row: OutboxRow) -> None:
        if row.seq in self._held:
            return
        self._held.add(row.seq)
        self._waiting.append(Parcel(row))

    def joined(self, receiver: Receiver) -> None:
        """A session has bound that can be given deliver_sm: it may want what nobody wanted before."""
        self.receivers.append(receiver)
        if self._left is not None:
            self._wait_beyond(self._left - 1)
            self._left = None
        self.pump()

    def pump(self) -> None:
        """Give what waits to the sessions that can take it."""
        if not self.receivers:
            return
        passed: list[Parcel] = []
        unwanted: set[Parcel] = set()
        now = self.clocks.timer.seconds()
        while self._waiting:
            parcel = self._waiting.popleft()
            sent, wanted = self._give(parcel, now)
            if sent:
                continue
            passed.append(parcel)
            if not wanted:
                unwanted.add(parcel)
            elif not any(receiver.protocol.session.window_free for receiver in self.receivers):
                break
        if self._beyond is not None and len(unwanted) > MEMORY // 2:
            self._leave(unwanted)
            passed = [parcel for parcel in passed if parcel not in unwanted]
        self._waiting.extendleft(reversed(passed))
        self._read_on()

    def _read_on(self) -> None:
        """Read what waits in the store alone if there is room for it and somebody to take it."""
        if self._beyond is None or self._reading or not self.receivers or len(self._held) > MEMORY // 2:
            return
        self._reading = True
        Deferred.fromCoroutine(self._read()).addErrback(
            lambda failure: log.failure("the outbox of {name} could not be read", failure, name=self.account)
        )

    def _leave(self, parcels: set[Parcel]) -> None:
        """Leave what no session wants to the store, so that it takes no room from what is behind it."""
        seqs = [parcel.row.seq for parcel in parcels]
        self._held.difference_update(seqs)
        self._left = min(seqs) if self._left is None else min(self._left, *seqs)

    def _give(self, parcel: Parcel, now: float) -> tuple[bool, bool]:
        """Whether the parcel was sent, and whether a session that is full now would take it later."""
        receivers = self.receivers
        wanted = False
        for turn in range(len(receivers)):
            receiver = receivers[(self._next + turn) % len(receivers)]
            if not receiver.accepts(parcel):
                continue
            try:
                self._send(receiver.protocol.session, parcel, now)
            except (WindowFull, WrongState):
                wanted = True
                continue
            except ValueError:
                continue  # a peer without TLVs, whom a long reply never fits
            parcel.sent_at = now
            self._next = (self._next + turn + 1) % len(receivers)
            self.outgoing.add(receiver.protocol)
            return True, True
        return False, wanted

    @staticmethod
    def _send(session: Session, parcel: Parcel, now: float) -> None:
        frame = parcel.row.pdu
        if session.without_tlvs:
            frame = session.encoded(decode(frame))
        session.send_frame(frame, DELIVER, now, parcel)

    def _wait_beyond(self, seq: int) -> None:
        """What comes after this row waits in the store alone."""
        self._beyond = seq if self._beyond is None else min(self._beyond, seq)

    async def _read(self) -> None:
        """Read the next rows from the store; a little later if it cannot be read."""
        after, self._beyond = self._beyond or 0, None
        try:
            if not self._counted:  # its account was not configured at the start
                self.backlog = (await self.ledger.outbox_counts()).get(self.account, 0)
                self._counted = True
            rows = await self.ledger.outbox(self.account, after, PAGE)
        except StoreUnavailable as error:
            log.warn("the outbox of {name} could not be read: {error}", name=self.account, error=str(error))
            self._beyond = after
            self.clocks.timer.callLater(FIRST_PAUSE, self._has_read)
            return
        for row in rows:
            if row.kind != Kind.DEAD and isinstance(decode(row.pdu), DeliverSm):
                self._put(row)
        if len(rows) == PAGE:
            self._wait_beyond(rows[-1].seq)
        self._has_read()

    def _has_read(self) -> None:
        self._reading = False
        self._held.difference_update(self._gone)
        self._gone.clear()
        self._go_on()

    # what the client answers

    def answered(self, parcel: Parcel, status: int, batch: Batch) -> None:
        """The client has answered a deliver_sm."""
        if status == _OK:
            self.counts["taken"] += 1
            batch.changes.dequeue(parcel.row.seq)
            self._done(parcel, batch)
        elif status in NEVER or (status not in LATER and parcel.row.attempts + 1 >= TRIES):
            self.counts["dead"] += 1
            batch.changes.enqueue(parcel.row._replace(kind=Kind.DEAD, attempts=parcel.row.attempts + 1))
            self._done(parcel, batch)
            log.warn(
                "account {account}: refused {kind} {seq} for good, {status}; it is kept as a dead letter",
                account=self.account,
                kind=Kind(parcel.row.kind).name,
                seq=parcel.row.seq,
                status=CommandStatus(status).name,
            )
        else:
            self.counts["later"] += 1
            self._back_off(parcel, batch)

    def unanswered(self, parcel: Parcel) -> None:
        """No answer came, or the session is gone: the client may or may not have it, so it gets it again."""
        self.counts["again"] += 1
        if parcel.row.seq in self._held:
            self._waiting.appendleft(parcel)

    def _done(self, parcel: Parcel, batch: Batch) -> None:
        self.backlog -= 1
        batch.taken.append((self, parcel.row.seq))

    def forget(self, seq: int) -> None:
        """A row has left the disk, but a read that is under way may have seen it there."""
        if self._reading:
            self._gone.append(seq)
        else:
            self._held.discard(seq)
            if self._beyond is not None:
                self._read_on()

    def _back_off(self, parcel: Parcel, batch: Batch) -> None:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(parcel.row.attempts, 16))
        parcel.row = parcel.row._replace(attempts=parcel.row.attempts + 1)
        batch.changes.enqueue(parcel.row)
        self.clocks.timer.callLater(pause, self._again, parcel)

    def _again(self, parcel: Parcel) -> None:
        self._waiting.append(parcel)
        self._go_on()

    def _go_on(self) -> None:
        self.pump()
        self.outgoing.flush()
