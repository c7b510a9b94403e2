"""The outbox while the store is being read: what a client has taken is not offered again."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.relay.batch import Batch, Outgoing
from gateway.relay.clocks import Clocks
from gateway.relay.outbox import FIRST_PAUSE, Outbox
from gateway.smpp.codec import encode
from gateway.smpp.pdus import DeliverSm
from gateway.store.rows import Kind, OutboxRow, StoreUnavailable


class Receiving:
    """A session of the client, and its own protocol: it keeps what it is given."""

    def __init__(self) -> None:
        self.protocol: Any = self
        self.session: Any = self
        self.without_tlvs = False
        self.parcels: list[Any] = []

    def accepts(self, parcel: Any) -> bool:
        return True

    def send_frame(self, frame: bytes, command: int, now: float, parcel: Any) -> None:
        self.parcels.append(parcel)

    def flush(self) -> None:
        """What was given is kept already."""

    @property
    def seqs(self) -> list[int]:
        return [parcel.row.seq for parcel in self.parcels]


class Reads:
    """The ledger: each read waits until the test answers it."""

    def __init__(self) -> None:
        self.asked: list[Deferred[list[OutboxRow]]] = []

    def outbox(self, account: str, after: int, limit: int) -> Deferred[list[OutboxRow]]:
        self.asked.append(Deferred())
        return self.asked[-1]


def row(seq: int) -> OutboxRow:
    return OutboxRow(seq, "bank", seq, Kind.RECEIPT, 0, 1 << 50, 0, encode(DeliverSm(short_message=b"x")))


def make() -> tuple[Outbox, Reads, Receiving, Clock]:
    """An outbox with one session and, as after a restart, rows on disk that it has not read."""
    reads, receiving, clock = Reads(), Receiving(), Clock()
    ledger: Any = reads
    committer: Any = None
    outbox = Outbox("bank", ledger, committer, Outgoing(), Clocks(clock, clock.seconds))
    outbox.restore(1)
    outbox.receivers.append(receiving)
    return outbox, reads, receiving, clock


def take(outbox: Outbox, receiving: Receiving) -> Batch:
    """The client says yes to the first parcel; returned is what is to be committed."""
    batch = Batch()
    outbox.answered(receiving.parcels[0], 0, batch)
    return batch


def committed(batch: Batch) -> None:
    for step in batch.after:
        step()
    for outbox, seq in batch.taken:
        outbox.forget(seq)


def test_a_row_that_was_taken_while_the_store_was_read():
    outbox, reads, receiving, _ = make()
    outbox.pump()
    outbox.offer(row(7))
    outbox.pump()
    committed(take(outbox, receiving))
    reads.asked[0].callback([row(7), row(8)])
    assert receiving.seqs == [7, 8]


def test_a_row_that_was_taken_and_is_not_off_the_disk_yet():
    outbox, reads, receiving, _ = make()
    outbox.pump()
    outbox.offer(row(7))
    outbox.pump()
    batch = take(outbox, receiving)
    reads.asked[0].callback([row(7), row(8)])
    committed(batch)
    assert receiving.seqs == [7, 8]


def test_a_read_that_fails_is_tried_again():
    outbox, reads, receiving, clock = make()
    outbox.pump()
    reads.asked[0].errback(StoreUnavailable("gone"))
    outbox.pump()
    assert len(reads.asked) == 1
    clock.advance(FIRST_PAUSE)
    reads.asked[1].callback([row(7)])
    assert receiving.seqs == [7]
