"""No order of consents, replies, imports, lists, restarts, pauses, nights and submits lets an offer through
that is forbidden at the moment when it leaves.

What is forbidden is told by a model of its own: a list of events, a set of numbers, and the hour. It looks at
the carrier's end of the wire, not at what the gateway says of itself.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from people_house import RULES, SHANGHAI, SHOP, PeopleHouse, offer_pdu, replying

from gateway.filters.consent import ConsentEvent, EventKind, as_of, lifted_basis, suffices
from gateway.filters.suppression import ListKey, ListType, Scope
from gateway.relay.batch import Batch
from gateway.smpp.pdus import SubmitSm
from gateway.store.rows import State

HANDSETS = ("8619912340001", "8619912340002")
handsets = st.sampled_from(HANDSETS)
LIST = ListKey(ListType.CARRIER_DND, Scope(), "commands")


def chinese_rules(directory: Path) -> Path:
    """The Chinese pack alone, so that a restart is quick."""
    rules = directory / "rules"
    rules.mkdir()
    shutil.copy(RULES / "CN.yaml", rules)
    return rules


class Offers(RuleBasedStateMachine):
    """A shop, two handsets, and a carrier that writes down what it gets."""

    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="people-machine-"))
        self.house = PeopleHouse(self.directory, rules=chinese_rules(self.directory))
        self.house.answer = self.taken
        self.events: list[ConsentEvent] = []
        self.listed: set[str] = set()
        self.stopped: set[str] = set()
        self.wrong: list[str] = []
        self.sent: list[str] = []
        self.texts = 0
        for number in HANDSETS:
            self.grant(number, 0)

    def teardown(self) -> None:
        if hasattr(self, "house"):
            self.house.stop()
            shutil.rmtree(self.directory)

    # the model

    def allowed(self, number: str) -> bool:
        """Whether an offer may go to a handset now."""
        now = self.house.wall
        state = as_of(self.events, "Shop", "offers", "promotional", number, now)
        open_now = 8 <= datetime.fromtimestamp(now, SHANGHAI).hour < 21
        agreed = suffices(state, now, {"express": None}, True).suffices
        return agreed and open_now and number not in self.listed | self.stopped

    def event(self, number: str, kind: EventKind, occurred_at: int, **fields: Any) -> ConsentEvent:
        usual: dict[str, Any] = {"basis": "express", "method": "web", "evidence": "form"}
        if kind is EventKind.REVOKED:
            usual["basis"] = ""
        now = int(self.house.wall)
        return ConsentEvent(
            "Shop", "offers", "promotional", number, kind, occurred_at, now, **{**usual, **fields}
        )

    def believe_stop(self, number: str) -> None:
        now = int(self.house.wall)
        self.stopped.add(number)
        self.events.append(self.event(number, EventKind.REVOKED, now, method="keyword"))

    def taken(self, name: str, pdu: Any) -> tuple[int, str]:
        """The carrier gets a message."""
        if isinstance(pdu, SubmitSm) and pdu.source_addr == SHOP:
            text = pdu.short_message.decode("utf-16-be")
            if "offer" in text:
                self.sent.append(text)
                if not self.allowed(pdu.destination_addr):
                    self.wrong.append(f"{text} to {pdu.destination_addr} at {self.house.wall}")
        return self.house.accept(name, pdu)

    def tick(self) -> None:
        """Every step is in a second of its own."""
        self.house.advance(1)

    def text(self) -> str:
        self.texts += 1
        return f"【商店】offer {self.texts}"

    # what may happen

    @rule(number=handsets, ago=st.sampled_from([0, 30, 7200]))
    def grant(self, number: str, ago: int) -> None:
        """A consent comes in, perhaps late."""
        self.tick()
        event = self.event(number, EventKind.IMPORTED, int(self.house.wall) - ago)
        self.record(event)

    @rule(number=handsets, ago=st.sampled_from([0, 30]))
    def withdraw(self, number: str, ago: int) -> None:
        """A consent is taken back on a web page."""
        self.tick()
        self.record(self.event(number, EventKind.REVOKED, int(self.house.wall) - ago))

    def record(self, event: ConsentEvent) -> None:
        batch = Batch()
        self.house.protection.people.record(event, batch)
        self.events.append(event)
        self.house.relay.committer.commit(batch, must=True)
        self.house.settle()

    @rule(number=handsets, on=st.sampled_from([True, False, False]))
    def operator(self, number: str, on: bool) -> None:
        """An operator changes a list."""
        self.tick()
        batch = Batch()
        people = self.house.protection.people
        if on:
            people.suppress(LIST, number, batch, by="operator")
            self.listed.add(number)
        else:
            people.lift(LIST, number, batch, by="operator")
            self.listed.discard(number)
        self.house.relay.committer.commit(batch, must=True)
        self.house.settle()

    @rule(
        number=handsets,
        text=st.sampled_from(["退订", "TD", "不要再发了谢谢", "恢复订阅", "订阅", "重新订阅"]),
    )
    def reply(self, number: str, text: str) -> None:
        """A handset opts out, or in."""
        if "订阅" in text:
            self.start(number)
        else:
            self.stop(number, text)

    def stop(self, number: str, text: str) -> None:
        self.tick()
        self.believe_stop(number)
        self.house.reply(text, number)

    def start(self, number: str) -> None:
        self.tick()
        now = int(self.house.wall)
        self.stopped.discard(number)
        state = as_of(self.events, "Shop", "offers", "promotional", number, now)
        basis = lifted_basis(state, now)
        if basis is not None:
            self.events.append(self.event(number, EventKind.GRANTED, now, basis=basis, method="keyword"))
        self.house.reply("恢复订阅", number)

    @rule(number=handsets, count=st.integers(1, 3))
    def submit(self, number: str, count: int) -> None:
        """The shop sends offers, which leave at once if they may."""
        for _ in range(count):
            self.submit_one(number)

    def submit_one(self, number: str) -> None:
        self.tick()
        text = self.text()
        row = self.house.offer(number, text)
        waits = self.house.relay.dispatch.carriers["alpha"].health().value != "ready"
        if self.allowed(number) and not waits:
            assert State(row.state) is State.SENT, row
            assert text in self.sent

    @rule(number=handsets)
    def stop_and_submit_at_once(self, number: str) -> None:
        """An offer comes while the opt-out before it is not on disk yet."""
        self.tick()
        self.believe_stop(number)
        self.house.upstream().deliver(replying("退订", number))
        self.house.shop.send(offer_pdu(number, self.text()))
        self.house.wires()
        self.house.settle()

    @rule(number=handsets, committed=st.booleans())
    def stop_and_crash(self, number: str, committed: bool) -> None:
        """The node dies with an opt-out in its hands; one that was not on disk was not answered either."""
        self.tick()
        self.house.upstream().deliver(replying("退订", number))
        self.house.wires()
        if committed:
            self.believe_stop(number)
        self.house.crash(committed=committed)
        self.back()

    @rule()
    def restart(self) -> None:
        """kill -9."""
        self.tick()
        self.house.crash()
        self.back()

    def back(self) -> None:
        house = self.house
        house.filters = house.fresh_filters(house.settings)
        house.start()
        house.shop, house.bank = house.client("shop"), house.client("bank")

    @rule(seconds=st.sampled_from([20, 90]), numbers=st.lists(handsets, max_size=2))
    def hold_up(self, seconds: int, numbers: list[str]) -> None:
        """The carrier is left in peace: what comes now waits for it."""
        self.house.relay.dispatch.carriers["alpha"].pause(seconds)
        for number in numbers:
            self.submit_one(number)

    @rule()
    def go_on(self) -> None:
        """Some minutes pass."""
        self.house.advance(120, step=30)

    @rule(numbers=st.lists(handsets, max_size=2), reply=st.booleans())
    def night(self, numbers: list[str], reply: bool) -> None:
        """The night comes, with offers that wait for the morning, and perhaps an opt-out; and it goes."""
        self.house.wall = self.next_hour(22)
        for number in numbers:
            self.submit_one(number)
        if reply and numbers:
            self.stop(numbers[0], "退订")
        self.house.wall = self.next_hour(8)
        self.house.advance(120, step=30)

    def next_hour(self, hour: int) -> float:
        """The next time that it is so late in China."""
        now = datetime.fromtimestamp(self.house.wall, SHANGHAI)
        then = now.replace(hour=hour, minute=0, second=0, microsecond=0)
        return (then if then > now else then + timedelta(days=1)).timestamp()

    @invariant()
    def nothing_forbidden_has_left(self) -> None:
        assert not getattr(self, "wrong", None), self.wrong


Offers.TestCase.settings = settings(
    max_examples=50, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestOffers = Offers.TestCase
