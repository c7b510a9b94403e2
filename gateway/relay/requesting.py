"""Asking for consent by text: whom, with which words, and the way of the request.

It goes out as a service message by the account's filters and routes, or, to who asked for it by a word, back
the way the word came. Nobody on a list that stops what is asked for is asked, and nobody twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.filters.chain import Judgement, Mode
from gateway.filters.consent import EventKind, Status, may_ask
from gateway.filters.fold import view_s
from gateway.filters.known import CONSENTS
from gateway.filters.packs import ConsentRule, ReplyRule
from gateway.filters.rulebook import Rules
from gateway.filters.verdict import Action, Verdict
from gateway.message import Message, joined
from gateway.relay.accounts import Account, Accounts
from gateway.relay.batch import Batch
from gateway.relay.book import Book, Entry
from gateway.relay.consenting import ASKED_FOR, Consenting, Origin
from gateway.relay.ids import Ids, OutOfIds
from gateway.relay.judging import LEAVES, Judging
from gateway.relay.people import People
from gateway.relay.speaking import Speaker, texts_of
from gateway.relay.submitted import message_of
from gateway.settings.models import Request

if TYPE_CHECKING:
    from gateway.relay.attributing import Heard

ASKS_AS = "service"


class NotAsked(ValueError):
    """Why a person is not asked."""


class Requesting:
    """Asks."""

    def __init__(
        self,
        people: People,
        consenting: Consenting,
        speaker: Speaker,
        judging: Judging,
        book: Book,
        accounts: Accounts,
        ids: Ids,
    ) -> None:
        self.people = people
        self.consenting = consenting
        self.speaker = speaker
        self.judging = judging
        self.book = book
        self.accounts = accounts
        self.ids = ids
        self.clocks = consenting.clocks

    def ask(self, tenant: str, program: str, digits: str, origin: Origin, batch: Batch) -> None:
        """Ask a person by text. Raises NotAsked with the reason why not."""
        request = self._request(tenant, program)
        self._may_be_asked(tenant, program, digits)
        account = self._account(tenant, request)
        text = self._text(request, tenant, digits, origin.language)
        if origin.evidence and self._rules(tenant, digits, ASKS_AS).of(ConsentRule, self.clocks.wall()):
            self.consenting.record(
                tenant, program, ASKS_AS, digits, EventKind.GRANTED, origin, batch, basis="express"
            )
        self._send(account, request, program, digits, text, batch)
        self.consenting.requested(tenant, program, digits, request, origin, batch)

    def ask_back(self, heard: Heard, batch: Batch) -> bool:
        """Ask who has written one of the words that wish for it, the way the word came; whether it was one.

        Who may not be asked is not answered.
        """
        said = view_s(heard.text)
        for program, settings in self.people.persons.people.tenant(heard.tenant).programs.items():
            request = settings.request
            if request is None or request.source.lstrip("+") != heard.reply.destination_addr.lstrip("+"):
                continue
            if heard.account is None or said not in map(view_s, request.words):
                continue
            try:
                self._may_be_asked(heard.tenant, program, heard.digits)
            except NotAsked:
                self.consenting.counts["not_asked"] += 1
                return True
            text = self._text(request, heard.tenant, heard.digits)
            self.speaker.answer(
                heard.reply,
                heard.carrier,
                heard.account.name,
                heard.tenant,
                text,
                f"request for consent to {program}",
                batch,
            )
            origin = Origin("keyword", "person", heard.evidence)
            self.consenting.requested(heard.tenant, program, heard.digits, request, origin, batch)
            return True
        return False

    def _request(self, tenant: str, program: str) -> Request:
        settings = self.people.persons.people.tenant(tenant).programs.get(program)
        if settings is None or settings.request is None:
            raise NotAsked(f"people.yaml has no request for program '{program}' of {tenant}")
        return settings.request

    def _may_be_asked(self, tenant: str, program: str, digits: str) -> None:
        if CONSENTS in self.people.known.loading:
            raise NotAsked("the consents are still being read; ask again in a moment")
        now = self.clocks.wall()
        hit = self.people.known.suppressions.find(digits, tenant, program, ASKED_FOR, now)
        if hit is not None:
            raise NotAsked(f"on a list: {hit.key.type} ({hit.key.name})")
        state = self.people.known.consents.state(tenant, program, ASKED_FOR, digits)
        rules = self._rules(tenant, digits, ASKED_FOR).of(ConsentRule, now)
        if not may_ask(state, now, all(rule.may_ask_again for rule, _ in rules)):
            raise NotAsked(_WHY[state.status(now)])

    def _account(self, tenant: str, request: Request) -> Account:
        for account in self.accounts:
            named = request.account in (None, account.name)
            if named and account.settings.tenant == tenant and not account.removed:
                return account
        raise NotAsked(f"no account of {tenant} can send the request")

    def _text(self, request: Request, tenant: str, digits: str, language: str = "") -> str:
        rules = self._rules(tenant, digits, ASKED_FOR).of(ReplyRule, self.clocks.wall())
        spoken = [rule.language for rule, _ in rules if rule.kind == "confirm"]
        for each in (language, *spoken, "en"):
            if each in request.texts:
                return request.texts[each]
        return next(iter(request.texts.values()))

    def _send(
        self, account: Account, request: Request, program: str, digits: str, text: str, batch: Batch
    ) -> None:
        """Judge the request like any service message of the account, and give it to its carrier."""
        messages = self._messages(account, request, digits, text)
        judgement = self.judging.judge(joined(messages) if len(messages) > 1 else messages[0])
        verdict = judgement.verdict
        if verdict.action not in (*LEAVES, Action.DEFER):
            said = verdict.reason.name if verdict.reason is not None else str(verdict.action)
            raise NotAsked(f"the request is refused: {said} by {verdict.filter} {verdict.rule}".rstrip())
        why = Verdict(Action.ALLOW, "gateway", f"request for consent to {program}")
        judgement = judgement._replace(words=(*judgement.words, (why, Mode.ENFORCE)))
        for message in messages:
            self._admit(message, judgement, batch)

    def _admit(self, message: Message, judgement: Judgement, batch: Batch) -> None:
        entry = Entry(message)
        reason = self.judging.admit(entry, judgement, batch)
        if reason is not None:
            raise NotAsked(f"the request is refused: {reason.name}")
        self.book.accept(entry, batch)

    def _messages(self, account: Account, request: Request, digits: str, text: str) -> list[Message]:
        pdus = texts_of(text, request.source, digits, self.clocks.now_ms())
        try:
            first = self.ids.take(len(pdus))
        except OutOfIds:
            raise NotAsked("no ids yet; ask again in a moment") from None
        messages = []
        now = self.clocks.now_ms()
        for offset, pdu in enumerate(pdus):
            message = message_of(account, pdu, now, self.judging.generation)
            if isinstance(message, int):
                raise NotAsked(f"{account.name} may not send from {request.source}")
            message.id = first + offset
            message.category = ASKS_AS
            message.expires_at = min(message.expires_at, now + int(request.wait * 1000))
            message.segment_of = first if len(pdus) > 1 else None
            messages.append(message)
        return messages

    def _rules(self, tenant: str, digits: str, category: str) -> Rules:
        return self.people.persons.rules(tenant, digits, category)


_WHY = {
    Status.PENDING: "was asked, and may still answer",
    Status.SILENT: "was asked, and did not answer",
    Status.GRANTED: "has agreed",
    Status.ENDED: "has opted out",
    Status.NONE: "may not be asked",
    Status.EXPIRED: "may not be asked",
}
