"""After a restart: what was accepted and not finished goes on, as the store has it."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from gateway.message import Message, MtPdu
from gateway.relay.accounts import Accounts
from gateway.relay.batch import Batch, Committer
from gateway.relay.book import Book, Entry, without_spent
from gateway.relay.counting import counts, moment
from gateway.relay.dispatch import Dispatch
from gateway.relay.gathering import Gathering
from gateway.relay.inbound import Inbound
from gateway.relay.outbound import utc
from gateway.relay.parts import ids_of, read_parts
from gateway.relay.replies import PART, Replies
from gateway.relay.trail import only_of
from gateway.smpp.codec import decode
from gateway.smpp.concat import part_of
from gateway.smpp.pdus import DataSm, SubmitSm
from gateway.smpp.smpptime import parse_time
from gateway.store.ledger import Ledger
from gateway.store.rows import MessageRow, State

log = Logger()

PAGE = 2000
RECENT = 100_000  # messages whose writers are remembered for the replies to them


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


class Recovery:
    """Brings the memory to where the store is. To be run once, before anybody is listened to."""

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
        tiers: Callable[[], bool] = lambda: True,
    ) -> None:
        """`tiers`: whether some messages do not wait behind others."""
        self.tiers = tiers
        self.ledger = ledger
        self.book = book
        self.accounts = accounts
        self.dispatch = dispatch
        self.gathering = gathering
        self.inbound = inbound
        self.replies = replies
        self.committer = committer

    async def run(self) -> None:
        """Read everything that is open: ids first, so that receipts find their messages, then what waits."""
        self.book.states.update(await self.ledger.counts_by_state(open_only=True))
        await self._sent()
        await self._strays()
        await self._messages()
        for destination, source, account_name in await self.ledger.recent_writers(RECENT):
            self.replies.wrote(destination, source, account_name)
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

    async def _sent(self) -> None:
        after = 0
        while rows := await self.ledger.sent_after(after, PAGE):
            for row in rows:
                carrier = self.dispatch.carriers.get(row.carrier)
                known = row.destination if carrier is None else carrier.adapter.shown(row.destination)
                for identity in ids_of(row.carrier_message_id):
                    if identity:
                        self.inbound.matcher(row.carrier).add(identity, row.id, known)
            after = rows[-1].id

    async def _strays(self) -> None:
        after = 0
        batch = Batch()
        while rows := await self.ledger.strays(after, PAGE):
            for row in rows:
                if row.carrier_message_id == PART:
                    self.replies.restore(row, batch)
                elif row.carrier_message_id:
                    self.inbound.keep(row)
            after = rows[-1].seq
        await self.committer.commit(batch, must=True)

    async def _messages(self) -> None:
        """What waits is queued, segments are gathered, and what may have been sent follows its carrier's
        policy. Of what waits only what fits into memory is read now, unless some of it may be urgent.
        """
        after = 0
        states = {State.WAITING, State.GATHERING, State.SENDING}
        while rows := await self.ledger.open_after(after, states, PAGE):
            batch = Batch()
            for row in rows:
                entry = self.book.adopt(row)
                if entry.state is State.WAITING:
                    self.dispatch.enqueue(entry)
                elif entry.state is State.GATHERING:
                    self.gathering.again(entry)
                else:
                    self._in_doubt(entry, batch)
            await self.committer.commit(batch, must=True)
            after = rows[-1].id
            if self.dispatch.overflows and not self.tiers():
                states.discard(State.WAITING)

    def _in_doubt(self, entry: Entry, batch: Batch) -> None:
        """Marked as sending when the node died: whether its octets went out is not known."""
        carrier = self.dispatch.carriers.get(entry.carrier or "")
        if carrier is None:
            self.dispatch.retrying.again(entry, batch)
        else:
            self.dispatch.retrying.unanswered(carrier, entry, batch)
