"""What replies from handsets do beside being passed on: opting out and in, help, confirmation, cases.

An opt-out is in the lists before the next message is judged, and on disk before the carrier is answered. It
is confirmed once; who is in the scope already gets no answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.logger import Logger

from gateway.filters.consent import NEVER, NOBODY, ConsentEvent, EventKind, Status, lifted_basis, months_after
from gateway.filters.known import CONSENTS
from gateway.filters.numbers import SHORTEST
from gateway.filters.packs import Basis, ConsentRule, ReplyRule
from gateway.filters.persons import Persons
from gateway.filters.replywords import Reading, ReplyClass, ReplyWords, word_rules
from gateway.filters.rulebook import Ruled, Rules
from gateway.filters.suppression import ListKey, ListType, Scope
from gateway.relay.accounts import Account
from gateway.relay.attributing import Attribution, Heard
from gateway.relay.batch import Batch
from gateway.relay.cases import Cases
from gateway.relay.clocks import Clocks
from gateway.relay.consenting import Consenting, Pending
from gateway.relay.people import People
from gateway.relay.replies import Handset
from gateway.relay.requesting import Requesting
from gateway.relay.speaking import Speaker
from gateway.relay.webhooks import Webhooks
from gateway.relay.writers import CONCERNED, Writers
from gateway.settings.models import Tenant
from gateway.smpp.pdus import DeliverSm

log = Logger(__name__)

REPLIES = "replies"
DAY = 86_400


class PutOff(NamedTuple):
    """What is done when the consents are known; `answers` is the reply that is answered then."""

    answers: Heard | None
    step: Callable[[Batch], None]

    def is_answer_of(self, heard: Heard) -> bool:
        """Whether it answers an earlier reply of the same person, which an opt-out has overtaken."""
        earlier = self.answers
        return earlier is not None and (earlier.tenant, earlier.digits) == (heard.tenant, heard.digits)


class Hearing:
    """Listens to all replies."""

    def __init__(
        self,
        people: People,
        speaker: Speaker,
        cases: Cases,
        consenting: Consenting,
        requesting: Requesting,
        webhooks: Webhooks,
        writers: Writers,
        clocks: Clocks,
    ) -> None:
        self.people = people
        self.consenting = consenting
        self.requesting = requesting
        self.speaker = speaker
        self.cases = cases
        self.webhooks = webhooks
        self.clocks = clocks
        self.counts: Counter[str] = Counter()
        self.handset: Handset = lambda carrier, number, ton: (number, ton)
        self._later: list[PutOff] = []
        self.attribution = Attribution(people, consenting, writers)
        self._words: dict[tuple[int, int], tuple[Rules, ReplyWords]] = {}

    @property
    def persons(self) -> Persons:
        """Those of the generation in force."""
        return self.people.persons

    def hear(
        self, account: Account | None, carrier: str, reply: DeliverSm, text: str | None, batch: Batch
    ) -> None:
        """One reply: the whole text of a long one, `reply` being its first part."""
        if not text:
            return
        tenant = account.settings.tenant if account is not None else ""
        number, ton = self.handset(carrier, reply.source_addr, reply.source_addr_ton)
        digits = self.persons.digits(tenant, number, ton)
        if digits is None:
            if len(number) >= SHORTEST:
                self.counts["unknown_number"] += 1
                log.warn(
                    "a reply by {carrier} is not obeyed: whose number it comes from is not known",
                    carrier=carrier,
                )
            return
        heard, pending = self.attribution.of(Heard(reply, text, carrier, account, tenant, digits, None, ""))
        self.cases.capture(heard, batch)
        if not self.persons.people.replies.opt_out:
            return
        self._answer(heard, pending, batch)

    def catch_up(self, batch: Batch) -> None:
        """Do what was put off until the consents were loaded."""
        later, self._later = self._later, []
        for put_off in later:
            put_off.step(batch)

    def _answer(self, heard: Heard, pending: Pending | None, batch: Batch) -> None:
        reading = self._read(heard)
        opts_out = reading is not None and reading.kind is ReplyClass.OPT_OUT
        if CONSENTS in self.people.known.loading and not opts_out:
            self._later.append(PutOff(heard, lambda batch: self._answer_late(heard, batch)))
            return
        if reading is not None:
            self.counts[f"heard:{reading.kind}"] += 1
            self._obey(heard, reading, pending, batch)
        elif pending is not None and self.consenting.says_yes(heard):
            self._confirm(heard, pending, batch)
        else:
            self.requesting.ask_back(heard, batch)

    def _answer_late(self, heard: Heard, batch: Batch) -> None:
        """Whether the reply answers a request is known only now; what it is about was known when it came."""
        asked, pending = self.attribution.of(heard)
        self._answer(heard if pending is None else asked, pending, batch)

    def _read(self, heard: Heard) -> Reading | None:
        rules = self.persons.rules(heard.tenant, heard.digits, heard.category)
        now = self.clocks.wall()
        key = id(rules), int(now // DAY)
        found = self._words.get(key)
        if found is None:
            if len(self._words) > 1000:
                self._words.clear()
            found = self._words[key] = rules, ReplyWords(word_rules(self._reply_rules(heard)))
        return found[1].read(heard.text)

    def _obey(self, heard: Heard, reading: Reading, pending: Pending | None, batch: Batch) -> None:
        if reading.review:
            self.cases.open(heard, f"{reading.kind} to be looked at: {reading.rule.name}", batch)
        elif reading.kind is ReplyClass.OPT_OUT:
            self._opt_out(heard, reading, batch)
        elif reading.kind is ReplyClass.HELP:
            self._say(heard, self._tenant(heard).help, reading.rule.name, batch)
        elif reading.kind is ReplyClass.REFUSE:
            if pending is not None:
                self.consenting.refuse(heard, pending, batch)
        elif pending is not None:
            self._confirm(heard, pending, batch)
        elif reading.kind is ReplyClass.OPT_IN and not self._opt_in(heard, reading, batch):
            self.requesting.ask_back(heard, batch)

    # opting out

    def _opt_out(self, heard: Heard, reading: Reading, batch: Batch) -> None:
        now = self.clocks.wall()
        key = scope_of(heard, reading.rule.scope)
        known = self.people.known.suppressions
        silent = known.find(heard.digits, heard.tenant, heard.program or "", heard.category, now) is not None
        if CONSENTS in self.people.known.loading:  # what had ended before, and how, is not known yet
            self._later = [each for each in self._later if not each.is_answer_of(heard)]
            self._later.append(PutOff(None, lambda batch: self._take_back(heard, key.scope, int(now), batch)))
        else:
            self._take_back(heard, key.scope, int(now), batch)
        if self.people.is_on(key, heard.digits):
            return
        self.people.suppress(key, heard.digits, batch, by="person", evidence=heard.evidence)
        self._tell("opt_out", heard, reading, batch)
        if heard.account is not None:
            who = heard.account.name, heard.tenant, heard.program
            self.cases.breaking.count("opt_outs", *who, heard.carrier, batch)
        if not silent:
            self._say(
                heard, self._confirmation(heard, reading.rule.name, "opt_out"), reading.rule.name, batch
            )

    def _take_back(self, heard: Heard, scope: Scope, at: int, batch: Batch) -> None:
        """End what consents there are, as of the unix second of the opt-out, even where a list stops the
        person's messages; but not what had ended before, by whatever means: a later opt-in would give that
        back too.
        """
        now = self.clocks.wall()
        programs = [scope.program] if scope.program else self._programs(heard)
        categories = [scope.category] if scope.category else CONCERNED
        known = False
        for program in programs:
            for category in categories:
                state = self.people.known.consents.state(heard.tenant, program, category, heard.digits)
                known |= state != NOBODY
                if state != NOBODY and state.status(now) is not Status.ENDED:
                    self._event(heard, program, category, EventKind.REVOKED, "", batch, at=at)
        if not known:
            self._event(heard, scope.program, scope.category, EventKind.REVOKED, "", batch, at=at)

    # opting in

    def _opt_in(self, heard: Heard, reading: Reading, batch: Batch) -> bool:
        """Lift what an opt-out word set, and restore the consent that it ended; nothing else. Whether there
        was any.
        """
        lifted = False
        for key in list(self.people.known.suppressions.lists):
            if key.name == REPLIES and _covers(key.scope, heard) and self.people.is_on(key, heard.digits):
                lifted |= self._lift(heard, key, batch)
        for program in self._programs(heard):
            for category in CONCERNED:
                lifted |= self._restore(heard, program, category, batch)
        if lifted:
            self._tell("opt_in", heard, reading, batch)
            self._say(heard, self._confirmation(heard, reading.rule.name, "opt_in"), reading.rule.name, batch)
        return lifted

    def _lift(self, heard: Heard, key: ListKey, batch: Batch) -> bool:
        """Take the person off a list; one of all programs goes on for those that the reply is not about."""
        rest: list[str] = []
        if heard.program is not None and not key.scope.program:
            rest = [each for each in self._programs(heard._replace(program=None)) if each != heard.program]
        if "" in rest:
            return False  # what is of no program cannot be told from the one that is meant
        self.people.lift(key, heard.digits, batch, by="person")
        kind = ListType.CATEGORY_OPTOUT if key.scope.category else ListType.PROGRAM_OPTOUT
        for program in rest:
            narrower = ListKey(kind, key.scope._replace(program=program), REPLIES)
            evidence = f"an opt-out of all, but for {heard.evidence}"
            self.people.suppress(narrower, heard.digits, batch, by="person", evidence=evidence)
        return True

    def _restore(self, heard: Heard, program: str, category: str, batch: Batch) -> bool:
        """Give a consent back as it was: it ends when it would have ended."""
        now = self.clocks.wall()
        state = self.people.known.consents.state(heard.tenant, program, category, heard.digits)
        basis = lifted_basis(state, now)
        if basis is None:
            return False
        ends = [state.expires_at]
        rules = self.persons.rules(heard.tenant, heard.digits, category).of(ConsentRule, now)
        for rule, _ in rules:
            months = rule.bases.get(basis)
            ends += [] if months is None else [months_after(state.granted_at, months)]
        until = min(ends)
        if until <= now:
            return False
        self._event(heard, program, category, EventKind.GRANTED, basis, batch, until)
        return True

    def _programs(self, heard: Heard) -> list[str]:
        if heard.program is not None:
            return [heard.program]
        tenant = self._tenant(heard)
        return list(dict.fromkeys((tenant.program, *tenant.programs)))

    def _confirm(self, heard: Heard, pending: Pending, batch: Batch) -> None:
        self.consenting.confirm(heard, pending, batch)
        rule = next((rule for rule in self._reply_rules(heard) if rule[0].kind == "confirm"), None)
        name = rule[1].name if rule is not None else ""
        self._say(heard, self._confirmation(heard, name, "agreed"), name, batch)

    # what they have in common

    def _event(
        self,
        heard: Heard,
        program: str,
        category: str,
        kind: EventKind,
        basis: Basis | str,
        batch: Batch,
        until: int = NEVER,
        at: int | None = None,
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
            now if at is None else at,
            now,
            basis=basis,
            method="keyword",
            actor="person",
            evidence=heard.evidence,
            expires_at=None if until == NEVER else until,
            pack_version=self.persons.pack_version(heard.digits),
        )
        self.consenting.tell(event, batch)

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

    def _confirmation(self, heard: Heard, name: str, what: str) -> str:
        """The text that confirms, in the language of the rule that was met."""
        replies = self.persons.people.replies
        if not replies.confirm:
            return ""
        spoken = [rule.language for rule, ruled in self._reply_rules(heard) if ruled.name == name]
        texts = replies.texts.get(spoken[0] if spoken else "en") or replies.texts.get("en")
        text: str = getattr(texts, what) if texts is not None else ""
        return text.replace("{brand}", self._tenant(heard).brand or heard.tenant)

    def _reply_rules(self, heard: Heard) -> list[tuple[ReplyRule, Ruled]]:
        return self.persons.rules(heard.tenant, heard.digits, heard.category).of(
            ReplyRule, self.clocks.wall()
        )

    def _say(self, heard: Heard, text: str, why: str, batch: Batch) -> None:
        if text and heard.account is not None:
            self.speaker.answer(
                heard.reply, heard.carrier, heard.account.name, heard.tenant, text, why, batch
            )


def scope_of(heard: Heard, scope: str) -> ListKey:
    """The list that an opt-out goes to. Without a message that it answers it goes to the widest; in answer to
    a service message it is for the whole program, so that it never spares offers.
    """
    if not heard.tenant:
        return ListKey(ListType.TENANT_OPTOUT, Scope(), REPLIES)
    if scope == "category" and heard.program is not None and heard.category == CONCERNED[0]:
        return ListKey(ListType.CATEGORY_OPTOUT, Scope(heard.tenant, heard.program, heard.category), REPLIES)
    if scope in ("program", "category") and heard.program:
        return ListKey(ListType.PROGRAM_OPTOUT, Scope(heard.tenant, heard.program), REPLIES)
    return ListKey(ListType.TENANT_OPTOUT, Scope(heard.tenant), REPLIES)


def _covers(scope: Scope, heard: Heard) -> bool:
    """Whether a list stops what the reply is about; one of everybody's is not for one tenant to lift."""
    if scope.tenant != heard.tenant:
        return False
    return heard.program is None or scope.program in ("", heard.program)
