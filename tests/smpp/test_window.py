"""Outstanding requests: matched by number and command, given up oldest first, each taken out once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.constants import CommandId
from gateway.smpp.window import Window

SUBMIT, SUBMIT_RESP = CommandId.submit_sm, CommandId.submit_sm_resp


def test_a_response_matches_by_number_and_command() -> None:
    window = Window(10)
    window.add(5, SUBMIT, "five", 1.0, 1.0)
    assert window.match(6, SUBMIT_RESP) is None
    assert window.match(5, CommandId.query_sm_resp) is None
    found = window.match(5, SUBMIT_RESP)
    assert found is not None
    assert found[1:3] == ("five", 1.0)
    assert window.match(5, SUBMIT_RESP) is None


def test_generic_nack_matches_by_number() -> None:
    window = Window(10)
    window.add(5, SUBMIT, "five", 1.0, 1.0)
    assert window.match(0, CommandId.generic_nack) is None
    assert window.match(5, CommandId.generic_nack) is not None


def test_free_is_never_negative() -> None:
    window = Window(1)
    assert window.free == 1
    window.add(1, SUBMIT, None, 0.0, 0.0)
    assert window.free == 0
    window.limit = 0
    assert window.free == 0


def test_expired_takes_the_oldest_and_leaves_the_rest() -> None:
    window = Window(10)
    for number in (1, 2, 3):
        window.add(number, SUBMIT, number, float(number), float(number))
    assert window.oldest == 1.0
    assert [context for _, context, _, _ in window.expired(2.0)] == [1, 2]
    assert (len(window), window.oldest) == (1, 3.0)
    assert [context for _, context, _, _ in window.drain()] == [3]
    assert len(window) == 0
    assert window.oldest is None


@given(st.lists(st.tuples(st.integers(1, 8), st.sampled_from(["add", "match", "expire"]))))
def test_every_request_leaves_exactly_once(steps: list[tuple[int, str]]) -> None:
    window = Window(8)
    added: list[int] = []
    left: list[object] = []
    for moment, (number, step) in enumerate(steps):
        if step == "add" and number not in window.outstanding:
            added.append(moment)
            window.add(number, SUBMIT, moment, float(moment), float(moment))
        elif step == "match" and (found := window.match(number, SUBMIT_RESP)):
            left.append(found[1])
        elif step == "expire":
            left += [context for _, context, _, _ in window.expired(float(moment - number))]
        assert len(window) == len(added) - len(left)
    left += [context for _, context, _, _ in window.drain()]
    assert sorted(left, key=str) == sorted(added, key=str)
