"""Profiles: what is shipped loads, what is wrong is told with its line, what is drawn stays in bounds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from simulator.smsc import Profile, ProfileError, load_profile
from simulator.smsc.distributions import Fixed, Lognormal, Uniform, parse_distribution, parse_duration
from simulator.smsc.network import Outcomes

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("name", "port"), [("alpha", 2776), ("beta", 2777)])
def test_the_shipped_profiles_load(name: str, port: int) -> None:
    carrier = load_profile(ROOT / "config" / "simulator" / f"{name}.yaml").carriers[name]
    password = (ROOT / "config" / "secrets" / f"{name}.txt").read_text().strip()
    assert carrier.listen == (f"tcp:{port}:interface=127.0.0.1",)
    assert carrier.accounts["gateway"].password == password


def test_every_example_of_the_documentation_loads(tmp_path: Path) -> None:
    parts = (ROOT / "docs" / "simulator.md").read_text().split("```yaml\n")[1:]
    assert parts
    for part in parts:
        path = tmp_path / "profile.yaml"
        path.write_text(part.split("```")[0])
        assert load_profile(path).carriers


HEAD = "carriers:\n  a:\n    listen: tcp:0\n    accounts: {gateway: pw}\n"


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("    outcoms: {DELIVERED: 1}\n", 5, "Extra inputs"),
        ("    outcomes: {DELIVERD: 1}\n", 5, "'DELIVERD' is no message_state"),
        ("    outcomes: {DELIVERED: 0}\n", 5, "above 0"),
        ("    response: soon\n", 5, "is not a duration"),
        ("    response: {gauss: 1}\n", 5, "is not a distribution"),
        ("    ids:\n      first: 1\n      text: octal\n", 7, "no form of id"),
        ("    receipts:\n      layout: 'id:{nr}'\n", 6, "unknown field"),
        ("    rules:\n    - match: {command: submit}\n      do: {}\n", 6, "no command"),
        ("    rules:\n    - do:\n        status: ESME_RTHROTLED\n", 7, "no command_status"),
        ("    rules:\n    - do: {receipts: {copies: 0}}\n", 2, "greater than or equal to 1"),
        ("    refusal: {}\n", 5, "no command_status"),
        ("    accounts: [a]\n", 5, "dict"),
        ("    a: [\n", 6, ""),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, body: str, line: int, words: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(HEAD + body)
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    assert words in str(caught.value)
    assert f":{line}" in str(caught.value) or f"line {line}" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="No such file"):
        load_profile(tmp_path / "none.yaml")


@pytest.mark.parametrize("accepted", [None, True, False])
@pytest.mark.parametrize(
    ("do", "accepts"),
    [
        ({}, True),
        ({"status": "ESME_RSYSERR"}, False),
        ({"silence": True}, False),
        ({"cut": "fin"}, False),
        ({"cut": "fin", "cut_when": "after"}, True),
    ],
    ids=str,
)
def test_what_a_rule_accepts(do: dict[str, Any], accepts: bool, accepted: bool | None) -> None:
    body = {"listen": "tcp:0", "accounts": {"gateway": "pw"}, "rules": [{"do": do | {"accepted": accepted}}]}
    profile = Profile.model_validate({"carriers": {"a": body}})
    assert profile.carriers["a"].rules[0].do.accepts is (accepts if accepted is None else accepted)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("30s", 30.0),
        ("5m", 300.0),
        ("48h", 172800.0),
        ("7d", 604800.0),
        (2, 2.0),
        ("1.5", 1.5),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        "5 parsecs",
        "-1s",
        {"uniform": ["2s", "1s"]},
        {"uniform": ["1s"]},
        {"lognormal": {"sigma": 1}},
        {"lognormal": {"median": 0}},
        {"lognormal": {"median": 1, "sigma": -1}},
        {"lognormal": {"median": 1, "mean": 1}},
        {"uniform": [1, 2], "lognormal": {"median": 1}},
    ],
    ids=str,
)
def test_what_is_no_distribution(value: Any) -> None:
    with pytest.raises(ValueError, match=r"wants|is not|is wanted|more than|is a number"):
        parse_distribution(value)


moments = st.floats(min_value=0.001, max_value=100)


@given(moments, st.floats(min_value=0, max_value=10), st.floats(min_value=0, max_value=3), st.integers())
def test_samples_stay_in_bounds_and_repeat(low: float, more: float, sigma: float, seed: int) -> None:
    for drawn, least, most in (
        (Fixed(low), low, low),
        (Uniform(low, low + more), low, low + more),
        (Lognormal(low, sigma, low + more), 0.0, low + more),
    ):
        sample = drawn.sample(random.Random(seed))
        assert least <= sample <= most
        assert sample == drawn.sample(random.Random(seed))
        assert parse_distribution(drawn) is drawn


@given(
    st.dictionaries(st.sampled_from(["DELIVERED", "EXPIRED", "NEVER"]), moments, min_size=1), st.integers()
)
def test_outcomes_are_among_those_with_weight(weights: dict[str, float], seed: int) -> None:
    states = {"DELIVERED": 2, "EXPIRED": 3, "NEVER": None}
    outcomes = Outcomes(weights, random.Random(seed))
    assert {outcomes.draw() for _ in range(20)} <= {states[name] for name in weights}


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and all that it is made of."""
    yield model
    for field in model.model_fields.values():
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from models(part)


@pytest.mark.parametrize("model", list(models(Profile)), ids=lambda model: model.__name__)
def test_every_key_is_documented(model: type[BaseModel]) -> None:
    text = (ROOT / "docs" / "simulator.md").read_text()
    missing = [key for key in model.model_fields if f"`{key}`" not in text and f"{key}:" not in text]
    assert not missing


def test_numbers_without_quotes_are_texts_where_texts_are_meant() -> None:
    rules = [{"match": {"destination": [444, "0445"]}, "do": {}}]
    body = {"listen": "tcp:0", "accounts": {"gateway": 1234}, "interface_version": 3.3, "rules": rules}
    carrier = Profile.model_validate({"carriers": {"a": body}}).carriers["a"]
    assert carrier.rules[0].match.destination == ("444", "0445")
    assert (carrier.interface_version, carrier.accounts["gateway"].password) == ("3.3", "1234")
