"""Whatever the order of submits, answers, receipts, cancels, expiries, lost links and restarts: every
accepted message ends exactly once, its client is told exactly once if it asked, and accepted = ended +
pending.

The judges are the captures of the two ends and the store itself, not the relay's own counters.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from relay_house import BANK, Client, House, Upstream, account, carrier, generation, receipt, submit

from gateway.relay import dispatch, outbox
from gateway.smpp.concat import make_sar
from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import BindTransceiver, CancelSm, DataSm, Pdu, ReplaceSm, SubmitSm, SubmitSmResp
from gateway.smpp.receipts import parse_receipt
from gateway.store import queries
from gateway.store.rows import Kind, State

ENDS = {"DELIVRD": 2, "UNDELIV": 5, "EXPIRED": 3, "REJECTD": 8}
ANSWERS = {
    "yes": 0,
    "throttled": int(CommandStatus.ESME_RTHROTTLED),
    "full": int(CommandStatus.ESME_RMSGQFUL),
    "broken": int(CommandStatus.ESME_RSYSERR),
    "no": int(CommandStatus.ESME_RINVDSTADR),
}
TAKING = {"takes": 0, "later": int(CommandStatus.ESME_RX_T_APPN), "silent": None}

SETTINGS = generation(
    accounts={"bank": account(validity="20m"), "shop": account(sources=(BANK,), validity="20m")},
    carriers={
        "alpha": carrier("alpha", window=3, receipt_timeout="10m", response="20s"),
        "beta": carrier("beta", window=2, rate=5.0, unanswered="resend", receipt_timeout="10m"),
    },
    multipart={"timeout": "120s", "groups_per_account": 2},
    backlog={"memory": 4},
)


class Relaying(RuleBasedStateMachine):
    """One relay between two accounts and two carriers, all of which misbehave."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="relay-machine-"))
        self.house = House(self.directory, SETTINGS)
        self.house.answer = lambda name, pdu: None
        self.asked: dict[tuple[Client, int], SubmitSm] = {}
        self.accepted: dict[str, SubmitSm] = {}  # by the id that was told
        self.stored: set[int] = set()
        self.ended: dict[int, int] = {}
        self.taken: Counter[str] = Counter()  # receipts that a client has answered ESME_ROK
        self.told: dict[str, set[int]] = defaultdict(set)
        self.said: dict[str, set[int]] = defaultdict(set)  # what carriers said, by destination
        self.refused: Counter[tuple[str, bytes]] = Counter()  # submits that alpha has not taken
        self.named: list[tuple[str, str, SubmitSm | DataSm]] = []  # carrier, its id, the submit
        self.numbers = 0
        self.ids = 0
        self.parts = 0
        self.taking = "takes"
        self.clients: list[Client] = []

    # who is there

    @initialize()
    def somebody_binds(self) -> None:
        self.bind("bank")

    @rule(name=st.sampled_from(("bank", "shop")))
    def bind(self, name: str) -> None:
        if sum(not client.gone for client in self.clients) < 3:
            client = Client(self.house)
            client.answer = self.take
            client.answered = lambda event: self.answered(client, event.pdu)  # type: ignore[method-assign]
            client.name = name  # type: ignore[attr-defined]
            client.send(BindTransceiver(system_id=name, password="secret", interface_version=0x34))
            self.clients.append(client)
            self.house.wires()

    def here(self) -> list[Client]:
        return [
            client for client in self.clients if not client.gone and client.session.state.name == "BOUND_TRX"
        ]

    @rule(at=st.integers(0, 5))
    def cut_client(self, at: int) -> None:
        if here := self.here():
            here[at % len(here)].cut()

    @rule(name=st.sampled_from(("alpha", "beta")), back=st.booleans())
    def cut_carrier(self, name: str, back: bool) -> None:
        if not back:
            self.house.down.add(name)
        for upstream in self.house.upstreams(name):
            upstream.cut()

    @rule()
    def carriers_come_back(self) -> None:
        self.house.down.clear()

    # clients

    def new(self, client: Client, **fields: Any) -> None:
        self.send(client, submit(**fields))

    def send(self, client: Client, pdu: SubmitSm) -> None:
        self.asked[client, client.send(pdu)] = pdu

    def number(self) -> str:
        self.numbers += 1
        return f"86199{self.numbers:08d}"

    @rule(
        at=st.integers(0, 5),
        count=st.integers(1, 4),
        asks=st.sampled_from((1, 1, 1, 2, 0, 17)),
        validity=st.sampled_from(("", "", "000000000030000R")),
        schedule=st.sampled_from(("", "", "", "000000000015000R")),
        priority=st.integers(0, 1),
    )
    def submits(self, at: int, count: int, asks: int, validity: str, schedule: str, priority: int) -> None:
        here = self.here()
        for _ in range(count if here else 0):
            self.new(
                here[at % len(here)],
                destination_addr=self.number(),
                registered_delivery=asks,
                validity_period=validity,
                schedule_delivery_time=schedule,
                priority_flag=priority,
            )
        self.house.wires()

    @rule(at=st.integers(0, 5), total=st.integers(2, 3), lost=st.integers(0, 5), schedule=st.booleans())
    def submits_long_text(self, at: int, total: int, lost: int, schedule: bool) -> None:
        if here := self.here():
            self.parts += 1
            destination = self.number()
            for number in range(1, total + 1):
                if number != lost:
                    client = here[(at + number) % len(here)]
                    client = client if client.name == here[at % len(here)].name else here[at % len(here)]  # type: ignore[attr-defined]
                    self.new(
                        client,
                        destination_addr=destination,
                        short_message=b"part %d" % number,
                        schedule_delivery_time="000000000015000R" if schedule else "",
                        tlvs=make_sar(self.parts, total, number),
                    )
            self.house.wires()

    def answered(self, client: Client, pdu: Pdu) -> None:
        asked = self.asked.pop((client, pdu.sequence_number), None)
        if isinstance(pdu, SubmitSmResp) and not pdu.command_status:
            assert asked is not None
            assert pdu.message_id not in self.accepted
            row = self.house.read(queries.get_message, int(pdu.message_id))
            assert row is not None, "yes means kept"
            assert row.destination == asked.destination_addr
            self.accepted[pdu.message_id] = asked

    @rule(at=st.integers(0, 5), which=st.integers(0, 100), text=st.booleans())
    def cancels_or_replaces(self, at: int, which: int, text: bool) -> None:
        if (here := self.here()) and self.accepted:
            told = list(self.accepted)[-1 - which % min(len(self.accepted), 6)]
            pdu = (
                ReplaceSm(message_id=told, source_addr=BANK, short_message=b"other", registered_delivery=1)
                if text
                else CancelSm(message_id=told, source_addr=BANK, destination_addr="")
            )
            here[at % len(here)].send(pdu)
            self.house.wires()

    @rule(how=st.sampled_from(sorted(TAKING)))
    def clients_take(self, how: str) -> None:
        self.taking = how

    def take(self, pdu: Any) -> int | None:
        found = parse_receipt(pdu)
        assert found is not None
        told = found.message_id
        assert told is not None
        if found.intermediate:
            return 0
        assert not self.taken[told], f"{told} is told again"
        asked = self.accepted.get(told)
        assert found.state is not None
        self.told[told].add(int(found.state))
        if asked is not None:
            assert asked.registered_delivery & 3 != 2 or found.state != 2
            if found.state == 2:
                assert 2 in self.said[asked.destination_addr], "a false DELIVRD"
        status = TAKING[self.taking]
        if status == 0:
            self.taken[told] += 1
        return status

    # carriers

    @rule(
        name=st.sampled_from(("alpha", "beta")),
        which=st.integers(0, 9),
        how=st.sampled_from(("yes", "yes", "yes", *sorted(ANSWERS))),
        first=st.sampled_from(("", "", "", *sorted(ENDS))),
    )
    def carrier_answers(self, name: str, which: int, how: str, first: str) -> None:
        """An answer to any of the submits, the receipt before it or not."""
        for upstream in self.house.upstreams(name):
            if upstream.pending:
                pdu = upstream.pending[which % len(upstream.pending)]
                self.ids += 1
                message_id = str(self.ids % 7 + 1)  # carriers use ids again
                if how == "yes":
                    if first:
                        self.receipt(upstream, message_id, pdu, first)
                    self.named.append((name, message_id, pdu))
                upstream.respond(pdu, ANSWERS[how], message_id)
                if name == "alpha":
                    self.refused[key(pdu)] += how != "yes"
                self.house.wires()

    @rule(which=st.integers(0, 9), stat=st.sampled_from((*sorted(ENDS), "ENROUTE", "ACCEPTD")))
    def carrier_tells(self, which: int, stat: str) -> None:
        """A receipt to any of the submits, for the first time or not, by any bind that is up."""
        if self.named:
            name, message_id, pdu = self.named[-1 - which % len(self.named)]
            for upstream in self.house.upstreams(name)[:1]:
                self.receipt(upstream, message_id, pdu, stat)
                self.house.wires()

    def receipt(self, upstream: Upstream, message_id: str, pdu: Any, stat: str) -> None:
        if stat in ENDS:
            self.said[pdu.destination_addr].add(ENDS[stat])
        if upstream.session.state.name == "BOUND_TRX":
            upstream.deliver(receipt(message_id, pdu, stat))

    # time, the store, and the end of the process

    @rule(seconds=st.sampled_from((0.3, 1.0, 2.0, 20.0, 130.0)))
    def time_passes(self, seconds: float) -> None:
        self.house.advance(seconds, max(1.0, seconds / 20))

    @rule()
    def settles(self) -> None:
        self.house.settle()

    @rule(reads=st.booleans(), deliver=st.booleans())
    def a_thread_goes_on(self, reads: bool, deliver: bool) -> None:
        thread = self.house.reading if reads else self.house.writing
        (thread.deliver if deliver else thread.run)()
        self.house.wires()

    @rule(broken=st.booleans())
    def the_disk_fills(self, broken: bool) -> None:
        self.house.driver.broken = broken

    @rule(committed=st.booleans())
    def the_node_dies(self, committed: bool) -> None:
        broken, self.house.driver.broken = self.house.driver.broken, False
        self.house.crash(committed=committed and not broken)
        self.asked.clear()
        self.house.start()
        for name in ("bank", "shop"):
            for row in self.house.outbox(name):
                if row.kind == Kind.RECEIPT:
                    message = self.house.read(queries.get_message, row.message_id)
                    self.taken.pop(message.client_id, None)  # it may be told again

    # what holds

    @invariant()
    def nothing_is_lost(self) -> None:
        rows = {row.id: row for row in self.house.rows()}
        assert self.stored <= rows.keys()
        self.stored = set(rows)
        for row in rows.values():
            if row.id in self.ended:
                assert row.state == self.ended[row.id], "one end"
            elif State(row.state).final:
                self.ended[row.id] = row.state
                assert row.deadline is None
                assert row.done_at is not None
            else:
                assert row.deadline is not None
        assert {int(told) for told in self.accepted} <= self.stored

    @invariant()
    def alpha_never_gets_a_message_twice(self) -> None:
        """Its policy is not to send again what may have been sent."""
        got = Counter(key(pdu) for name, pdu in self.house.submits if name == "alpha")
        got.subtract(self.refused)
        assert all(count <= 1 for count in got.values()), got

    @invariant()
    @precondition(lambda self: not self.house.writing.calls and not self.house.writing.results)
    def the_books_agree(self) -> None:
        """accepted = ended + pending, as the counters and the store see it."""
        if not self.house.store.journal.queued:
            stored = {state: n.messages for state, n in self.house.read(queries.open_counts).items()}
            counted = {s: n for s, n in self.house.relay.book.states.items() if n and not s.final}
            assert counted == stored

    def teardown(self) -> None:
        try:
            self.everything_ends()
        finally:
            self.house.stop()
            shutil.rmtree(self.directory)

    def everything_ends(self) -> None:
        """All is well again, and time passes: nothing is left open, and everybody has been told."""
        house = self.house
        house.driver.broken = False
        house.down.clear()
        self.taking = "takes"
        house.advance(30)
        for name in ("bank", "shop"):
            self.clients = [client for client in self.clients if not client.gone]
            if not any(client.name == name for client in self.clients):  # type: ignore[attr-defined]
                self.clients = self.clients[:2]
                self.bind(name)
        for _ in range(6):
            house.advance(600, 10)
            self.nothing_is_lost()
        open_rows = [row for row in house.rows() if not State(row.state).final]
        assert not open_rows
        assert not [row for name in ("bank", "shop") for row in house.outbox(name) if row.kind != Kind.DEAD]
        for told, asked in self.accepted.items():
            row = house.read(queries.get_message, int(told))
            state = row.state - 10
            wanted = asked.registered_delivery & 3
            if wanted == 1 or (wanted == 2 and state != 2):
                assert self.told[told] == {state}
                assert self.taken[told] == 1
        relay = house.relay
        assert not relay.book.entries
        assert relay.dispatch.lanes.count == 0
        assert not len(relay.gathering.groups)
        assert not any(len(matcher) for matcher in relay.inbound.matchers.values())
        assert not any(account.outbox.backlog for account in relay.accounts)


def key(pdu: Any) -> tuple[str, bytes]:
    """What tells one message from all others."""
    return pdu.destination_addr, bytes(pdu.tlvs[-1].value) if pdu.tlvs else b""


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few messages fill what takes thousands in earnest."""
    monkeypatch.setattr(dispatch, "PAGE", 3)
    monkeypatch.setattr(outbox, "MEMORY", 4)
    monkeypatch.setattr(outbox, "PAGE", 2)


class TestRelaying(Relaying.TestCase):  # type: ignore[misc,valid-type]
    settings = settings(
        max_examples=25,
        stateful_step_count=60,
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
