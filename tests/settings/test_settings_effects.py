"""Which routes take all that a later one could."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.effects import covers
from gateway.settings.models import Match


class Sent(NamedTuple):
    account: str
    category: str
    destination: str
    source: str


def fits(match: Match, sent: Sent) -> bool:
    """What a route means, in the plainest words."""
    return (
        (not match.account or sent.account in match.account)
        and (not match.category or sent.category in match.category)
        and (not match.destination or any(sent.destination.startswith(one) for one in match.destination))
        and (
            not match.source
            or any(
                sent.source.startswith(one[:-1]) if one.endswith("*") else sent.source == one
                for one in match.source
            )
        )
    )


digits = st.text("12", min_size=1, max_size=3)
matches = st.builds(
    Match,
    account=st.lists(st.sampled_from(["bank", "shop"]), max_size=2, unique=True).map(tuple),
    category=st.lists(st.sampled_from(["otp", "service"]), max_size=2).map(tuple),
    destination=st.lists(digits, max_size=2).map(tuple),
    source=st.lists(digits | digits.map(lambda prefix: f"{prefix}*"), max_size=2).map(tuple),
)
messages = st.builds(
    Sent,
    account=st.sampled_from(["bank", "shop"]),
    category=st.sampled_from(["otp", "service", "promotional"]),
    destination=st.text("12", max_size=5),
    source=st.text("12", max_size=5),
)


@given(matches, matches, st.lists(messages, max_size=30))
def test_what_is_covered_never_reaches_the_later_route(
    earlier: Match, later: Match, sent: list[Sent]
) -> None:
    if covers(earlier, later):
        assert all(fits(earlier, one) for one in sent if fits(later, one))


@given(matches)
def test_everything_covers_all_and_each_covers_itself(match: Match) -> None:
    assert covers(Match(), match)
    assert covers(match, match)
    assert Match().everything


def test_a_text_covers_only_the_same_text() -> None:
    links, offers = Match.model_validate({"text": "http"}), Match.model_validate({"text": "sale"})
    assert covers(links, links)
    assert not covers(links, offers)
    assert not covers(links, Match())
    assert covers(Match(), links)
