"""The breaker of a service: in any order of questions, answers, failures and time."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.filters.answers import CLEAR, FAILED, Answers, question, understood
from gateway.filters.circuit import Circuit, Position

FAILURES, PAUSE, LONGEST = 3, 10.0, 40.0


class Breaking(RuleBasedStateMachine):
    """Questions go out while it lets them; each is answered or fails at some time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.circuit = Circuit(FAILURES, PAUSE, LONGEST)
        self.on_the_way: list[Position] = []
        self.in_a_row = 0

    @rule(seconds=st.floats(0, 60))
    def time_goes_by(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def ask(self) -> None:
        before, refused = self.circuit.position, self.circuit.refuses(self.now)
        if self.circuit.may_ask(self.now):
            assert not refused
            assert before is not Position.HALF_OPEN  # one trial at a time
            self.on_the_way.append(self.circuit.position)
        else:
            assert before is not Position.CLOSED
            assert refused or before is Position.HALF_OPEN

    @precondition(lambda self: self.on_the_way)
    @rule()
    def answered(self) -> None:
        self.on_the_way.pop()
        self.circuit.succeeded()
        self.in_a_row = 0
        assert self.circuit.may_ask(self.now)

    @precondition(lambda self: self.on_the_way)
    @rule()
    def fails(self) -> None:
        before, opens_at = self.circuit.position, self.circuit.opens_at
        trial = self.on_the_way.pop() is Position.HALF_OPEN
        self.circuit.failed(self.now)
        self.in_a_row += 1
        if self.in_a_row >= FAILURES or (trial and before is Position.HALF_OPEN):
            assert self.circuit.position is Position.OPEN
        if before is Position.OPEN:
            assert self.circuit.opens_at == opens_at  # what was on its way prolongs nothing
        elif self.circuit.position is Position.OPEN:
            assert self.now + PAUSE <= self.circuit.opens_at <= self.now + LONGEST

    @invariant()
    def few_failures_do_not_open_it(self) -> None:
        if self.in_a_row < FAILURES and not self.on_the_way:
            assert self.circuit.position is not Position.OPEN or self.in_a_row

    @invariant()
    def it_is_never_shut_for_ever(self) -> None:
        if self.circuit.position is Position.OPEN:
            assert not self.circuit.refuses(self.now + LONGEST)


TestBreaking = Breaking.TestCase
TestBreaking.settings = settings(max_examples=40, deadline=None)


def test_each_trial_that_fails_doubles_the_pause() -> None:
    circuit, now = Circuit(1, 10.0, 40.0), 0.0
    pauses = []
    for _ in range(4):
        assert circuit.may_ask(now)
        circuit.failed(now)
        pauses.append(circuit.opens_at - now)
        now = circuit.opens_at
    assert pauses == [10, 20, 40, 40]
    assert circuit.may_ask(now)
    circuit.succeeded()
    circuit.failed(now)
    assert circuit.opens_at - now == 10


def test_answers_are_forgotten_in_time_and_beyond_the_bound() -> None:
    answers = Answers(most=2)
    for number, until in ((1, 10), (2, 10), (3, 20)):
        answers.put(number, CLEAR, until)
    assert [answers.find(number, 5) for number in (1, 2, 3)] == [None, CLEAR, CLEAR]
    assert [answers.find(number, 10) for number in (2, 3)] == [None, CLEAR]
    answers.put(2, FAILED, 30)  # is the youngest again
    answers.put(4, CLEAR, 30)
    assert [answers.find(number, 15) for number in (2, 3, 4)] == [FAILED, None, CLEAR]


def test_what_is_asked_and_what_counts_as_an_answer() -> None:
    assert question([8619912340001, 12025550123]) == b'{"numbers": ["8619912340001", "12025550123"]}'
    body = b'{"answers": {"1": null, "2": "carrier_dnd", "3": "whim", "4": 5, "9": null}}'
    assert understood(body, (1, 2, 3, 4, 5)) == {1: CLEAR, 2: "carrier_dnd"}
    for wrong in (b"", b"[]", b'{"answers": []}', b"{}", b"\xff"):
        try:
            understood(wrong, (1,))
        except ValueError:
            continue
        raise AssertionError(wrong)
