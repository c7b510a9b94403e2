"""What replies from handsets do beside being passed on: opting out and in, help, confirmation, cases.

An opt-out is in the lists before the next message is judged, and on disk before the carrier is answered. It
is confirmed once; who is in the scope already gets no answer.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.logger import Logger

from gateway.filters.consent import ConsentEvent, EventKind, Status, answer, lifted_basis
from gateway.filters.packs import Basis, ReplyRule
from gateway.filters.persons import Persons
from gateway.filters.replywords import Reading, ReplyClass, ReplyWords, word_rules
from gateway.filters.rulebook import Rules
from gateway.filters.suppression import ListKey, ListType, Scope
from gateway.message import Message
from gateway.relay.accounts import Account
from gateway.relay.batch import Batch
from gateway.relay.book import Entry
from gateway.relay.cases import Cases
from gateway.relay.clocks import Clocks
from gateway.relay.people import PAGE, People
from gateway.relay.speaking import Speaker
from gateway.relay.webhooks import Webhooks
from gateway.settings.models import Tenant
from gateway.smpp.pdus import DeliverSm
from gateway.store.queries import accepted_since, last_message_id
from gateway.store.rows import MessageRow

log = Logger()

REPLIES = "replies"
REMEMBERED = 100_000  # messages whose program and category are known when somebody replies
CONCERNED = ("promotional", "service")
DAY = 86_400


class Heard(NamedTuple):
    """One reply, and whom it concerns. `program` and `category` are None where no message tells them."""

    reply: DeliverSm
    text: str
    carrier: str
    account: Account | None
    tenant: str
    digits: str
    program: str | None
    category: str

    @property
    def evidence(self) -> str:
        """What proves it: how the carrier brought it."""
        return f"reply to {self.reply.destination_addr} by {self.carrier}: {self.text[:40]}"


class Hearing:
    """Listens to all replies."""

    def __init__(
        self, people: People, speaker: Speaker, cases: Cases, webhooks: Webhooks, clocks: Clocks
    ) -> None:
        self.people = people
        self.speaker = speaker
        self.cases = cases
        self.webhooks = webhooks
        self.clocks = clocks
        self.counts: Counter[str] = Counter()
        self._last: OrderedDict[tuple[str, str], tuple[str, str]] = OrderedDict()
        self._words: dict[tuple[int, int], tuple[Rules, ReplyWords]] = {}

    @property
    def persons(self) -> Persons:
        """Those of the generation in force."""
        return self.people.persons

    def wrote(self, message: Message) -> None:
        """A message went to a handset: a reply from there is to its program, in its category."""
        if message.by:
            return
        pair = message.destination, message.source.lstrip("+")
        self._last[pair] = self.persons.program(message), message.category
        self._last.move_to_end(pair)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)

    async def restore(self, entry_of: Callable[[MessageRow], Entry]) -> None:
        """Learn anew what went to whom last, of the latest messages in the store."""
        ledger = self.people.ledger
        after = await ledger.read(last_message_id) - REMEMBERED
        while found := await ledger.read(accepted_since, 0, after, PAGE):
            for row in found:
                if row.client_id:
                    self.wrote(entry_of(row).message)
            after = found[-1].id

    def hear(
        self, account: Account | None, carrier: str, reply: DeliverSm, text: str | None, batch: Batch
    ) -> None:
        """One reply, or the first part of a long one."""
        if not text:
            return
        tenant = account.settings.tenant if account is not None else ""
        digits = self.persons.digits(tenant, reply.source_addr, reply.source_addr_ton)
        if digits is None:
            return
        pair = reply.source_addr.lstrip("+"), reply.destination_addr.lstrip("+")
        program, category = self._last.get(pair, (None, ""))
        category = category if category in CONCERNED else CONCERNED[0]
        heard = Heard(reply, text, carrier, account, tenant, digits, program, category)
        self.cases.capture(heard, batch)
        reading = self._read(heard) if self.persons.people.replies.opt_out else None
        if reading is not None:
            self.counts[f"heard:{reading.kind}"] += 1
            self._obey(heard, reading, batch)

    def _read(self, heard: Heard) -> Reading | None:
        rules = self.persons.rules(heard.tenant, heard.digits, heard.category)
        now = self.clocks.wall()
        key = id(rules), int(now // DAY)
        found = self._words.get(key)
        if found is None:
            if len(self._words) > 1000:
                self._words.clear()
            found = self._words[key] = rules, ReplyWords(word_rules(rules.of(ReplyRule, now)))
        return found[1].read(heard.text)

    def _obey(self, heard: Heard, reading: Reading, batch: Batch) -> None:
        if reading.review:
            self.cases.open(heard, f"{reading.kind} to be looked at: {reading.rule.name}", batch)
        elif reading.kind is ReplyClass.OPT_OUT:
            self._opt_out(heard, reading, batch)
        elif reading.kind is ReplyClass.OPT_IN:
            self._opt_in(heard, reading, batch)
        elif reading.kind is ReplyClass.HELP:
            self._say(heard, self._tenant(heard).help, reading.rule.name, batch)
        else:
            self._confirm(heard, batch)

    # opting out

    def _opt_out(self, heard: Heard, reading: Reading, batch: Batch) -> None:
        now = self.clocks.wall()
        key = scope_of(heard, reading.rule.scope)
        known = self.people.known.suppressions
        silent = known.find(heard.digits, heard.tenant, heard.program or "", heard.category, now) is not None
        if self._still_agrees(heard):
            self._event(heard, key.scope.program, key.scope.category, EventKind.REVOKED, "", batch)
        if self.people.is_on(key, heard.digits):
            return
        self.people.suppress(key, heard.digits, batch, by="person", evidence=heard.evidence)
        self._tell("opt_out", heard, reading, batch)
        if not silent:
            self._say(heard, self._confirmation(heard, reading, "opt_out"), reading.rule.name, batch)

    def _still_agrees(self, heard: Heard) -> bool:
        """Whether a consent is there to be taken back, even where a list stops the person's messages."""
        now = self.clocks.wall()
        return any(
            self.people.known.consents.state(heard.tenant, program, category, heard.digits).status(now)
            is not Status.ENDED
            for program in self._programs(heard)
            for category in CONCERNED
        )

    # opting in

    def _opt_in(self, heard: Heard, reading: Reading, batch: Batch) -> None:
        """Lift what an opt-out word set, and restore the consent that it ended; nothing else."""
        lifted = False
        for key in list(self.people.known.suppressions.lists()):
            if key.name == REPLIES and _covers(key.scope, heard) and self.people.is_on(key, heard.digits):
                self.people.lift(key, heard.digits, batch, by="person")
                lifted = True
        for program in self._programs(heard):
            for category in CONCERNED:
                lifted |= self._restore(heard, program, category, batch)
        if lifted:
            self._tell("opt_in", heard, reading, batch)
            self._say(heard, self._confirmation(heard, reading, "opt_in"), reading.rule.name, batch)

    def _restore(self, heard: Heard, program: str, category: str, batch: Batch) -> bool:
        state = self.people.known.consents.state(heard.tenant, program, category, heard.digits)
        basis = lifted_basis(state, self.clocks.wall())
        if basis is None:
            return False
        self._event(heard, program, category, EventKind.GRANTED, basis, batch)
        return True

    def _programs(self, heard: Heard) -> list[str]:
        if heard.program is not None:
            return [heard.program]
        tenant = self._tenant(heard)
        return list(dict.fromkeys((tenant.program, *tenant.programs)))

    # confirming

    def _confirm(self, heard: Heard, batch: Batch) -> None:
        """The answer to a request for consent, where one is awaited."""
        program = heard.program or self._tenant(heard).program
        state = self.people.known.consents.state(heard.tenant, program, heard.category, heard.digits)
        kind = answer(state, self.clocks.wall())
        if kind is not None:
            self._event(heard, program, heard.category, kind, "express", batch)

    # what they have in common

    def _event(
        self, heard: Heard, program: str, category: str, kind: EventKind, basis: Basis | str, batch: Batch
    ) -> None:
        if not heard.tenant:
            return
        now = int(self.clocks.wall())
        event = ConsentEvent(
            heard.tenant,
            program,
            category,
            heard.digits,
            kind,
            now,
            now,
            basis=basis,
            method="keyword",
            actor="person",
            evidence=heard.evidence,
        )
        link = self.people.record(event, batch)
        self.webhooks.tell(
            "consent",
            {"tenant": heard.tenant, "number": heard.digits, "kind": str(kind), "position": link.position},
            batch,
        )

    def _tell(self, event: str, heard: Heard, reading: Reading, batch: Batch) -> None:
        document: dict[str, Any] = {
            "tenant": heard.tenant,
            "account": heard.account.name if heard.account is not None else "",
            "number": heard.digits,
            "program": heard.program,
            "rule": reading.rule.name,
            "word": reading.word,
            "tier": str(reading.tier),
        }
        self.webhooks.tell(event, document, batch)

    def _tenant(self, heard: Heard) -> Tenant:
        return self.persons.people.tenant(heard.tenant)

    def _confirmation(self, heard: Heard, reading: Reading, what: str) -> str:
        """The text that confirms, in the language of the rule that was met."""
        replies = self.persons.people.replies
        if not replies.confirm:
            return ""
        rules = self.persons.rules(heard.tenant, heard.digits, heard.category)
        language = next(
            (
                rule.language
                for rule, ruled in rules.of(ReplyRule, self.clocks.wall())
                if ruled.name == reading.rule.name
            ),
            "en",
        )
        texts = replies.texts.get(language) or replies.texts.get("en")
        text: str = getattr(texts, what) if texts is not None else ""
        return text.replace("{brand}", self._tenant(heard).brand or heard.tenant)

    def _say(self, heard: Heard, text: str, why: str, batch: Batch) -> None:
        if text and heard.account is not None:
            self.speaker.answer(
                heard.reply, heard.carrier, heard.account.name, heard.tenant, text, why, batch
            )


def scope_of(heard: Heard, scope: str) -> ListKey:
    """The list that an opt-out goes to. Without a message that it answers it goes to the widest."""
    if not heard.tenant:
        return ListKey(ListType.TENANT_OPTOUT, Scope(), REPLIES)
    if scope == "category" and heard.program is not None:
        return ListKey(ListType.CATEGORY_OPTOUT, Scope(heard.tenant, heard.program, heard.category), REPLIES)
    if scope == "program" and heard.program:
        return ListKey(ListType.PROGRAM_OPTOUT, Scope(heard.tenant, heard.program), REPLIES)
    return ListKey(ListType.TENANT_OPTOUT, Scope(heard.tenant), REPLIES)


def _covers(scope: Scope, heard: Heard) -> bool:
    """Whether a list stops what the reply is about."""
    if scope.tenant not in ("", heard.tenant):
        return False
    return heard.program is None or scope.program in ("", heard.program)
