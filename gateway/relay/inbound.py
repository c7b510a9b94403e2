"""What carriers send: receipts to their messages, replies to their accounts, each committed before it is
answered.

A receipt that matches nothing is kept and answered all the same: its message may turn up with the next
response.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from gateway.relay.batch import Batch, Committer
from gateway.relay.book import Book, Entry
from gateway.relay.carrier import Carrier, Link
from gateway.relay.clocks import Clocks
from gateway.relay.counters import Counts
from gateway.relay.ids import Ids
from gateway.relay.matching import Matcher, same_number
from gateway.relay.replies import Replies
from gateway.smpp.codec import decode, encode
from gateway.smpp.constants import CommandId, CommandStatus, MessageState
from gateway.smpp.pdus import DataSm, DataSmResp, DeliverSm, DeliverSmResp
from gateway.smpp.receipts import Receipt, canonical_id
from gateway.store.rows import DELIVERED, SENT, State, StrayRow

log = Logger(__name__)

_DELIVER_SM_RESP, _DATA_SM_RESP = int(CommandId.deliver_sm_resp), int(CommandId.data_sm_resp)
_ACCEPTED = int(MessageState.ACCEPTED)

FINAL_STATES: dict[int, State] = {
    MessageState.DELIVERED: State.DELIVERED,
    MessageState.EXPIRED: State.EXPIRED,
    MessageState.DELETED: State.DELETED,
    MessageState.UNDELIVERABLE: State.UNDELIVERABLE,
    MessageState.UNKNOWN: State.UNKNOWN,
    MessageState.REJECTED: State.REJECTED,
    MessageState.SKIPPED: State.UNDELIVERABLE,
}
KEEP_STRAYS = 100_000
OTHER_ERROR = 999


class Stray(NamedTuple):
    """A stored receipt that matches nothing yet; `received_at` in unix milliseconds."""

    seq: int
    received_at: int
    pdu: DeliverSm | DataSm


class Inbound:
    """Matches receipts to messages, for all carriers. `told` passes an intermediate receipt on to the
    account.
    """

    def __init__(self, book: Book, replies: Replies, committer: Committer, seqs: Ids, clocks: Clocks) -> None:
        self.book = book
        self.committer = committer
        self.replies = replies
        self.seqs = seqs
        self.clocks = clocks
        self.told: Callable[[Entry, Receipt, Batch], None] = lambda entry, receipt, batch: None
        self.matchers: defaultdict[str, Matcher] = defaultdict(Matcher)
        """The open ids of each carrier."""
        self.refused: Callable[[Carrier, Entry, Receipt, Batch], None] = lambda carrier, entry, said, batch: (
            None
        )
        self.counts: Counts[str] = Counts()
        self._strays: OrderedDict[tuple[str, str], list[Stray]] = OrderedDict()
        self.strays = 0
        self._unheard: list[tuple[Carrier, Link, DeliverSm | DataSm]] | None = []
        book.aged = self.age

    # from the carrier

    def take(self, carrier: Carrier, link: Link, pdu: DeliverSm | DataSm, batch: Batch) -> None:
        """A deliver_sm or data_sm of the carrier; it is answered when what it brings is on disk."""
        receipt = carrier.receipts.read(pdu)
        if receipt is None:
            if self._unheard is not None:
                self._unheard.append((carrier, link, pdu))
                return
            self.replies.take(carrier, pdu, batch)
            batch.delivered.append((link, pdu))
            return
        identity = canonical_id(receipt.message_id or "", carrier.id_in_receipt)
        matcher = self.matchers[carrier.name]
        message_id = matcher.find(identity, pdu.source_addr) if identity else None
        if message_id is None:
            if recalled := matcher.recalled(identity):
                self._later(carrier, recalled, identity, receipt, (link, pdu))
                return
            self._unmatched(carrier, identity, pdu, batch)
            batch.delivered.append((link, pdu))
        elif (entry := self.book.entries.get(message_id)) is not None:
            self._apply(carrier, entry, identity, receipt, batch)
            batch.delivered.append((link, pdu))
        else:
            self._later(carrier, [message_id], identity, receipt, (link, pdu))

    def hear(self) -> None:
        """Read the replies that have come since the start, unanswered, and from now on each as it comes: now
        it is known who has written to whom.
        """
        unheard, self._unheard = self._unheard or [], None
        batch = Batch()
        for carrier, link, pdu in unheard:
            self.replies.take(carrier, pdu, batch)
            batch.delivered.append((link, pdu))
        self.committer.commit(batch, must=True)

    def answer(self, delivered: list[tuple[Link, DeliverSm | DataSm]]) -> None:
        """What these have brought is on disk."""
        for link, pdu in delivered:
            try:
                command = _DELIVER_SM_RESP if isinstance(pdu, DeliverSm) else _DATA_SM_RESP
                link.protocol.session.accept(command, pdu.sequence_number)
            except Exception:
                log.failure("an answer to carrier {name} failed", name=link.carrier.name)
        for link in dict.fromkeys([link for link, _ in delivered]):
            self.committer.outgoing.add(link.protocol)

    def respond(self, link: Link, pdu: DeliverSm | DataSm, status: int) -> None:
        """Answer one of them."""
        kind = DeliverSmResp if isinstance(pdu, DeliverSm) else DataSmResp
        link.protocol.session.respond(kind(pdu.sequence_number, status))
        self.committer.outgoing.add(link.protocol)

    def learn(self, carrier: Carrier, message_id: int, identity: str, receipt: Receipt, batch: Batch) -> None:
        """The carrier has told, when it was asked, what became of a message."""
        entry = self.book.get(message_id)
        if entry is not None:
            self._apply(carrier, entry, identity, receipt, batch)
        else:
            self._later(carrier, [message_id], identity, receipt, None)

    def _later(
        self,
        carrier: Carrier,
        message_ids: list[int],
        identity: str,
        receipt: Receipt,
        brought_by: tuple[Link, DeliverSm | DataSm] | None,
    ) -> None:
        """The message is one of these, the first before the others, and not in memory any more: read it, then
        apply the receipt in a batch of its own.
        """

        async def load_and_apply() -> None:
            batch = Batch()
            async with self.book.loaded(message_ids) as entries:
                number = "" if brought_by is None else brought_by[1].source_addr
                meant = [entry for entry in entries if _is_meant(entry, carrier, identity, number)]
                for entry in meant[:1]:
                    self._apply(carrier, entry, identity, receipt, batch)
            if brought_by is not None:
                if not meant:
                    self._unmatched(carrier, identity, brought_by[1], batch)
                batch.delivered.append(brought_by)
            await self.committer.commit(batch, must=True)

        def unreadable(failure: object) -> None:
            log.error("a message could not be read for its receipt: {failure}", failure=failure)
            if brought_by is not None:
                self.respond(*brought_by, CommandStatus.ESME_RX_T_APPN)
            self.committer.outgoing.flush()

        Deferred.fromCoroutine(load_and_apply()).addErrback(unreadable)

    def _apply(self, carrier: Carrier, entry: Entry, identity: str, receipt: Receipt, batch: Batch) -> None:
        """Let a receipt say what became of its message."""
        state = self.final_state(carrier, receipt)
        if entry.parts is not None and not entry.state.final and entry.carrier == carrier.name:
            self._apply_to_part(carrier, entry, identity, state, receipt, batch)
        elif entry.state is not SENT or entry.carrier != carrier.name:
            self.counts["repeated"] += 1
            # What it repeats may not be on disk yet: then neither is this, and it is not answered before.
            batch.changes.add("progress", entry.progressed())
        elif state is None or receipt.intermediate:
            self.counts["intermediate"] += 1
            self.told(entry, receipt, batch)
        else:
            self.counts["matched"] += 1
            if state is not DELIVERED:
                self.refused(carrier, entry, receipt, batch)
            self.book.end(entry, state, _error(receipt), batch.now or self.clocks.now_ms(), batch)

    def _apply_to_part(
        self,
        carrier: Carrier,
        entry: Entry,
        identity: str,
        state: State | None,
        receipt: Receipt,
        batch: Batch,
    ) -> None:
        """Let a receipt say what became of one segment. The message ends when all have, or one has failed."""
        parts = entry.parts
        assert parts is not None
        if state is None or receipt.intermediate:
            self.counts["intermediate"] += 1
            self.told(entry, receipt, batch)
            return
        known = parts.end(identity, state)
        self.counts["matched" if known else "repeated"] += 1
        entry.carrier_message_id = parts.written()
        outcome = parts.outcome()
        if outcome is None:
            batch.changes.add("progress", entry.progressed())
            message = entry.message
            batch.after.append(
                lambda: self.matchers[carrier.name].finish(identity, message.id, message.destination)
            )
            return
        if outcome is not State.DELIVERED:
            self.refused(carrier, entry, receipt, batch)
        self.book.end(entry, outcome, _error(receipt), self.clocks.now_ms(), batch)

    @staticmethod
    def final_state(carrier: Carrier, receipt: Receipt) -> State | None:
        """The end that a receipt tells; None if it tells none. A `stat` that is no known word is a
        failure's code.
        """
        state = receipt.state
        if state is None:
            return State.UNDELIVERABLE if receipt.stat else None
        if state == _ACCEPTED:
            return State.ACCEPTED if carrier.settings.accepted_is_final else None
        return FINAL_STATES.get(state)

    def forget(self, entry: Entry) -> None:
        """A message has ended: the carrier may use its id again."""
        if entry.carrier and entry.carrier_message_id:
            matcher = self.matchers[entry.carrier]
            for identity in (entry.carrier_message_id,) if entry.parts is None else entry.parts.ids():
                matcher.finish(identity, entry.message.id, entry.message.destination)

    def age(self, entry: Entry) -> None:
        """A message was sent long ago."""
        if entry.carrier and entry.carrier_message_id and entry.parts is None:
            self.matchers[entry.carrier].age(entry.carrier_message_id, entry.message.id)

    # receipts without a message

    def _unmatched(self, carrier: Carrier, identity: str, pdu: DeliverSm | DataSm, batch: Batch) -> None:
        if identity and self.matchers[carrier.name].was_finished(identity, pdu.source_addr):
            self.counts["repeated"] += 1
            return
        self.counts["unmatched"] += 1
        seq = self.seqs.take()
        row = StrayRow(
            seq,
            carrier.name,
            identity,
            pdu.source_addr,
            self.clocks.now_ms(),
            encode(pdu._replace(sequence_number=0)),
        )
        batch.changes.stray(row)
        self.keep(row, pdu)

    def keep(self, row: StrayRow, pdu: DeliverSm | DataSm | None = None) -> None:
        """Remember a stored receipt that matches nothing yet."""
        if pdu is None:
            decoded = decode(row.pdu)
            if not isinstance(decoded, DeliverSm | DataSm):
                return
            pdu = decoded
        self._strays.setdefault((row.carrier, row.carrier_message_id), []).append(
            Stray(row.seq, row.received_at, pdu)
        )
        self.strays += 1
        while self.strays > KEEP_STRAYS:
            _, forgotten = self._strays.popitem(last=False)
            self.strays -= len(forgotten)

    def drop(self, rows: Iterable[StrayRow], batch: Batch) -> None:
        """Do away with stored receipts that match nothing, and replies that are nobody's."""
        for row in rows:
            batch.changes.unstray(row.seq)
            key = row.carrier, row.carrier_message_id
            kept = [stray for stray in self._strays.get(key, ()) if stray.seq != row.seq]
            self.strays -= len(self._strays.get(key, ())) - len(kept)
            if kept:
                self._strays[key] = kept
            else:
                self._strays.pop(key, None)

    def sent(self, carrier: Carrier, entry: Entry, identity: str, batch: Batch) -> None:
        """The carrier has named a message, or a segment of it: receipts that came before the name are matched
        now.

        Those that came before the message was accepted speak of another one: carriers use their ids again.
        """
        if not identity:
            return
        matcher = self.matchers[carrier.name]
        matcher.add(identity, entry.message.id, carrier.adapter.shown(entry.message.destination))
        waiting = self._strays.get((carrier.name, identity)) if self._strays else None
        for stray in list(waiting or ()):
            if stray.received_at < entry.message.accepted_at:
                continue
            receipt = carrier.receipts.read(stray.pdu)
            if receipt is None or matcher.find(identity, stray.pdu.source_addr) != entry.message.id:
                continue
            assert waiting is not None
            waiting.remove(stray)
            self.strays -= 1
            if not waiting:
                del self._strays[carrier.name, identity]
            batch.changes.unstray(stray.seq)
            self.counts["matched_later"] += 1
            self._apply(carrier, entry, identity, receipt, batch)


def _is_meant(entry: Entry, carrier: Carrier, identity: str, number: str) -> bool:
    """Whether a message that was read is the one of this id and number ("": any)."""
    stored = entry.carrier_message_id
    known = (stored,) if entry.parts is None else entry.parts.ids()
    return identity in known and same_number(carrier.adapter.shown(entry.message.destination), number)


def _error(receipt: Receipt) -> int:
    """The carrier's error as a number; one that is not a number of two octets counts as 999."""
    if receipt.network_error_code is not None:
        return receipt.network_error_code[1]
    return _number(receipt.err)


@lru_cache(maxsize=1024)
def _number(text: str) -> int:
    text = text.strip()
    if not text:
        return 0
    number = int(text) if text.isdecimal() and len(text) <= 5 else OTHER_ERROR
    return number if number <= 0xFFFF else OTHER_ERROR
