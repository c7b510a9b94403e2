"""A held message through the whole house: the command line lists it, shows it, lets it pass or refuses it."""

from __future__ import annotations

import json
import re

import pytest
from whole_house import PASSWORD, Build, House, Upstream, wait_until
from whole_house import call as command

TO = "8619912340001"


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    return build(
        accounts={"bank": {"filters": {"words": "enforce"}}},
        carriers={"alpha": Upstream()},
        routes=[{"name": "default", "carriers": ["alpha"]}],
        words=["#: severity=hold", "jackpot"],
    ).start()


def call(house: House, *arguments: str, code: int = 0) -> str:
    """All that a command says, which ends with `code`."""
    return "".join(command(house, *arguments, code=code))


def hold(house: House, text: str) -> tuple[str, str]:
    """The number under which a text is held, and its id."""
    call(house, "send", "--as", "bank", "--password", PASSWORD, "--to", TO, "--wait", "0", text, code=1)
    (one,) = json.loads(call(house, "review", "list", "--json"))
    return str(one["number"]), one["id"]


def test_a_person_lets_a_message_pass(house: House) -> None:
    number, message_id = hold(house, "you hit the JACKPOT")
    assert re.search(rf"^{number} .*861\*\*\*\*0001.*words: jackpot$", call(house, "review", "list"), re.M)
    assert "you hit the JACKPOT" in call(house, "review", "show", number)
    call(house, "review", "approve", number, "--by", "Ann", "--note", "a hotel")
    (seen,) = wait_until(lambda: house.sent_to(TO), "the carrier has it")
    assert seen.pdu.short_message == b"you hit the JACKPOT"
    assert re.search(r"approved +by Ann at .*: a hotel", call(house, "message", message_id))
    assert "nothing is held" in call(house, "review", "list")
    assert "is held" in call(house, "review", "approve", number, code=1)


def test_a_person_refuses_a_message(house: House) -> None:
    number, message_id = hold(house, "jackpot")
    assert f"message {number} is rejected now" in call(house, "review", "refuse", number, "--by", "Bob")
    told = call(house, "message", message_id)
    assert "REJECTED" in told
    assert "review_refused" in told
    assert "by Bob at" in told
    assert 'gateway_reviews_total{outcome="refused"} 1.0' in house.page("metrics")[1]
