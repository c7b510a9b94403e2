"""Submits: submit_sm, data_sm and submit_multi of clients become messages, judged and stored before they
are answered.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

from twisted.logger import Logger

from gateway.filters.chain import ALLOWED
from gateway.filters.verdict import Action, Reason
from gateway.message import Message, MtPdu
from gateway.relay.accounts import Account, Accounts
from gateway.relay.batch import Answer, Batch
from gateway.relay.book import Book, Entry
from gateway.relay.client import Client
from gateway.relay.clocks import Clocks
from gateway.relay.duplicates import AGAIN, PAGE, Duplicates, First, key_of, refused_at_once
from gateway.relay.gathering import Gathering
from gateway.relay.ids import Ids, OutOfIds, write_id
from gateway.relay.judging import Judging
from gateway.relay.spending import Spending
from gateway.relay.submitted import message_of, single
from gateway.relay.tell import wants_receipt
from gateway.smpp.constants import V34, V50, CommandId, CommandStatus, Tag
from gateway.smpp.events import Received
from gateway.smpp.fields import DistributionList, Tlv, UnsuccessSme
from gateway.smpp.pdus import DataSmResp, SubmitMulti, SubmitMultiResp, SubmitSm, SubmitSmResp
from gateway.smpp.stencils import Said
from gateway.store.queries import accepted_since
from gateway.store.rows import State

log = Logger(__name__)

SLOWEST = 5.0  # seconds that a client who is a little over its rate is made to wait at most
_SUBMIT_SM_RESP, _DATA_SM_RESP = int(CommandId.submit_sm_resp), int(CommandId.data_sm_resp)
_REFUSE = Action.REFUSE

Congestion = Callable[[], int]


class Submits:
    """Takes what clients submit. `replace` is asked where replace_if_present_flag is set."""

    def __init__(
        self,
        ids: Ids,
        book: Book,
        judging: Judging,
        gathering: Gathering,
        spending: Spending,
        clocks: Clocks,
        congestion: Congestion,
        replace: Callable[[Message, Callable[[], None]], None],
    ) -> None:
        self.ids = ids
        self.book = book
        self.judging = judging
        self.gathering = gathering
        self.spending = spending
        self.clocks = clocks
        self.congestion = congestion
        self.replace = replace

    def submit(self, client: Client, pdu: MtPdu, received: Received, batch: Batch) -> None:
        """One message, with its octets and its stencil; answered when it is on disk."""
        account = client.account
        assert account is not None
        status = self._too_fast(client, account, 1)
        if not status:
            try:
                message = self._message(client, account, pdu, batch.now, received.said)
            except OutOfIds:
                message = int(CommandStatus.ESME_RTHROTTLED)
            if isinstance(message, int):
                status = message
            else:
                message.octets = received.frame if message.pdu is pdu else b""
                if isinstance(pdu, SubmitSm) and pdu.replace_if_present_flag:
                    self.replace(message, partial(self._later, client, account, message))
                elif message.part is None or not self.gathering.postponed(
                    partial(self._later, client, account, message)
                ):
                    self._accept(client, account, message, batch)
        if status:
            self._count_refusal(account, status)
            client.refuse(pdu, status)

    def _later(self, client: Client, account: Account, message: Message) -> None:
        """What a message had to wait for is done: it is taken in a batch of its own."""
        batch = Batch(began=self.clocks.timer.seconds())
        self._accept(client, account, message, batch)
        client.server.commit(client, batch)

    def _accept(self, client: Client, account: Account, message: Message, batch: Batch) -> None:
        """Book one message and answer it when it is on disk."""
        pdu = message.pdu
        duplicates = account.duplicates
        entry = Entry(message)
        if duplicates is None:
            refused = self._enter(entry, account, batch)
        else:
            key = key_of(message)
            first = self._first(duplicates, pdu, key)
            if first is not None and duplicates.enforced:
                self._again(client, account, pdu, first, batch)
                return
            refused = self._enter(entry, account, batch, again=first is not None)
            if entry.state is not State.REJECTED:
                self._remember(duplicates, key, message, batch)
        batch.answers.append((client, pdu, message.client_id, refused))

    def _first(self, duplicates: Duplicates, pdu: MtPdu, key: bytes) -> First | None:
        """The same that came lately."""
        replaces = isinstance(pdu, SubmitSm) and pdu.replace_if_present_flag
        return None if replaces else duplicates.find(key, self.clocks.wall())

    def _again(self, client: Client, account: Account, pdu: MtPdu, first: First, batch: Batch) -> None:
        """What came twice gets the first one's answer, when that is on disk."""

        def answer(stored: bool) -> None:
            if not stored:
                self._not_stored(client, account, pdu)
                return
            account.counts["duplicate"] += 1
            kind = SubmitSmResp if isinstance(pdu, SubmitSm) else DataSmResp
            client.respond(kind(pdu.sequence_number, 0, first.client_id, self._tlvs(client)))

        if first.stored:
            batch.after.append(lambda: answer(True))
            batch.failed.append(lambda: answer(True))
        else:
            first.waiting.append(answer)

    def _remember(self, duplicates: Duplicates, key: bytes, message: Message, batch: Batch) -> None:
        first = duplicates.put(key, message.client_id, message.accepted_at / 1000)
        batch.after.append(lambda: first.settle(True))
        batch.failed.append(lambda: duplicates.forget(key, first))

    async def recall(self, accounts: Accounts) -> None:
        """Learn what came lately, before a restart. Raises StoreUnavailable."""
        windows = {each.name: each.duplicates for each in accounts if each.duplicates is not None}
        if not windows:
            return
        longest = max(window.settings.within for window in windows.values())
        since, after = self.clocks.now_ms() - int(longest * 1000), 0
        while rows := await self.book.ledger.read(accepted_since, since, after, PAGE):
            for row in rows:
                window = windows.get(row.account)
                if window is not None and row.client_id and row.pdu and not refused_at_once(row):
                    message = self.book.restore(row).message
                    window.put(key_of(message), row.client_id, row.accepted_at / 1000, stored=True)
            after = rows[-1].id

    def _enter(self, entry: Entry, account: Account, batch: Batch, *, again: bool = False) -> Reason | None:
        """Judge and store a message; the reason that its response must tell (None: it is accepted, or
        refused by receipt). `again`: the account's duplicate window, in shadow, would have kept it back.

        A segment is stored and waits for its siblings.
        """
        message = entry.message
        part = message.part is not None and message.part.total > 1
        judgement = ALLOWED if part else self.judging.judge(message)
        if again:
            judgement = self.judging.noted(message, judgement, AGAIN)
        if judgement.verdict.action is not _REFUSE:
            over = self.spending.take(entry, account, batch)
            if over is not None and over.acts:
                judgement = over.refusal
            elif over is not None:
                judgement = self.judging.noted(message, judgement, over.refusal.verdict)
        if part and judgement is ALLOWED:
            self.gathering.accept(entry, batch)
            return None
        reason = self.judging.admit(entry, judgement, batch)
        if reason is not None and entry.spent is not None:
            self.spending.take_not(entry, account, batch)
        if (
            reason is not None
            and account.settings.refusals == "receipt"
            and not reason.request_error
            and wants_receipt(message.pdu.registered_delivery, State.REJECTED)
        ):
            reason = None
        if reason is not None:
            message.client_id = ""  # the client never learns an id: nothing was accepted
        self.book.accept(entry, batch)
        return reason

    def answer(self, answers: list[Answer], began: float) -> None:
        """The messages of one client's read are on disk: say so."""
        client = answers[0][0]
        account = client.account
        assert account is not None
        account.latency.add(self.clocks.timer.seconds() - began, len(answers))
        tlvs = self._tlvs(client)
        session = client.protocol.session
        accepted = 0
        for _, pdu, message_id, reason in answers:
            try:
                if reason is not None:
                    self._count_refusal(account, reason.status)
                    client.refuse(pdu, reason.status, f"{reason.err} {reason.name}")
                    continue
                accepted += 1
                submitted = isinstance(pdu, SubmitSm)
                if tlvs:
                    kind = SubmitSmResp if submitted else DataSmResp
                    session.respond(kind(pdu.sequence_number, 0, message_id, tlvs))
                else:
                    command = _SUBMIT_SM_RESP if submitted else _DATA_SM_RESP
                    session.accept(command, pdu.sequence_number, message_id)
            except Exception:
                log.failure("an answer to {account} failed", account=account.name)
        if accepted:
            account.counts["accepted"] += accepted
        client.server.outgoing.add(client.protocol)

    def not_stored(self, answers: list[Answer]) -> None:
        """The store refused them."""
        for client, pdu, _, _ in answers:
            assert client.account is not None
            self._not_stored(client, client.account, pdu)

    def _not_stored(self, client: Client, account: Account, pdu: MtPdu | SubmitMulti) -> None:
        """The store refused: so nothing was accepted, and the client is told what it retries longest."""
        self._count_refusal(account, CommandStatus.ESME_RTHROTTLED)
        client.refuse(pdu, CommandStatus.ESME_RTHROTTLED)

    def _tlvs(self, client: Client) -> tuple[Tlv, ...]:
        if client.protocol.session.version < V50:
            return ()
        return (Tlv(Tag.congestion_state, bytes((self.congestion(),))),)

    @staticmethod
    def _count_refusal(account: Account, status: int) -> None:
        account.counts[f"refused:{CommandStatus(status).name}"] += 1

    def _too_fast(self, client: Client, account: Account, count: int) -> int:
        """The window, then the rate: a little over is slowed down, far over is refused."""
        if client.protocol.session.incoming - client.behind > account.window:
            return CommandStatus.ESME_RTHROTTLED
        bucket = account.bucket
        if bucket is None:
            return 0
        now = self.clocks.timer.seconds()
        if not bucket.take(count, now):
            return CommandStatus.ESME_RTHROTTLED
        if bucket.tokens < 0:
            client.slow_down(min(SLOWEST, bucket.wait(0, now)))
        return 0

    # from the PDU to the message

    def _message(
        self,
        client: Client,
        account: Account,
        pdu: MtPdu,
        now: int,
        said: Said | None = None,
        message_id: int | None = None,
        told: str | None = None,
    ) -> Message | int:
        """The message, or the status that refuses it."""
        message = message_of(account, pdu, now, self.judging.generation, said)
        if isinstance(message, int):
            return message
        if self.judging.canary is not None:
            message.generation = self.judging.generation_of(message)
        message.id = self.ids.take() if message_id is None else message_id
        short = client.protocol.session.version < V34
        message.client_id = told or write_id(message.id, account.message_id, short=short)
        return message

    # many destinations at once

    def submit_multi(self, client: Client, pdu: SubmitMulti, batch: Batch) -> None:
        """Each destination is judged and booked by itself; those refused are listed in unsuccess_sme.

        All share the message id that is told; each has a receipt of its own, known by its address.
        """
        account = client.account
        assert account is not None
        if self.gathering.postponed(partial(self._multi_later, client, pdu)):
            return
        status = self._too_fast(client, account, len(pdu.dest_addresses))
        try:
            first = self.ids.take(len(pdu.dest_addresses))
        except OutOfIds:
            status = status or CommandStatus.ESME_RTHROTTLED
        if status:
            self._count_refusal(account, status)
            client.refuse(pdu, status)
            return
        told = write_id(first, account.message_id, short=client.protocol.session.version < V34)
        failures: list[UnsuccessSme] = []
        reader: Message | None = None  # decodes the text for all
        for offset, destination in enumerate(pdu.dest_addresses):
            if isinstance(destination, DistributionList):
                name = destination.dl_name
                failures.append(UnsuccessSme(0, 0, name, CommandStatus.ESME_RINVDLNAME))
                continue
            one = single(pdu, destination)
            message = self._message(client, account, one, batch.now, None, first + offset, told)
            if isinstance(message, int):
                failures.append(UnsuccessSme(*destination, message))
                continue
            reader = reader or dataclasses.replace(message)
            message.read_like(reader)
            reason = self._enter(Entry(message), account, batch)
            if reason is not None:
                failures.append(UnsuccessSme(*destination, reason.status))
        taken = len(pdu.dest_addresses) - len(failures)
        batch.after.append(lambda: self._answer_multi(client, account, pdu, told, failures, taken))
        batch.failed.append(lambda: self._not_stored(client, account, pdu))

    def _multi_later(self, client: Client, pdu: SubmitMulti) -> None:
        if client.account is not None:
            batch = Batch(self.clocks.timer.seconds(), self.clocks.now_ms())
            self.submit_multi(client, pdu, batch)
            client.server.commit(client, batch)

    def _answer_multi(
        self,
        client: Client,
        account: Account,
        pdu: SubmitMulti,
        told: str,
        failures: list[UnsuccessSme],
        taken: int,
    ) -> None:
        account.counts["accepted"] += taken
        for failure in failures:
            self._count_refusal(account, failure.error_status_code)
        if not taken and failures:
            client.refuse(pdu, failures[0].error_status_code)
            return
        client.respond(SubmitMultiResp(pdu.sequence_number, 0, told, tuple(failures), self._tlvs(client)))
