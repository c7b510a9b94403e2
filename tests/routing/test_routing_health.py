"""Health of a carrier: out when it fails, back by one message at a time, and never flapping."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.routing.health import Phase, Trust
from gateway.settings.carriers import HealthRule

RULE = HealthRule()


def failing(trust: Trust, count: int, now: float) -> None:
    for _ in range(count):
        trust.heard(False, now, now)


def test_five_in_a_row_put_it_out() -> None:
    trust = Trust(RULE, 0.0)
    failing(trust, 4, 1.0)
    assert trust.phase is Phase.HEALTHY
    trust.heard(True, 1.0, 1.0)
    failing(trust, 4, 1.0)
    assert trust.phase is not Phase.OUT
    failing(trust, 1, 1.0)
    assert (trust.phase, trust.outs, trust.waits(1.0)) == (Phase.OUT, 1, 1.0)


def test_a_share_makes_it_suspect_and_more_of_it_out() -> None:
    trust = Trust(RULE, 0.0)
    phases = []
    for at in range(200):
        trust.heard(at % 3 != 0, 1.0, 1.0)
        phases.append(trust.phase)
    assert phases[-1] is Phase.SUSPECT
    for at in range(200):
        trust.heard(at % 6 != 0, 1.0, 1.0)
    assert trust.phase is Phase.SUSPECT, "it is well only under half of the share"
    for _ in range(30):
        trust.heard(True, 1.0, 1.0)
    assert trust.phase is Phase.HEALTHY
    for at in range(200):
        trust.heard(at % 4 == 0, 1.0, 1.0)
    assert trust.phase is Phase.OUT


def probed(trust: Trust, good: bool, now: float) -> None:
    assert trust.at(now) is Phase.PROBING
    trust.took()
    assert trust.probe
    trust.heard(good, now, now)
    assert not trust.probe


def test_back_by_one_message_at_a_time() -> None:
    trust = Trust(RULE, 0.0)
    failing(trust, 5, 10.0)
    assert trust.at(10.9) is Phase.OUT
    for _ in range(2):
        probed(trust, True, 11.0)
    assert trust.phase is Phase.PROBING
    probed(trust, True, 11.0)
    assert trust.phase is Phase.HEALTHY
    assert trust.share == 0.0


def test_pauses_double_up_to_the_longest() -> None:
    trust = Trust(RULE, 0.0)
    failing(trust, 5, 0.0)
    now, pauses = 0.0, []
    for _ in range(8):
        pauses.append(trust.waits(now))
        now += trust.waits(now)
        probed(trust, False, now)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_what_is_soon_undone_doubles_too_and_a_good_while_forgets() -> None:
    trust = Trust(RULE, 0.0)
    failing(trust, 5, 0.0)
    for _ in range(3):
        probed(trust, True, 1.0)
    failing(trust, 5, 2.0)
    assert trust.waits(2.0) == 2.0
    for _ in range(3):
        probed(trust, True, 4.0)
    failing(trust, 5, 65.0)
    assert trust.waits(65.0) == 1.0


def test_late_answers_say_nothing_new() -> None:
    trust = Trust(RULE, 0.0)
    failing(trust, 5, 10.0)
    assert trust.at(11.0) is Phase.PROBING
    trust.took()
    trust.heard(False, 9.0, 11.0)
    assert trust.phase is Phase.PROBING
    assert trust.probe
    for _ in range(3):
        probed(trust, True, 11.5)
    failing_before = [trust.heard(False, 9.5, 12.0) for _ in range(20)]
    assert len(failing_before) == 20
    assert trust.phase is Phase.HEALTHY


ROUNDING = 1e-9
"""What sums and differences of seconds may be off by."""


class AnyTraffic(RuleBasedStateMachine):
    """A carrier that is well or not, a gateway that sends when it may, and a clock that is driven."""

    @initialize()
    def begin(self) -> None:
        self.now = 100.0
        self.trust = Trust(RULE, self.now)
        self.under_way: list[tuple[float, Phase]] = []
        self.ended: list[float] = []
        self.outs = 0

    @rule(seconds=st.floats(0, 90))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: len(self.under_way) < 30)
    @rule(count=st.integers(1, 8))
    def send(self, count: int) -> None:
        for _ in range(count):
            phase = self.trust.at(self.now)
            if phase is Phase.OUT or (phase is Phase.PROBING and self.trust.probe):
                return
            self.trust.took()
            self.under_way.append((self.now, phase))

    @precondition(lambda self: self.under_way)
    @rule(at=st.integers(0, 29), good=st.booleans())
    def answer(self, at: int, good: bool) -> None:
        sent_at, _ = self.under_way.pop(at % len(self.under_way))
        self.trust.heard(good, sent_at, self.now)

    @precondition(lambda self: self.under_way)
    @rule()
    def lose_the_line(self) -> None:
        lost, self.under_way = self.under_way, []
        for sent_at, _ in lost:
            self.trust.heard(False, sent_at, self.now)

    @invariant()
    def one_probe_at_a_time(self) -> None:
        """And no pause is longer than the longest, nor does it count as healthy while it fails."""
        if not hasattr(self, "trust"):
            return
        probes = [
            sent for sent, phase in self.under_way if phase is Phase.PROBING and sent >= self.trust.since
        ]
        if self.trust.phase is Phase.PROBING:
            assert len(probes) <= 1
        assert 0 <= self.trust.waits(self.now) <= RULE.longest
        assert 0.0 <= self.trust.share <= 1.0
        assert self.trust.outs >= self.outs
        self.outs = self.trust.outs

    @rule()
    def it_comes_back_within_its_pause(self) -> None:
        """From any state: when it is well again, three good answers are enough."""
        self.now += self.trust.waits(self.now) + ROUNDING
        for sent_at, _ in self.under_way:
            self.trust.heard(True, sent_at, self.now)
        self.under_way = []
        self.trust.gave_back()
        while self.trust.at(self.now) is Phase.PROBING:
            probed(self.trust, True, self.now)
        for _ in range(60):
            self.trust.heard(True, self.now, self.now)
        assert self.trust.phase is Phase.HEALTHY


TestAnyTraffic = AnyTraffic.TestCase


@given(st.lists(st.booleans(), min_size=30, max_size=400))
def test_it_does_not_flap(answers: list[bool]) -> None:
    """However it answers at one moment, it goes out at most once until its pause is over."""
    trust = Trust(RULE, 0.0)
    for good in answers:
        trust.heard(good, 0.0, 0.5)
    assert trust.outs <= 1
