"""After a restart: what was accepted and not finished goes on, as the store has it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from sqlalchemy import Connection
from twisted.logger import Logger

from gateway.message import Message, MtPdu
from gateway.relay.accounts import Accounts
from gateway.relay.batch import Batch, Committer
from gateway.relay.book import Book, Entry, without_spent
from gateway.relay.counting import counts, moment
from gateway.relay.dispatch import Dispatch
from gateway.relay.gathering import Gathering
from gateway.relay.inbound import Inbound
from gateway.relay.matching import LONGEST_RUN, LOW, Run
from gateway.relay.outbound import utc
from gateway.relay.parts import ids_of, read_parts
from gateway.relay.patience import patiently
from gateway.relay.replies import PART, Replies
from gateway.relay.trail import only_of
from gateway.relay.writers import Writers
from gateway.smpp.codec import decode
from gateway.smpp.concat import part_of
from gateway.smpp.pdus import DataSm, SubmitSm
from gateway.smpp.smpptime import parse_time
from gateway.store.ledger import Ledger
from gateway.store.queries import accepted_since, before_latest, sent_after
from gateway.store.rows import MessageRow, State

log = Logger(__name__)

SOME = 200  # rows that are understood at once beside the traffic: some milliseconds
PAGE = 2000
RECENT = 100_000  # messages whose writers are remembered for the replies to them

BEGUN = (State.GATHERING, State.SENDING)
IDS, WRITERS = "ids", "writers"
"""What is still to be read: see `Recovery.loading`."""

T = TypeVar("T")
P = ParamSpec("P")


def restore(row: MessageRow, accounts: Accounts) -> Entry:
    """An Entry of a stored row. Raises ValueError if its PDU is none that is relayed."""
    pdu = decode(row.pdu) if row.pdu else SubmitSm(source_addr=row.source, destination_addr=row.destination)
    if not isinstance(pdu, SubmitSm | DataSm):
        raise ValueError(f"message {row.id} holds a {type(pdu).__name__}")
    mt: MtPdu = pdu
    account = accounts.get(row.account)
    settings = account.settings if account is not None else None
    message = Message(
        id=row.id,
        account=row.account,
        tenant=settings.tenant if settings else "",
        client_id=row.client_id,
        accepted_at=row.accepted_at,
        pdu=mt,
        category=row.category,
        generation=row.generation,
        expires_at=row.expires_at,
        due=row.deadline if row.state == State.DEFERRED else scheduled(mt, row.accepted_at),
        default_alphabet=settings.default_alphabet if settings else "gsm7",
        part=part_of(mt),
        segment_of=row.segment_of,
        taken_off=account.taken_off if account else (),
        by=(row.carrier or "") if not row.client_id else "",
        counted_at=moment(row) if counts(row) else 0,
    )
    parts = read_parts(row.carrier_message_id)
    decision, spent = without_spent(row.decision)
    return Entry(
        message,
        State(row.state),
        row.deadline,
        row.carrier,
        row.carrier_message_id,
        row.attempts,
        row.sent_at,
        row.done_at,
        row.error,
        decision,
        row.trail,
        stored=True,
        spent=spent,
        only=(row.carrier or "") if parts is not None and parts.taken else only_of(row.trail),
        parts=parts,
    )


def scheduled(pdu: MtPdu, accepted_at: int) -> int | None:
    """When the client wanted a message to leave, in unix milliseconds."""
    if not isinstance(pdu, SubmitSm) or not pdu.schedule_delivery_time:
        return None
    due = parse_time(pdu.schedule_delivery_time, utc(accepted_at))
    return None if due is None else int(due.timestamp() * 1000)


class Stopped(Exception):
    """The node ends while it recovers."""


class Recovery:
    """Brings the memory to where the store is, once, in three steps, so that a million of unfinished messages
    keep nobody waiting for long: `begin` before anybody is listened to, `identify` before a carrier is
    called, `recollect` beside the traffic. What was being sent can be told apart until a carrier is called.
    """

    def __init__(
        self,
        ledger: Ledger,
        book: Book,
        accounts: Accounts,
        dispatch: Dispatch,
        gathering: Gathering,
        inbound: Inbound,
        replies: Replies,
        committer: Committer,
    ) -> None:
        self.ledger = ledger
        self.book = book
        self.accounts = accounts
        self.dispatch = dispatch
        self.gathering = gathering
        self.inbound = inbound
        self.replies = replies
        self.committer = committer
        self.stopped = False
        self.loading = [IDS, WRITERS]
        self._more_waits: int | None = None
        self._begun: int | None = None

    async def read(self, query: Callable[P, Awaitable[T]], *args: P.args, **named: P.kwargs) -> T:
        """What a query finds, asked for again while the store fails: clients are being served. Raises
        Stopped.
        """
        found = await patiently(self.dispatch.clocks, query, *args, **named)
        if self.stopped:
            raise Stopped
        return found

    # before anybody is listened to

    async def begin(self) -> None:
        """What clients meet: the oldest of what waits, and how much there is for each of them. Segments that
        come meanwhile wait until those of before are known.
        """
        found = await self.ledger.open_counts()
        for state, each in found.items():
            self.book.states[state] += each.messages
        begun = [found[state].first for state in BEGUN if state in found]
        if begun:
            self._begun = min(begun) - 1
            self.gathering.postpone()
        if State.WAITING in found:
            await self._waiting(found[State.WAITING].first - 1)
        await self._outboxes()

    async def _waiting(self, after: int) -> None:
        """The oldest are queued; the others are read when there is room, as with every backlog."""
        rows = await self.ledger.open_after(after, (State.WAITING,), PAGE)
        for row in rows:
            self.dispatch.enqueue(self.book.adopt(row))
        if len(rows) == PAGE:
            self._more_waits = rows[-1].id
            self.dispatch.wait_beyond(rows[-1].id + 1)

    async def _outboxes(self) -> None:
        outboxes = await self.ledger.outbox_counts()
        for account in self.accounts:
            account.outbox.restore(outboxes.get(account.name, 0))
        for name, count in outboxes.items():
            if self.accounts.get(name) is None:
                log.warn(
                    "{count} receipts and replies wait for account {name}, which is gone",
                    count=count,
                    name=name,
                )

    # before a carrier is called

    async def identify(self) -> None:
        """What was begun, the ids by which carriers know messages, and the receipts that have matched none.
        Raises Stopped.
        """
        await self._go_on()
        after: int | None = 0
        while after is not None:
            after, runs = await self.read(self.ledger.read, _sent_after, after)
            for carrier, run in runs.items():
                self.inbound.matchers[carrier].recall(run)
        await self._strays()
        self.loading.remove(IDS)

    async def _go_on(self) -> None:
        """Segments are gathered, and what may have been sent follows its carrier's policy."""
        while self._begun is not None:
            entries, self._begun = await self.read(self.book.read_open, self._begun, BEGUN, SOME)
            batch = Batch()
            for entry in entries:
                if entry.state is State.GATHERING:
                    self.gathering.again(entry)
                else:
                    self._in_doubt(entry, batch)
            await self.committer.commit(batch, must=True)
        self.gathering.go_on()

    def _in_doubt(self, entry: Entry, batch: Batch) -> None:
        """Marked as sending when the node died: whether its octets went out is not known."""
        carrier = self.dispatch.carriers.get(entry.carrier or "")
        if carrier is None:
            self.dispatch.retrying.again(entry, batch)
        else:
            self.dispatch.retrying.unanswered(carrier, entry, batch)

    async def _strays(self) -> None:
        after = 0
        batch = Batch()
        while rows := await self.read(self.ledger.strays, after, PAGE):
            for row in rows:
                if row.carrier_message_id == PART:
                    self.replies.restore(row, batch)
                elif row.carrier_message_id:
                    self.inbound.keep(row)
            after = rows[-1].seq
        await self.committer.commit(batch, must=True)

    # beside the traffic

    async def recollect(self, *, tiers: bool) -> None:
        """Who has written to whom lately, for the replies, which are not read before; and, with `tiers`, what
        waits in the store alone and does not wait behind others. Raises Stopped.
        """
        await self._writers()
        self.loading.remove(WRITERS)
        self.inbound.hear()
        while tiers and self._more_waits is not None:
            entries, self._more_waits = await self.read(
                self.book.read_open, self._more_waits, (State.WAITING,), PAGE, wanted=_is_urgent
            )
            for entry in entries:
                self.dispatch.enqueue(entry)
            self.dispatch.pump()

    async def _writers(self) -> None:
        writers = self.replies.writers
        earlier = Writers(writers.program_of)
        after = await self.read(self.ledger.read, before_latest, RECENT)
        while rows := await self.read(self.ledger.read, accepted_since, 0, after, SOME):
            for row in rows:
                if writers.rules and row.client_id:
                    earlier.wrote(restore(row, self.accounts).message)
                else:
                    earlier.answered(row.destination, row.source, row.account)
            after = rows[-1].id
        writers.had_written(earlier)


def _sent_after(connection: Connection, after: int) -> tuple[int | None, dict[str, Run]]:
    """A page of what awaits its receipt, put in order in the reader's thread; where it ends, None for the
    last.
    """
    rows = sent_after(connection, after, LONGEST_RUN)
    rows = [row for row in rows if row.id - rows[0].id <= LOW]
    named: dict[str, list[tuple[str, int]]] = {}
    for id, carrier, stored in rows:
        named.setdefault(carrier, []).extend([(known, id) for known in ids_of(stored) if known])
    runs = {carrier: Run(rows[0].id, pairs) for carrier, pairs in named.items()}
    return (rows[-1].id if rows else None), runs


def _is_urgent(entry: Entry) -> bool:
    return entry.message.tier == 1
