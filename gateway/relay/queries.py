"""query_sm, cancel_sm and replace_sm: a waiting message can be queried, cancelled and replaced, one that is
with a carrier only queried. All match the message id and the source address (SMPP 3.4, sections 4.8 to
4.10)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from gateway.filters.chain import Judgement
from gateway.message import Message
from gateway.relay.accounts import Account
from gateway.relay.batch import Batch, Committer
from gateway.relay.book import Book, Entry
from gateway.relay.client import Client
from gateway.relay.clocks import Clocks
from gateway.relay.gathering import Gathering
from gateway.relay.ids import read_id
from gateway.relay.judging import LEAVES, Judging
from gateway.relay.outbound import utc
from gateway.relay.recover import scheduled
from gateway.smpp.concat import part_of
from gateway.smpp.constants import CommandStatus, MessageState, Tag
from gateway.smpp.pdus import (
    CancelSm,
    CancelSmResp,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    SubmitSm,
)
from gateway.smpp.smpptime import format_absolute, parse_time
from gateway.store.queries import Sought
from gateway.store.rows import MessageRow, State, StoreUnavailable

log = Logger(__name__)

MOST_DESTINATIONS = 255  # of one submit_multi: they share the id that was told
CANCELLABLE = frozenset({State.WAITING, State.DEFERRED, State.HELD, State.GATHERING})
REPLACEABLE = frozenset({State.WAITING, State.DEFERRED, State.HELD})
GROUP_LIMIT = 1000
V50 = 0x50


class Queries:
    """Answers what clients ask about and of their messages; each leaves its batch, since the store may be
    read.
    """

    def __init__(
        self, book: Book, judging: Judging, gathering: Gathering, committer: Committer, clocks: Clocks
    ) -> None:
        self.book = book
        self.judging = judging
        self.gathering = gathering
        self.committer = committer
        self.clocks = clocks

    def query(self, client: Client, pdu: QuerySm) -> None:
        """query_sm: the state of a message, and when it ended."""
        self._run(client, pdu, CommandStatus.ESME_RQUERYFAIL, self._query)

    def cancel(self, client: Client, pdu: CancelSm) -> None:
        """cancel_sm: of one message by its id, or of all that wait from one address to another."""
        self._run(client, pdu, CommandStatus.ESME_RCANCELFAIL, self._cancel)

    def replace(self, client: Client, pdu: ReplaceSm) -> None:
        """replace_sm: another text for a message that waits, judged like a new one."""
        self._run(client, pdu, CommandStatus.ESME_RREPLACEFAIL, self._replace)

    def _run(
        self,
        client: Client,
        pdu: Any,
        failed: int,
        work: Callable[[Client, Account, Any], Coroutine[Any, Any, int]],
    ) -> None:
        account = client.account
        assert account is not None

        async def answered() -> None:
            try:
                status = await work(client, account, pdu)
            except StoreUnavailable:
                status = CommandStatus.ESME_RTHROTTLED
            except Exception:
                log.failure("a query, cancel or replace failed")
                status = failed
            if status:
                client.refuse(pdu, status)
            self.committer.outgoing.flush()

        Deferred.fromCoroutine(answered())

    async def _find(self, account: Account, told: str, source: str) -> list[MessageRow]:
        """The messages that were told under this id: one, or several if it was a submit_multi."""
        for number in read_id(told):
            rows = await self.book.ledger.messages(range(number, number + MOST_DESTINATIONS))
            mine = [
                r for r in rows if r.client_id == told and r.account == account.name and r.source == source
            ]
            if mine:
                return mine
        return []

    async def _query(self, client: Client, account: Account, pdu: QuerySm) -> int:
        rows = await self._find(account, pdu.message_id, pdu.source_addr)
        async with self.book.loaded(_ids(rows)) as entries:
            if not entries:
                return CommandStatus.ESME_RINVMSGID
            entry = next((entry for entry in entries if not entry.state.final), entries[-1])
            final_date = format_absolute(utc(entry.done_at)) if entry.done_at else ""
            state = query_state(entry, client.protocol.session.version)
            client.respond(
                QuerySmResp(pdu.sequence_number, 0, pdu.message_id, final_date, state, min(entry.error, 255))
            )
            return 0

    async def _cancel(self, client: Client, account: Account, pdu: CancelSm) -> int:
        wanted = pdu.destination_addr.lstrip("+")
        if pdu.message_id:
            rows = await self._find(account, pdu.message_id, pdu.source_addr)
            rows = [row for row in rows if not wanted or row.destination == wanted]
            if not rows:
                return CommandStatus.ESME_RINVMSGID
        else:
            rows = await self._open(account.name, pdu.source_addr, wanted)
        async with self.book.loaded(_ids(rows)) as entries:
            only = pdu.service_type if not pdu.message_id else ""
            cancelled = await self._delete(
                [e for e in entries if e.state in CANCELLABLE and only in ("", e.message.pdu.service_type)]
            )
        if not cancelled:
            return CommandStatus.ESME_RCANCELFAIL
        client.respond(CancelSmResp(pdu.sequence_number))
        return 0

    async def _open(self, account: str, source: str, destination: str) -> list[MessageRow]:
        """What an account has sent from one address to another and has not ended."""
        sought = Sought(account=account, source=source, destination=destination, open_only=True)
        return await self.book.ledger.search(sought, limit=GROUP_LIMIT)

    async def _delete(self, entries: list[Entry]) -> int:
        batch = Batch()
        now = self.clocks.now_ms()
        for entry in entries:
            if entry.state is State.GATHERING:
                self.gathering.groups.discard(entry)
            self.book.end(entry, State.DELETED, 0, now, batch)
        await self.committer.commit(batch, must=True)
        return len(entries)

    async def _replace(self, client: Client, account: Account, pdu: ReplaceSm) -> int:
        rows = await self._find(account, pdu.message_id, pdu.source_addr)
        async with self.book.loaded(_ids(rows)) as entries:
            if not entries:
                return CommandStatus.ESME_RINVMSGID
            entry = entries[0]
            changed = replaced(entry.message, account, pdu, self.clocks.now_ms())
            if isinstance(changed, int):
                return changed
            judgement = self.judging.judge(changed)
            reason = self.judging.refused(changed, judgement)
            if reason is not None and reason.name == "quiet_hours":
                return CommandStatus.ESME_RINVEXPIRY
            begun = entry.carrier_message_id is not None  # its carrier has some segments of it
            if (
                len(entries) > 1
                or reason is not None
                or begun
                or entry.state not in REPLACEABLE
                or changed.part is not None
            ):
                return CommandStatus.ESME_RREPLACEFAIL
            await self._exchange(entry, changed, judgement)
        client.respond(ReplaceSmResp(pdu.sequence_number))
        return 0

    async def _exchange(self, entry: Entry, changed: Message, judgement: Judgement) -> None:
        """Put the changed message in the place of the one that waits."""
        entry.message = changed
        batch = Batch()
        at_once = judgement.verdict.action in LEAVES and not self._later(changed)
        if entry.state is State.WAITING and at_once:
            entry.decision = self.judging.record(judgement, changed)
            batch.changes.revise(entry.row())
            batch.changes.classify(changed.id, changed.category)
            batch.changes.add("progress", entry.progressed())
        else:
            self.judging.settle(entry, judgement, batch)
            batch.after.append(self.judging.dispatch.pump)
        await self.committer.commit(batch, must=True)

    def _later(self, message: Message) -> bool:
        return message.due is not None and message.due > self.clocks.now_ms()

    def replace_present(self, message: Message, go_on: Callable[[], None]) -> None:
        """replace_if_present_flag: what waits with the same addresses and service_type ends as deleted,
        then go on.
        """

        async def work() -> None:
            try:
                kind = message.pdu.service_type
                rows = await self._open(message.account, message.source, message.destination)
                async with self.book.loaded(_ids(rows)) as entries:
                    same = [e for e in entries if e.message.pdu.service_type == kind]
                    await self._delete([e for e in same if e.state in REPLACEABLE])
            except StoreUnavailable:
                log.warn("what a message was to replace could not be looked up; it is sent beside it")
            go_on()

        Deferred.fromCoroutine(work()).addErrback(
            lambda f: log.failure("a message could not replace another", f)
        )


def replaced(message: Message, account: Account, pdu: ReplaceSm, now_ms: int) -> Message | int:
    """The message as replace_sm wants it at `now_ms` (unix ms); empty times leave what was there. Or the
    status that refuses it.
    """
    if not isinstance(message.pdu, SubmitSm):
        return CommandStatus.ESME_RREPLACEFAIL
    if pdu.sm_default_msg_id:
        return CommandStatus.ESME_RINVDFTMSGID
    now = utc(now_ms)
    due, expires_at = scheduled(message.pdu, message.accepted_at), message.expires_at
    try:
        if pdu.schedule_delivery_time and (moment := parse_time(pdu.schedule_delivery_time, now)):
            due = int(moment.timestamp() * 1000)
    except ValueError:
        return CommandStatus.ESME_RINVSCHED
    try:
        if pdu.validity_period and (moment := parse_time(pdu.validity_period, now)):
            longest = max(now_ms, due or 0) + int(account.settings.longest_validity * 1000)
            expires_at = min(int(moment.timestamp() * 1000), longest)
    except ValueError:
        return CommandStatus.ESME_RINVEXPIRY
    if expires_at <= max(now_ms, due or 0):
        return CommandStatus.ESME_RINVEXPIRY
    kept = tuple(tlv for tlv in message.pdu.tlvs if tlv.tag != Tag.message_payload)
    payload = tuple(tlv for tlv in pdu.tlvs if tlv.tag == Tag.message_payload)
    schedule = format_absolute(utc(due)) if due and pdu.schedule_delivery_time else ""
    changed = message.pdu._replace(
        schedule_delivery_time=schedule or message.pdu.schedule_delivery_time,
        short_message=pdu.short_message,
        registered_delivery=pdu.registered_delivery,
        validity_period=pdu.validity_period or message.pdu.validity_period,
        tlvs=kept + payload,
    )
    part = message.part or part_of(changed)  # with a header of its own it would be a part of a long text
    return replace(message, pdu=changed, due=due, expires_at=expires_at, part=part)


def _ids(rows: list[MessageRow]) -> list[int]:
    return [row.id for row in rows]


def query_state(entry: Entry, version: int) -> int:
    """message_state (SMPP 3.4, section 5.2.28); a message that waits for its time is SCHEDULED from version
    5.0 on.
    """
    if entry.state.final:
        return entry.state - 10
    scheduled = entry.state is State.DEFERRED and version >= V50
    return MessageState.SCHEDULED if scheduled else MessageState.ENROUTE
