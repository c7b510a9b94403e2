"""The pace of a carrier: cut when it complains, grown again, never over what is configured."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.relay.pace import Pace


def sent_in(pace: Pace, start: float, seconds: int, wanted: int = 1000) -> int:
    """How many of `wanted` a second get through."""
    return sum(pace.take(start + second + at / wanted) for second in range(seconds) for at in range(wanted))


def test_no_complaint_no_limit() -> None:
    pace = Pace(None, 0.0)
    assert sent_in(pace, 0.0, 2) == 2000
    assert pace.limit is None
    assert pace.wait(2.0) == 0.0


def complain(pace: Pace, now: float) -> None:
    """A tenth of what was sent of late is refused."""
    for _ in range(200):
        pace.throttled(now)


def test_a_complaint_here_and_there_is_not_of_the_rate() -> None:
    pace = Pace(None, 0.0)
    for second in range(60):
        assert sent_in(pace, float(second), 1) == 1000
        pace.throttled(second + 0.5)
    assert pace.limit is None


def test_half_of_what_was_sent_and_back_again() -> None:
    pace = Pace(None, 0.0)
    sent_in(pace, 0.0, 2)
    complain(pace, 2.0)
    assert pace.limit == 500.0
    complain(pace, 2.5)
    assert pace.limit == 500.0, "what was under way complains of the same"
    assert 500 <= sent_in(pace, 2.0, 1) <= 1000
    assert 450 <= sent_in(pace, 3.0, 1) <= 560
    complain(pace, 4.1)
    assert pace.limit is not None
    assert pace.limit < 300
    sent_in(pace, 4.1, 200, 50)
    assert pace.limit is None


def test_a_configured_rate_is_the_ceiling() -> None:
    pace = Pace(100.0, 0.0)
    for now in range(0, 20, 2):
        pace.throttled(float(now))
    assert pace.limit is not None
    assert 1.0 <= pace.limit < 10.0
    sent_in(pace, 20.0, 600, 20)
    assert pace.limit is None
    assert sent_in(pace, 700.0, 5) <= 100 * 5 + 10


def test_another_rate_forgets_the_cut() -> None:
    pace = Pace(100.0, 0.0)
    pace.throttled(0.0)
    pace.configure(200.0, 1.0)
    assert pace.limit is None
    assert 200 <= sent_in(pace, 1.0, 1) <= 221


@given(
    st.none() | st.floats(1, 500),
    st.lists(st.tuples(st.floats(0.001, 5), st.sampled_from(["send", "throttled", "back"])), max_size=200),
)
def test_whatever_happens_something_may_be_sent(rate: float | None, steps: list[tuple[float, str]]) -> None:
    pace, now = Pace(rate, 0.0), 0.0
    for seconds, what in steps:
        now += seconds
        if what == "throttled":
            pace.throttled(now)
        elif what == "send" or not pace.take(now):
            pace.take(now)
        else:
            pace.give_back()
        assert pace.wait(now) <= 1.01
        assert pace.limit is None or pace.limit >= 1.0
        assert rate is None or pace.bucket is not None
        if pace.bucket is not None and rate is not None:
            assert pace.bucket.rate <= rate
