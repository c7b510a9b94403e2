"""The timers alone: which is due first in each state, what stops them, what they count from."""

from __future__ import annotations

from math import inf

import pytest

from gateway.smpp.events import SessionOptions
from gateway.smpp.states import State
from gateway.smpp.timers import Due, Timers

OPTIONS = SessionOptions(session_init=10, enquire_link=30, response=60, inactivity=300, partial_pdu=5)
BOUND = [State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX]


def timers(options: SessionOptions = OPTIONS) -> Timers:
    return Timers(options, 100.0)


def test_open_waits_for_a_bind() -> None:
    assert timers().next(State.OPEN) == (110.0, Due.SESSION_INIT)


def test_open_does_not_wait_while_a_bind_is_in_hand() -> None:
    waiting = timers()
    waiting.binding = True
    assert waiting.next(State.OPEN) == (inf, Due.NOTHING)
    waiting.binding = False
    assert waiting.next(State.OPEN) == (110.0, Due.SESSION_INIT)


@pytest.mark.parametrize("state", BOUND)
def test_silence_is_probed_and_then_ends(state: State) -> None:
    silent = timers()
    assert silent.next(state) == (130.0, Due.ENQUIRE_LINK)
    silent.probed = 130.0
    assert silent.next(state) == (190.0, Due.ENQUIRE_LINK_UNANSWERED)
    silent.octets(150.0, 0, 3)
    silent.octets(150.0, 1, 0)
    assert silent.next(state) == (180.0, Due.ENQUIRE_LINK)


@pytest.mark.parametrize("state", BOUND)
def test_octets_do_not_count_as_activity(state: State) -> None:
    idle = timers(SessionOptions(enquire_link=None, inactivity=300))
    idle.octets(350.0, 1, 0)
    assert idle.next(state) == (400.0, Due.INACTIVITY)
    idle.active = 350.0
    assert idle.next(state) == (650.0, Due.INACTIVITY)


def test_unbinding_waits_for_the_answer_only() -> None:
    leaving = timers()
    leaving.left = 200.0
    assert leaving.next(State.UNBINDING) == (260.0, Due.UNBIND)


@pytest.mark.parametrize("state", [*BOUND, State.OPEN, State.UNBINDING])
def test_a_partial_pdu_counts_from_its_first_octet(state: State) -> None:
    slow = timers()
    slow.octets(100.0, 0, 3)
    slow.octets(102.0, 0, 7)
    assert slow.next(state) == (105.0, Due.PARTIAL_PDU)
    slow.octets(103.0, 1, 2)
    assert slow.next(state) == (108.0, Due.PARTIAL_PDU)
    slow.octets(104.0, 1, 0)
    assert slow.next(state)[1] is not Due.PARTIAL_PDU


@pytest.mark.parametrize("state", State)
def test_none_switches_off(state: State) -> None:
    off = timers(SessionOptions(session_init=None, enquire_link=None, inactivity=None, partial_pdu=None))
    off.octets(100.0, 0, 3)
    if state is not State.UNBINDING:
        assert off.next(state) == (inf, Due.NOTHING)


def test_nothing_is_due_when_closed() -> None:
    over = timers()
    over.octets(100.0, 0, 3)
    assert over.next(State.CLOSED) == (inf, Due.NOTHING)


def test_the_deadline_counts_the_oldest_request() -> None:
    busy = timers()
    assert busy.deadline(State.BOUND_TRX, None) == 130.0
    assert busy.deadline(State.BOUND_TRX, 65.0) == 125.0


def test_time_in_which_we_do_not_listen_does_not_count() -> None:
    deaf = timers()
    deaf.pause(110.0)
    deaf.pause(115.0)
    assert deaf.paused
    assert deaf.deadline(State.BOUND_TRX, 65.0) == inf
    deaf.resume(130.0)
    deaf.resume(140.0)
    assert not deaf.paused
    assert deaf.listened(130.0) == 110.0
    assert deaf.deadline(State.BOUND_TRX, None) == 150.0
