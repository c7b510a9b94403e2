"""A carrier shared by accounts, and carriers shared by messages: one account's flood holds up no code of
another, the parts of a text stay together, a recipient keeps a carrier, retries go as the profile says.
"""

from __future__ import annotations

from collections import Counter

import pytest
from whole_clients import bound, handset, stat, submit
from whole_house import Build, House, Upstream, wait_until

from gateway.smpp.text import segment_text

FLOOD = 600
RETRY = {
    "statuses": {
        "ESME_RSYSERR": {"tries": 3, "delay": "50ms", "next": "same"},
        "ESME_RMSGQFUL": {"tries": 3, "delay": "50ms", "next": "other"},
    }
}


def refusing(status: str, times: int) -> dict[str, object]:
    return {"rules": [{"match": {"times": times}, "do": {"status": status}}]}


CARRIERS = {
    "narrow": Upstream({"rules": [{"match": {}, "do": {"delay": "100ms"}}]}, {"window": 10}),
    "one": Upstream({}, {"window": 500}),
    "two": Upstream({}, {"window": 500}),
    "three": Upstream({}, {"window": 500}, process="third"),
    "tired": Upstream(refusing("ESME_RSYSERR", 2), {"retry": RETRY}),
    "full": Upstream(refusing("ESME_RMSGQFUL", 1), {"retry": RETRY}),
    "final": Upstream(refusing("ESME_RINVDSTADR", 1000), {"retry": RETRY}),
    "hopeless": Upstream(refusing("ESME_RSYSERR", 1000), {"retry": RETRY}),
}
ROUTES = [
    {"name": "narrow", "match": {"destination": ["861530"]}, "carriers": ["narrow"]},
    {"name": "turn", "match": {"destination": ["861531"]}, "choose": "turn", "carriers": ["one", "two"]},
    {
        "name": "sticky",
        "match": {"destination": ["861532"]},
        "choose": "weight",
        "weights": {"one": 1, "two": 1, "three": 2},
        "carriers": ["one", "two", "three"],
        "sticky": "recipient",
    },
    *(
        {"name": name, "match": {"destination": [f"86154{at}"]}, "carriers": [name, "one"]}
        for at, name in enumerate(("tired", "full", "final", "hopeless"))
    ),
]


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    return build(
        accounts={"bank": {"window": 1000}, "shop": {"window": 1000}}, carriers=CARRIERS, routes=ROUTES
    ).start()


def taken_by(house: House, number: str) -> list[str]:
    return [seen.carrier for seen in house.sent_to(number)]


def test_one_accounts_flood_does_not_hold_up_anothers_code(house: House) -> None:
    """The carrier takes a hundred a second, so the flood alone takes six; judged by the order of submits."""
    flood = [handset("861530") for _ in range(FLOOD)]
    with bound(house.port, system_id="shop") as shop, bound(house.port) as bank:
        sent = shop.send(*map(submit, flood))
        ids = [shop.response(one).message_id for one in sent]
        code = handset("861530")
        assert stat(bank.receipt(bank.submit(code, b"code 1234"))) == "DELIVRD"
        order = [seen.pdu.destination_addr for seen in house.captured(carrier="narrow")]
        assert code in order
        assert len(order) < FLOOD / 2, "most of the flood is still to come"
        assert Counter(stat(shop.receipt(one)) for one in ids) == {"DELIVRD": FLOOD}
        assert (shop.rest(0.2), bank.rest(0.1)) == ([], [])
    assert all(taken_by(house, number) == ["narrow"] for number in flood)


def test_the_parts_of_a_text_go_by_one_carrier(house: House) -> None:
    numbers = [handset("861531") for _ in range(20)]
    text = "a long text that goes in parts " * 12
    with bound(house.port) as esme:
        pdus = [
            submit(
                number, part.short_message, esm_class=0x40 if part.udhi else 0, data_coding=part.data_coding
            )
            for at, number in enumerate(numbers)
            for part in segment_text(text, at + 1)
        ]
        ids = [esme.response(one).message_id for one in esme.send(*pdus)]
        assert {stat(esme.receipt(one)) for one in ids} == {"DELIVRD"}
    used = [set(taken_by(house, number)) for number in numbers]
    assert all(len(carriers) == 1 for carriers in used)
    assert set.union(*used) == {"one", "two"}, "texts take turns, parts do not"
    assert all(len(house.sent_to(number)) == 3 for number in numbers)


def test_a_recipient_keeps_a_carrier_and_has_it_back(house: House) -> None:
    numbers = [handset("861532") for _ in range(40)]

    def send_all() -> dict[str, str]:
        with bound(house.port) as esme:
            ids = [esme.response(one).message_id for one in esme.send(*map(submit, numbers))]
            assert {stat(esme.receipt(one)) for one in ids} == {"DELIVRD"}
        return {number: taken_by(house, number)[-1] for number in numbers}

    first = send_all()
    assert set(first.values()) == {"one", "two", "three"}
    assert send_all() == first
    house.stop_carriers("third")
    wait_until(lambda: not house.bound("three"), "it is gone")
    without = send_all()
    assert {number: by for number, by in without.items() if first[number] != "three"} == {
        number: by for number, by in first.items() if by != "three"
    }
    house.start_carriers("third")
    wait_until(lambda: house.bound("three"), "it is back")
    assert send_all() == first
    house.stop_gateway()
    house.start_gateway()
    house.all_bound()
    assert send_all() == first, "after a restart too"


@pytest.mark.parametrize(
    ("prefix", "carriers", "end"),
    [
        ("861540", ["tired", "tired", "tired"], "DELIVRD"),
        ("861541", ["full", "one"], "DELIVRD"),
        ("861542", ["final"], "REJECTD"),
        ("861543", ["hopeless", "hopeless", "hopeless"], "UNDELIV"),
    ],
)
def test_a_refusal_is_tried_again_as_the_profile_says(
    house: House, prefix: str, carriers: list[str], end: str
) -> None:
    number = handset(prefix)
    with bound(house.port) as esme:
        assert stat(esme.receipt(esme.submit(number))) == end
    assert taken_by(house, number) == carriers
