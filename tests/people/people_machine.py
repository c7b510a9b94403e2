"""A machine that does with consents, replies, lists, restarts, nights and submits whatever may happen, in any
order, and looks at the carrier's end of the wire for an offer that should not have come.

What may come is told by a model that shares nothing with the gateway: lists of what happened, and the hour.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from people_house import RULES, SHANGHAI, SHOP, PeopleHouse, people_generation, replying, text_fields
from relay_house import account, submit
from twisted.internet.defer import Deferred, maybeDeferred

from gateway.filters.consent import ConsentEvent, EventKind
from gateway.filters.suppression import ListKey, ListType, Scope
from gateway.relay import counting, people
from gateway.relay.batch import Batch
from gateway.settings.models import Generation
from gateway.smpp.concat import concat_element, make_udh
from gateway.smpp.constants import ESM_UDHI
from gateway.smpp.pdus import DeliverSm, SubmitSm

NEWS, RIVAL = "10690004", "10690003"
HANDSETS = ("8619912340001", "8619912340002")
PROGRAMS = {SHOP: ("Shop", "offers"), NEWS: ("Shop", "news"), RIVAL: ("Rival", "offers")}
LEGAL = ListKey(ListType.LEGAL_ORDER, Scope(), "commands")
FOR_EVER = float("inf")

handsets = st.sampled_from(HANDSETS)
sources = st.sampled_from((SHOP, SHOP, NEWS, RIVAL))
agos = st.sampled_from((0, 0, 30, 7200))
lasting = st.sampled_from((None, None, 40, 4000))
meanwhile = st.sampled_from(("stop", "stop", "start", "withdraw", "list", "unlist", "late grant", "court"))
deeds = st.one_of(meanwhile, st.just("restart"))


class Grant(NamedTuple):
    at: float
    until: float


class End(NamedTuple):
    at: float
    by_word: bool


@dataclass
class Known:
    """What the model knows of one person towards one program."""

    grants: list[Grant] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    stopped: bool = False

    def agrees(self, now: float) -> bool:
        return bool(self.grants) and not self.ended and now < max(self.grants).until

    @property
    def ended(self) -> bool:
        latest = max((grant.at for grant in self.grants), default=0.0)
        return any(end.at >= latest for end in self.ends)

    def restored(self, now: float) -> Grant | None:
        """What START gives back: the consent that STOP ended, while it would have lasted."""
        grant, end = max(self.grants, default=None), max(self.ends, default=None)
        if grant is None or end is None or end.at < grant.at or not end.by_word or now >= grant.until:
            return None
        return Grant(now, grant.until)


def machine_generation(rules: Path) -> Generation:
    """A shop with two programs, and a rival with one of the same name; a list in a file beside the rules."""
    programs = {"news": {"sources": [NEWS]}}
    tenants = {"Shop": {"program": "offers", "programs": programs}, "Rival": {"program": "offers"}}
    court = {"name": "court", "type": "legal_order", "file": rules.parent / "court.txt"}
    base = people_generation(rules=rules, tenants=tenants, lists=[court], state=rules.parent / "state")
    usual: dict[str, Any] = {"category": "promotional", "filters": "all"}
    accounts = {
        **base.accounts,
        "shop": account(tenant="Shop", numbers=(SHOP, NEWS), **usual),
        "rival": account(tenant="Rival", numbers=(RIVAL,), **usual),
    }
    fields = {name: getattr(base, name) for name in base.__slots__}
    return Generation(**{**fields, "accounts": accounts})


class MachineHouse(PeopleHouse):
    """The house of the machine."""

    def __init__(self, directory: Path, rules: Path) -> None:
        self.made = machine_generation(rules)
        super().__init__(directory, rules=rules)

    def start(self, *, settle: bool = True) -> None:
        self.settings = self.made
        self.filters = self.fresh_filters(self.made)
        super().start(settle=settle)
        self.protection.feeds.in_thread = maybeDeferred

    def crash(self, *, committed: bool = False) -> None:
        super().crash(committed=committed)
        self.start()
        self.shop, self.bank = self.client("shop"), self.client("bank")


@contextmanager
def slow_reading(held: list[Deferred[None]]) -> Iterator[None]:
    """What is read beside the traffic waits until somebody lets it."""
    usual = people.read

    async def read(ledger: Any, clocks: Any, query: Any, *args: Any) -> Any:
        held.append(Deferred())
        await held[-1]
        return await ledger.read(query, *args)

    people.read = counting.read = read  # type: ignore[attr-defined]
    try:
        yield
    finally:
        people.read = counting.read = usual  # type: ignore[attr-defined]


class Offers(RuleBasedStateMachine):
    """Two tenants, three programs, two handsets, and a carrier that writes down what it gets."""

    @initialize()
    def begin(self) -> None:
        shared = Path("/dev/shm")
        place = shared if shared.is_dir() else None
        self.directory = Path(tempfile.mkdtemp(prefix="people-machine-", dir=place))
        (self.directory / "rules").mkdir()
        shutil.copy(RULES / "CN.yaml", self.directory / "rules")  # alone, so that a restart is quick
        self.court: set[str] = set()
        self.write_court()
        self.house = MachineHouse(self.directory, self.directory / "rules")
        self.house.answer = self.taken
        self.known = {(number, source): Known() for number in HANDSETS for source in PROGRAMS}
        self.listed: set[str] = set()
        self.wrong: list[str] = []
        self.sent: list[str] = []
        self.texts = self.references = 0
        for source in PROGRAMS:  # so that every reply is known to answer a program
            self.submit(HANDSETS[0], source, 1)
            self.submit(HANDSETS[1], source, 1)
        for number in HANDSETS:
            self.grant(number, SHOP, 0, None)
        self.grant(HANDSETS[0], RIVAL, 0, None)

    def teardown(self) -> None:
        if hasattr(self, "house"):
            self.house.stop()
            shutil.rmtree(self.directory)

    # the model

    def allowed(self, number: str, source: str) -> bool:
        """Whether an offer may go to a handset now."""
        known = self.known[number, source]
        if number in self.listed | self.court or known.stopped or not known.agrees(self.house.wall):
            return False
        return 8 <= datetime.fromtimestamp(self.house.wall, SHANGHAI).hour < 21

    def taken(self, name: str, pdu: Any) -> tuple[int, str]:
        """The carrier gets a message."""
        text = pdu.short_message.decode("utf-16-be") if isinstance(pdu, SubmitSm) else ""
        if "offer" in text:
            if text in self.sent:
                self.wrong.append(f"{text} came twice")
            self.sent.append(text)
            if not self.allowed(pdu.destination_addr, pdu.source_addr):
                moment = datetime.fromtimestamp(self.house.wall, SHANGHAI)
                self.wrong.append(f"{text} of {pdu.source_addr} to {pdu.destination_addr} at {moment}")
        return self.house.accept(name, pdu)

    # one thing at a time; each in a second of its own

    def tick(self) -> None:
        self.house.advance(1)

    def text(self) -> str:
        self.texts += 1
        return f"【商店】offer {self.texts}"

    def pdu(self, number: str, source: str, text: str) -> SubmitSm:
        return submit(source_addr=source, destination_addr=number, **text_fields(text))

    def client(self, source: str) -> Any:
        return self.house.shop if PROGRAMS[source][0] == "Shop" else self.house.client("rival")

    def record(self, number: str, source: str, kind: EventKind, ago: int, **fields: Any) -> None:
        now = int(self.house.wall)
        tenant, program = PROGRAMS[source]
        usual = {
            "basis": "express" if kind is EventKind.IMPORTED else "",
            "evidence": "form",
            "method": "web",
        }
        event = ConsentEvent(
            tenant, program, "promotional", number, kind, now - ago, now, **{**usual, **fields}
        )
        batch = Batch()
        self.house.protection.people.record(event, batch)
        self.house.relay.committer.commit(batch, must=True)
        self.house.settle()

    def do(self, deed: str, number: str, source: str) -> None:
        """Any one thing."""
        if deed == "stop":
            self.stop(number, source)
        elif deed == "start":
            self.start(number, source)
        elif deed == "withdraw":
            self.withdraw(number, source, 0)
        elif deed == "late grant":
            self.grant(number, source, 7200, None)
        elif deed == "restart":
            self.restart()
        elif deed == "court":
            self.refresh(number, number not in self.court)
        else:
            self.operator(number, deed == "list")

    # what may happen

    @rule(number=handsets, source=sources, ago=agos, last=lasting)
    def grant(self, number: str, source: str, ago: int, last: int | None) -> None:
        """A consent comes in, perhaps late, perhaps for a time."""
        self.tick()
        at = int(self.house.wall) - ago
        until = None if last is None else at + last
        self.known[number, source].grants.append(Grant(at, FOR_EVER if until is None else until))
        self.record(number, source, EventKind.IMPORTED, ago, expires_at=until)

    @rule(number=handsets, source=sources, ago=st.sampled_from((0, 30)))
    def withdraw(self, number: str, source: str, ago: int) -> None:
        """A consent is taken back on a web page."""
        self.tick()
        self.known[number, source].ends.append(End(int(self.house.wall) - ago, by_word=False))
        self.record(number, source, EventKind.REVOKED, ago)

    @rule(number=handsets, on=st.booleans())
    def operator(self, number: str, on: bool) -> None:
        """An operator changes a list that a court ordered."""
        self.tick()
        batch = Batch()
        lists = self.house.protection.people
        if on:
            self.listed.add(number)
            lists.suppress(LEGAL, number, batch, by="operator")
        else:
            self.listed.discard(number)
            lists.lift(LEGAL, number, batch, by="operator")
        self.house.relay.committer.commit(batch, must=True)
        self.house.settle()

    def write_court(self) -> None:
        """The file of the court, long enough that one more or less looks like no mistake."""
        others = [f"86199123{n:05}" for n in range(50_000, 50_020)]
        (self.directory / "court.txt").write_text("".join(f"{n}\n" for n in (*others, *sorted(self.court))))

    @rule(number=handsets, on=st.booleans())
    def refresh(self, number: str, on: bool) -> None:
        """The court's list is another one, and is looked at."""
        self.tick()
        (self.court.add if on else self.court.discard)(number)
        self.write_court()
        feeds = self.house.protection.feeds
        for feed in feeds.named("court"):
            told: list[Any] = []
            Deferred.fromCoroutine(feeds.refresh(feed)).addBoth(told.append)
            self.house.settle()
            assert told, "it was not read"
            assert told[0]["outcome"] in ("taken", "unchanged"), told

    def believe_stop(self, number: str, source: str) -> None:
        known = self.known[number, source]
        known.stopped = True
        if not known.ended:  # else START would give back what had been taken back otherwise
            known.ends.append(End(int(self.house.wall), by_word=True))

    @rule(number=handsets, source=sources, text=st.sampled_from(("退订", "TD", "不要再发了谢谢")))
    def stop(self, number: str, source: str, text: str = "退订") -> None:
        """A handset opts out."""
        self.tick()
        self.believe_stop(number, source)
        self.house.reply(text, number, source)

    @rule(number=handsets, source=sources)
    def start(self, number: str, source: str) -> None:
        """A handset opts in."""
        self.tick()
        self.believe_start(number, source)
        self.house.reply("恢复订阅", number, source)

    def believe_start(self, number: str, source: str) -> None:
        known = self.known[number, source]
        known.stopped = False
        restored = known.restored(int(self.house.wall))
        if restored is not None:
            known.grants.append(restored)

    @rule(number=handsets, source=sources, count=st.integers(1, 2))
    def submit(self, number: str, source: str, count: int) -> None:
        """Offers come, which leave at once if they may."""
        for _ in range(count):
            self.tick()
            text = self.text()
            self.client(source).send(self.pdu(number, source, text))
            self.house.settle()
            waits = self.house.relay.dispatch.carriers["alpha"].health().value != "ready"
            if self.allowed(number, source) and not waits:
                assert text in self.sent, f"{text} to {number} should have left"

    @rule(number=handsets, source=sources)
    def submit_twice(self, number: str, source: str) -> None:
        """The same text comes twice in one batch: the Chinese pack lets one through in 30 seconds."""
        self.tick()
        client, pdu = self.client(source), self.pdu(number, source, self.text())
        client.send(pdu)
        client.send(pdu)
        self.house.settle()

    @rule(number=handsets, source=sources, first=st.booleans())
    def stop_and_submit_at_once(self, number: str, source: str, first: bool) -> None:
        """An offer and an opt-out meet while neither is on disk yet."""
        self.tick()
        client = self.client(source)
        if not first:
            client.send(self.pdu(number, source, self.text()))
            self.house.wires()
        self.believe_stop(number, source)
        self.house.upstream().deliver(replying("退订", number, source))
        if first:
            self.house.wires()
            client.send(self.pdu(number, source, self.text()))
        self.house.settle()

    @rule(number=handsets, source=sources, backwards=st.booleans(), between=st.lists(deeds, max_size=2))
    def stop_in_parts(self, number: str, source: str, backwards: bool, between: list[str]) -> None:
        """A handset opts out in two parts, in whatever order; things happen between them. The submit that
        follows the last part meets it in memory alone.
        """
        self.tick()
        self.references += 1
        pdus = [self.part(number, source, index, text) for index, text in enumerate("退订", start=1)]
        first, second = reversed(pdus) if backwards else pdus
        self.house.upstream().deliver(first)
        self.house.settle()
        for deed in between:
            self.do(deed, number, source)
        self.submit(number, source, 1)
        self.tick()
        self.believe_stop(number, source)
        self.house.upstream().deliver(second)
        self.house.wires()
        self.client(source).send(self.pdu(number, source, self.text()))
        self.house.settle()

    def part(self, number: str, source: str, index: int, text: str) -> DeliverSm:
        header = make_udh(concat_element(self.references % 256, 2, index))
        whole = replying(text, number, source)
        return whole._replace(esm_class=ESM_UDHI, short_message=header + whole.short_message)

    @rule(number=handsets, source=sources, deeds=st.lists(meanwhile, max_size=4))
    def while_it_learns(self, number: str, source: str, deeds: list[str]) -> None:
        """The node comes back, and things happen while it has not read the consents again: what goes by them
        waits, an opt-out counts at once and any other reply when they are known, if no opt-out came after it.
        """
        self.tick()
        held: list[Deferred[None]] = []
        with slow_reading(held):
            self.house.crash()
            put_off = False
            for deed in deeds:
                if deed == "start":
                    self.tick()
                    self.house.reply("恢复订阅", number, source)
                    put_off = True
                else:
                    put_off = put_off and deed != "stop"
                    self.do(deed, number, source)
            self.tick()
            self.client(source).send(self.pdu(number, source, self.text()))
            self.house.settle()
            self.tick()
            if put_off:
                self.believe_start(number, source)
            while held:
                held.pop(0).callback(None)
                self.house.settle()
        self.house.advance(20, step=5)
        self.submit(number, source, 1)

    @rule(number=handsets, source=sources, hours=st.sampled_from((1, 5, 20)))
    def night_in_which_a_consent_ends(self, number: str, source: str, hours: int) -> None:
        """An offer waits for the morning, and its consent ends before or after that."""
        self.house.wall = self.next_hour(22)
        self.grant(number, source, 0, hours * 3600)
        self.submit(number, source, 1)
        self.house.wall = self.next_hour(8) - 2
        self.house.advance(120, step=30)

    @rule(number=handsets, source=sources, committed=st.booleans())
    def stop_and_crash(self, number: str, source: str, committed: bool) -> None:
        """The node dies with an opt-out in its hands; one that was not on disk was not answered either."""
        self.tick()
        self.house.upstream().deliver(replying("退订", number, source))
        self.house.wires()
        if committed:
            self.believe_stop(number, source)
        self.house.crash(committed=committed)

    @rule()
    def restart(self) -> None:
        """kill -9."""
        self.tick()
        self.house.crash()

    @rule(number=handsets, source=sources, deed=deeds, again=st.booleans())
    def over_a_restart(self, number: str, source: str, deed: str, again: bool) -> None:
        """What was so before is so after."""
        self.do(deed, number, source)
        self.restart()
        if again:
            self.start(number, source)
        self.submit(number, source, 1)

    @rule(
        number=handsets,
        source=sources,
        seconds=st.sampled_from((3, 20, 90)),
        deeds=st.lists(deeds, max_size=2),
    )
    def hold_up(self, number: str, source: str, seconds: int, deeds: list[str]) -> None:
        """The carrier is left in peace, and what comes waits for it; things happen; it goes on."""
        self.house.relay.dispatch.carriers["alpha"].pause(seconds)
        self.submit(number, source, 1)
        for deed in deeds:
            self.do(deed, number, source)
        self.house.advance(seconds + 1, step=10)

    @rule(number=handsets, source=sources, early=st.booleans(), deeds=st.lists(deeds, max_size=2))
    def night(self, number: str, source: str, early: bool, deeds: list[str]) -> None:
        """An offer comes in the evening and waits for the morning; things happen in the night."""
        self.house.wall = self.next_hour(21) - (1 if early else -3600)
        self.submit(number, source, 1)
        for deed in deeds:
            self.do(deed, number, source)
        self.house.wall = self.next_hour(8) - 2
        self.house.advance(120, step=30)

    @rule(number=handsets, source=sources)
    def lapse(self, number: str, source: str) -> None:
        """A consent for half a minute, and a STOP and START within, after which it is over."""
        self.grant(number, source, 0, 40)
        self.submit(number, source, 1)
        self.stop(number, source)
        self.start(number, source)
        self.house.relay.dispatch.carriers["alpha"].pause(60)
        self.submit(number, source, 1)
        self.house.advance(70, step=10)
        self.submit(number, source, 1)

    @rule(number=handsets, source=sources, deeds=st.lists(deeds, min_size=1, max_size=4))
    def order(self, number: str, source: str, deeds: list[str]) -> None:
        """Several things happen to one person, and an offer comes."""
        for deed in deeds:
            self.do(deed, number, source)
        self.submit(number, source, 1)

    def next_hour(self, hour: int) -> float:
        """The next time that it is so late in China."""
        now = datetime.fromtimestamp(self.house.wall, SHANGHAI)
        then = now.replace(hour=hour, minute=0, second=0, microsecond=0)
        return (then if then > now else then + timedelta(days=1)).timestamp()

    @invariant()
    def nothing_forbidden_has_left(self) -> None:
        assert not getattr(self, "wrong", None), self.wrong
