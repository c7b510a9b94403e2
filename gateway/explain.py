"""A dry run: what would become of a message, by the code that decides it, with nothing kept of it.

The same Message, chain, verdicts and routes as on the real way; only the last step, giving the message its
place, is played by `Placing`, which looks at the carriers and takes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from twisted.internet.task import Clock

from gateway.filters.chain import Chain, Judgement, refuse_failed
from gateway.filters.chained import chained
from gateway.filters.fold import view_r, view_s, view_w
from gateway.filters.lookup import Lookup
from gateway.filters.verdict import Action, Filter, Reason
from gateway.message import Message, joined
from gateway.relay.accounts import Account
from gateway.relay.adapting import Adapter
from gateway.relay.addressing import Unfit
from gateway.relay.batch import Batch
from gateway.relay.book import Entry
from gateway.relay.clocks import Clocks
from gateway.relay.judging import ChainOf, Judging
from gateway.relay.outbound import outbound
from gateway.relay.placing import Detour
from gateway.relay.submitted import message_of
from gateway.routing.choosing import Health, View
from gateway.routing.router import Router, Rule
from gateway.settings.models import Generation
from gateway.smpp.concat import body_of, udh_of
from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import SubmitSm
from gateway.smpp.text import GSM7, DefaultAlphabet, decode_text, segment_text
from gateway.store.rows import State

UDHI = 0x40
INTERNATIONAL, ISDN, ALPHANUMERIC = 1, 1, 5
RECEIPT_WANTED = 1
LONGEST_SOURCE = 20


class Placing:
    """Stands where dispatch stands: finds a message's route and what its carriers would say."""

    def __init__(self, router: Router, clocks: Clocks, detour: Detour | None) -> None:
        self.router = router
        self.detour = detour
        self.clocks = clocks
        self.rule: Rule | None = None

    def place(self, entry: Entry, now: int, batch: Batch) -> bool:
        """Whether there is a route; nothing is reserved."""
        self.look(entry, self.clocks.wall())
        if self.rule is not None:
            entry.state, entry.deadline = State.WAITING, entry.message.expires_at
        return self.rule is not None

    def look(self, entry: Entry, at: float) -> None:
        """Find the route of a message at a moment (unix seconds)."""
        self.rule = self.router.choose(entry.message, at)
        if self.detour is not None:
            self.rule = self.detour(entry, self.rule)


class DryRun:
    """Judges messages by one generation and books nothing. Without `chain_of` its chains are made here, of
    `filters`; without `view` every carrier is taken to be ready; without `router` the rules are compiled
    here, which takes a while where they are many.
    """

    def __init__(
        self,
        generation: Generation,
        filters: Mapping[str, Filter],
        clocks: Clocks | None = None,
        chain_of: ChainOf | None = None,
        view: View | None = None,
        detour: Detour | None = None,
        router: Router | None = None,
    ) -> None:
        self.generation = generation
        self.clocks = clocks or Clocks(Clock())
        self.view = view
        self._filters = filters
        self._chains: dict[tuple[str, str], Chain] = {}
        self.placing = Placing(router or Router.of(generation), self.clocks, detour)
        nothing: Any = self.placing  # no book: what is only looked at is never booked
        self.judging = Judging(nothing, nothing, self.clocks)
        self.judging.generation = generation.number
        self.judging.chain_of = chain_of or self._chain

    def account(self, name: str) -> Account | None:
        """An account of the generation, with nothing of its traffic; None if there is none."""
        settings = self.generation.accounts.get(name)
        outbox: Any = None
        return None if settings is None else Account(name, settings, outbox, self.clocks)

    def decide(self, message: Message) -> tuple[Judgement, Entry, Reason | None]:
        """The judgement, the state that it would give the message, and the reason if that is a refusal."""
        self.placing.rule = None
        judgement = self.judging.judge(message)
        entry = Entry(message.segments[0] if message.segments else message)
        reason = self.judging.admit(entry, judgement, Batch())
        return judgement, entry, reason

    def explain(self, name: str, source: str, to: str, text: str) -> dict[str, Any]:
        """What would become of a text. Raises ValueError for an account or a text that cannot be."""
        account = self.account(name)
        if account is None:
            raise ValueError(f"no account {name!r} is configured")
        now = self.clocks.now_ms()
        pdus = submits(source, to, text)
        told: dict[str, Any] = {
            "generation": self.generation.number,
            "account": name,
            "from": source,
            "to": to,
            "segments": len(pdus),
            "coding": "GSM 7 bit" if pdus[0].data_coding == GSM7 else "UCS-2",
            "octets": [len(pdu.short_message) for pdu in pdus],
        }
        messages: list[Message] = []
        for pdu in pdus:
            message = message_of(account, pdu, now, self.generation.number)
            if isinstance(message, int):
                return told | {"verdict": "refuse", "client": {"response": CommandStatus(message).name}}
            messages.append(message)
        whole = messages[0] if len(messages) == 1 else joined(messages)
        told |= {"text": whole.text, "views": views(whole.text or "")}
        lookup = self._filters.get(Lookup.name)
        if isinstance(lookup, Lookup) and (known := lookup.shown(whole, now / 1000)):
            told["lookups"] = known
        chain = [(each.name, mode.value) for each, mode in self._asked(whole)]
        judgement, entry, reason = self.decide(whole)
        if reason is None and self.placing.rule is None:  # it leaves later
            due = entry.deadline if entry.state is State.DEFERRED else None
            self.placing.look(entry, (due or now) / 1000)
        return told | {
            "category": whole.category,
            "verdict": judgement.verdict.action.value if reason is None else Action.REFUSE.value,
            "filters": words(chain, judgement),
            "route": self._route(whole.destination, len(pdus)),
            **self._shadow_routes(whole),
            "client": self._client(account, entry, reason, len(pdus)),
            **(self._carrier(messages, now) if reason is None else {"carrier": []}),
        }

    def message(self, name: str, source: str, to: str, text: str) -> Message | None:
        """The message that such a text would be; None for one that is refused before it is judged. Raises
        ValueError for an account or a text that cannot be.
        """
        account = self.account(name)
        if account is None:
            raise ValueError(f"no account {name!r} is configured")
        pdu, *_ = submits(source, to, text)
        message = message_of(account, pdu, self.clocks.now_ms(), self.generation.number)
        return None if isinstance(message, int) else message.saying(text)

    def _asked(self, message: Message) -> Any:
        return self.judging.chain_of(message.account, message.category).filters

    def _chain(self, name: str, category: str) -> Chain:
        chain = self._chains.get((name, category))
        if chain is None:
            filters = chained(self.generation, self._filters, name, category)
            chain = self._chains[name, category] = Chain(filters, refuse_failed)
        return chain

    def _route(self, digits: str, segments: int) -> dict[str, Any] | None:
        """The route that was found, its place, and what each of its carriers would say now, in the order in
        which they are asked.
        """
        rule = self.placing.rule
        if rule is None:
            return None
        view = self._seen
        chooser = self.placing.router.chooser
        order = list(chooser.order(rule.choice, digits, view))
        pick = chooser.pick(rule.choice, digits, view)
        prices = {name: chooser.price(name, digits, view.now()) for name in order}
        return {
            "name": rule.name,
            "place": self._place(rule.name),
            "choose": rule.choice.strategy,
            "carriers": order,
            "carrier": pick.carrier,
            "passed": dict(pick.passed),
            "prices": {name: price.said for name, price in prices.items() if price is not None},
            "segments": segments,
            "health_known": self.view is not None,
        }

    def _shadow_routes(self, message: Message) -> dict[str, Any]:
        """Where rules in shadow would send it."""
        router, view = self.placing.router, self._seen
        found = router.shadowed(message, self.clocks.wall(), self.placing.rule)
        told = [
            {
                "name": rule.name,
                "place": self._place(rule.name),
                "carrier": router.chooser.pick(rule.choice, message.destination, view).carrier,
            }
            for rule in found
        ]
        return {"shadow_routes": told} if told else {}

    @property
    def _seen(self) -> View:
        """What is known of the carriers."""
        return self.view or View(lambda name: Health.READY, now=self.clocks.wall)

    def _place(self, route: str) -> str:
        """Where a route stands."""
        index = next((i for i, r in enumerate(self.generation.routes) if r.name == route), None)
        return "" if index is None else self.generation.place(f"routes[{index}]")

    def _carrier(self, messages: list[Message], now: int) -> dict[str, Any]:
        """What the carrier that would take them now, else the first one asked, would get: each PDU, by its
        settings; or why it cannot get them.
        """
        rule = self.placing.rule
        route = None if rule is None else self._route(messages[0].destination, len(messages))
        name = route and (route["carrier"] or next(iter(route["carriers"]), None))
        settings = self.generation.carriers.get(name) if name else None
        if settings is None:
            return {"carrier": [shown(outbound(each, now)) for each in messages]}
        adapter = Adapter(settings.rewrite)
        bare = settings.interface_version == "3.3" if settings.tlvs is None else not settings.tlvs
        try:
            pdus = [
                pdu
                for each in messages
                for pdu in adapter.adapt(outbound(each, now, settings.tags), each, now, bare=bare)
            ]
        except Unfit as error:
            refused = {"why": str(error), "status": CommandStatus(error.status).name}
            return {"carrier": [], "shown_for": name, "unfit": refused}
        kinds = [type(pdu).__name__ for pdu in pdus]
        alphabet = settings.rewrite.charset.default or messages[0].default_alphabet
        fields = [{**shown(pdu), "text": text_in(pdu, alphabet)} for pdu in pdus]
        commands = ["submit_sm" if kind == "SubmitSm" else "data_sm" for kind in kinds]
        pairs = zip(commands, fields, strict=True)
        return {"shown_for": name, "carrier": [{"command": command, **each} for command, each in pairs]}

    @staticmethod
    def _client(account: Account, entry: Entry, reason: Reason | None, segments: int) -> dict[str, Any]:
        """What the client would see, if it asks for receipts."""
        if reason is None:
            told: dict[str, Any] = {"response": "ESME_ROK", "state": entry.state.name}
            if entry.state is State.DEFERRED and entry.deadline is not None:
                told["leaves"] = moment(entry.deadline / 1000)
            return told
        at_once = account.settings.refusals == "response" or reason.request_error
        if at_once and segments == 1:
            return {"response": CommandStatus(reason.status).name, "reason": reason.name}
        receipt = f"REJECTD err:{reason.err:03d}"
        return {"response": "ESME_ROK", "receipt": receipt, "reason": reason.name}


def submits(source: str, to: str, text: str) -> list[SubmitSm]:
    """The submit_sm of each segment, as a client would send them. Raises ValueError."""
    if not 0 < len(to) <= 20 or len(source) > LONGEST_SOURCE or not source.isascii() or not to.isascii():
        raise ValueError("an address has at most 20 ASCII characters, and a destination at least one")
    numeric = source.removeprefix("+").isdigit()
    return [
        SubmitSm(
            source_addr_ton=INTERNATIONAL if numeric else ALPHANUMERIC,
            source_addr_npi=ISDN if numeric else 0,
            source_addr=source,
            dest_addr_ton=INTERNATIONAL,
            dest_addr_npi=ISDN,
            destination_addr=to,
            esm_class=UDHI if segment.udhi else 0,
            registered_delivery=RECEIPT_WANTED,
            data_coding=segment.data_coding,
            short_message=segment.short_message,
        )
        for segment in segment_text(text, 1)
    ]


def views(text: str) -> dict[str, str]:
    """The text as the word filter folds it: words apart, squashed, and with repeats collapsed."""
    squashed = view_s(text)
    return {"W": view_w(text), "S": squashed, "R": view_r(squashed)}


def words(chain: list[tuple[str, str]], judgement: Judgement) -> list[dict[str, Any]]:
    """What every filter of the chain said; those that said nothing pass, those after a refusal are not
    asked.
    """
    said = [
        {
            "filter": verdict.filter,
            "mode": mode.value,
            "action": verdict.action.value,
            "rule": verdict.rule,
            "place": verdict.place,
            "reason": verdict.reason.name if verdict.reason else "",
            "detail": verdict.detail,
            "until": moment(verdict.until) if verdict.until else "",
        }
        for verdict, mode in judgement.words
    ]
    names = [name for name, _ in chain]
    last = judgement.verdict.filter if judgement.verdict.action is Action.REFUSE else ""
    end = names.index(last) if last in names else len(names)
    silent = [
        {"filter": name, "mode": mode, "action": "passes" if names.index(name) < end else "not asked"}
        for name, mode in chain
        if name not in {word["filter"] for word in said}
    ]
    order = {name: place for place, name in enumerate(names)}
    return sorted([*said, *silent], key=lambda word: order.get(str(word["filter"]), len(names)))


def shown(pdu: Any) -> dict[str, Any]:
    """The fields of a PDU that say something."""
    fields = {name: value for name, value in pdu._asdict().items() if value and name != "tlvs"}
    fields["tlvs"] = [f"{tlv.tag:#06x}={tlv.value.hex()}" for tlv in pdu.tlvs]
    return {
        name: value.hex() if isinstance(value, bytes) else value for name, value in fields.items() if value
    }


def text_in(pdu: Any, alphabet: DefaultAlphabet) -> str | None:
    """The text of one PDU, for a carrier whose data_coding 0 means that alphabet."""
    return decode_text(body_of(pdu), pdu.data_coding, udh_of(pdu), alphabet)


def moment(seconds: float) -> str:
    """A unix second for people."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
