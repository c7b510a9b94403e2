"""Routes: the first that matches names its carriers, and the first of those that is ready is taken."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import Message
from gateway.routing.choosing import Health, View, candidates
from gateway.routing.router import Router
from gateway.settings.models import Route
from gateway.smpp.pdus import SubmitSm


def message(**fields: Any) -> Message:
    usual = {"source_addr": "10690001", "destination_addr": "8619912340001", "short_message": b"code 123"}
    pdu = SubmitSm(**{**usual, **fields})
    return Message(
        id=1,
        tenant="Bank",
        client_id="1",
        accepted_at=0,
        pdu=pdu,
        generation=1,
        expires_at=1,
        account="bank",
        category="otp",
    )


def router(*matches: dict[str, Any]) -> Router:
    return Router(
        [
            Route.model_validate({"name": str(at), "match": match, "carriers": ["alpha"]})
            for at, match in enumerate(matches)
        ]
    )


def chosen(found: Router, **fields: Any) -> str | None:
    rule = found.choose(message(**fields))
    return None if rule is None else rule.name


@pytest.mark.parametrize(
    ("match", "fields", "takes"),
    [
        ({}, {}, True),
        ({"account": ["bank", "shop"]}, {}, True),
        ({"account": ["shop"]}, {}, False),
        ({"category": ["otp"]}, {}, True),
        ({"category": ["promotional"]}, {}, False),
        ({"destination": ["86"]}, {}, True),
        ({"destination": ["+86"]}, {"destination_addr": "+8619912340001"}, True),
        ({"destination": ["861", "44"]}, {"destination_addr": "447700900123"}, True),
        ({"destination": ["861"]}, {"destination_addr": "862"}, False),
        ({"source": ["10690001"]}, {}, True),
        ({"source": ["1069"]}, {}, False),
        ({"source": ["1069*"]}, {}, True),
        ({"source": ["222", "1069*"]}, {"source_addr": "222"}, True),
        ({"source": ["222", "1069*"]}, {"source_addr": "2221"}, False),
        ({"text": "code [0-9]+"}, {}, True),
        ({"text": "^code$"}, {}, False),
        ({"text": "验证码"}, {"short_message": "验证码".encode("utf-16-be"), "data_coding": 8}, True),
        ({"text": "x"}, {"short_message": b"x", "data_coding": 4}, False),
        ({"account": ["bank"], "destination": ["44"]}, {}, False),
        ({"account": ["bank"], "destination": ["86"], "text": "code"}, {}, True),
    ],
)
def test_conditions(match: dict[str, Any], fields: dict[str, Any], takes: bool) -> None:
    assert (chosen(router(match), **fields) == "0") is takes


def test_the_first_that_matches_decides() -> None:
    found = router({"destination": ["44"]}, {"destination": ["86"]}, {"destination": ["861"]}, {})
    assert chosen(found) == "1"
    assert chosen(found, destination_addr="12025550123") == "3"


def test_none_matches() -> None:
    assert chosen(router({"destination": ["44"]})) is None
    assert chosen(router()) is None


@given(st.lists(st.sampled_from(Health), max_size=6))
def test_candidates_are_considered_in_order(healths: list[Health]) -> None:
    names = [f"c{at}" for at in range(len(healths))]
    known = dict(zip(names, healths, strict=True))
    name, passed = candidates(names, View(known.__getitem__))
    first = next((at for at, health in enumerate(healths) if health is Health.READY), None)
    if first is None:
        first = next((at for at, health in enumerate(healths) if health is Health.SUSPECT), None)
        before = [each for each in names if each != (None if first is None else names[first])]
    else:
        before = names[:first]
    assert name == (None if first is None else names[first])
    assert passed == tuple((each, known[each].value) for each in before)


MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "account": st.sampled_from([["bank"], ["shop"]]),
        "category": st.sampled_from([["otp"], ["promotional"]]),
        "destination": st.sampled_from([["86"], ["861"], ["44"]]),
        "words": st.sampled_from([["code"], ["offer"]]),
        "country": st.sampled_from([["CN"], ["GB"]]),
    },
)


@given(st.lists(st.tuples(MATCHES, st.booleans()), min_size=1, max_size=8))
def test_a_route_in_shadow_says_what_it_alone_would_take(rules: list[tuple[dict[str, Any], bool]]) -> None:
    """Those told are those that would be chosen were they, and they alone of all in shadow, in force."""

    def made(in_force: set[int]) -> Router:
        modes = ["enforce" if at in in_force else "shadow" for at in range(len(rules))]
        return Router(
            [
                Route.model_validate(
                    {"name": str(at), "match": match, "carriers": ["alpha"], "mode": modes[at]}
                )
                for at, (match, _) in enumerate(rules)
            ]
        )

    in_force = {at for at, (_, shadow) in enumerate(rules) if not shadow}
    without = Router(
        [
            Route.model_validate({"name": str(at), "match": rules[at][0], "carriers": ["alpha"]})
            for at in sorted(in_force)
        ]
    )
    found = made(in_force)
    rule = found.choose(message())
    assert chosen(found) == chosen(without)
    expected = [
        str(at)
        for at in sorted({*range(len(rules))} - in_force)
        if (chosen(made(in_force | {at})) or "") == str(at)
    ]
    assert [one.name for one in found.shadowed(message(), 0.0, rule)] == expected
