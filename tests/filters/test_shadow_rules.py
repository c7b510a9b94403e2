"""A single rule in shadow says what it would have said, and does nothing: of every kind of rule that there
is, read from files, beside the same rule in force.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.filters.breakers import Subject, Trip
from gateway.filters.catalogue import make_filters
from gateway.filters.chain import Chain, Judgement, Mode, record
from gateway.filters.chained import chained
from gateway.filters.listed import put_in_force
from gateway.filters.suppressed import Suppressed
from gateway.filters.verdict import Action, Verdict
from gateway.message import Message
from gateway.settings.load import load
from gateway.settings.problems import SettingsError
from gateway.smpp.pdus import SubmitSm

NOON, NIGHT = 1_773_144_000.0, 1_773_187_200.0  # 2026-03-10 12:00 and 2026-03-11 00:00 UTC
TO = "447700900123"
COMMON = {"sure": "S", "authority": "law"}
RULES: dict[str, dict[str, Any]] = {
    "windows": {"open": [{"days": "daily", "from": "08:00", "to": "20:00"}]},
    "consents": {"bases": {"express": None}},
    "caps": {"key": ["recipient"], "limits": ["1/1h"]},
    "texts": {"what": "a brand", "any_of": ["Example Ltd"]},
    "senders": {"allowed": ["short_code"]},
    "tlvs": {"tag": 0x1400, "what": "an entity"},
}
FILTERS = {
    "windows": "quiet",
    "consents": "consented",
    "caps": "capped",
    "texts": "mandatory",
    "senders": "senders",
    "tlvs": "dlt",
}


class Desk:
    """A configuration of files, and the chain of its one account."""

    def __init__(self, directory: Path, **files: Any) -> None:
        self.directory = directory
        (directory / "rules").mkdir()
        self.write("gateway.yaml", {"name": "desk", "state": "state", "listeners": [{"endpoint": "tcp:1"}]})
        self.write(
            "accounts.yaml",
            {"accounts": {"shop": {"tenant": "T", "password": "${SECRET}", "category": "promotional"}}},
        )
        carrier = {
            "binds": [{"mode": "transceiver", "endpoint": "tcp:h:1"}],
            "system_id": "s",
            "password": "x",
        }
        carrier["password"] = "${SECRET}"
        self.write("carriers.yaml", {"carriers": {"alpha": carrier}})
        self.write("routing.yaml", {"routes": [{"name": "r", "carriers": ["alpha"]}]})
        pack = {"pack": "GB", "version": "2026-01-01", "countries": ["GB"], "zone": "Europe/London"}
        self.write("rules/GB.yaml", pack | files.pop("pack", {}))
        self.write("people.yaml", {"rules": "rules"} | files.pop("people", {}))
        self.write("filters.yaml", files.pop("filters", {}))
        for name, text in files.pop("texts", {}).items():
            (directory / name).parent.mkdir(exist_ok=True)
            (directory / name).write_text(text, "utf-8")
        self.generation = load(directory, {"SECRET": "secret12"})
        self.filters = make_filters(self.generation)
        suppressed = self.filters["suppressed"]
        assert isinstance(suppressed, Suppressed)
        self.known = suppressed.known
        list(put_in_force(suppressed.lists, self.known))
        self.chain = Chain(chained(self.generation, self.filters, "shop", "promotional"))

    def write(self, name: str, document: object) -> None:
        (self.directory / name).write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")

    def judge(self, text: str = "An offer.", at: float = NOON, **fields: Any) -> Judgement:
        message = Message(
            id=1,
            account="shop",
            tenant="T",
            client_id="1",
            accepted_at=int(at * 1000),
            pdu=SubmitSm(
                source_addr="Example",
                source_addr_ton=5,
                dest_addr_ton=1,
                destination_addr=TO,
                short_message=text.encode(),
                **fields,
            ),
            category="promotional",
            generation=1,
            expires_at=int(at * 1000) + 86_400_000,
        )
        return self.chain.judge(message, at)

    def count_one(self) -> None:
        """Count a message, as the relay does when one has passed."""
        capped: Any = self.filters["capped"]
        message = Message(
            id=2,
            account="shop",
            tenant="T",
            client_id="2",
            accepted_at=0,
            pdu=SubmitSm(destination_addr=TO, dest_addr_ton=1, short_message=b"before"),
            category="promotional",
            generation=1,
            expires_at=1,
        )
        capped.record(message, int(NOON - 60), NOON)


def same(acting: Verdict, shadow: Verdict) -> None:
    """What would have been said is what is said without shadow, but for the spread of a deferral."""
    for name in ("filter", "rule", "reason", "action"):
        assert getattr(acting, name) == getattr(shadow, name), name
    assert (acting.until is None) == (shadow.until is None)


def told(judgement: Judgement, filter: str) -> list[tuple[Verdict, Mode]]:
    return [(verdict, mode) for verdict, mode in judgement.words if verdict.filter == filter]


def check(acting: Judgement, shadow: Judgement, filter: str) -> None:
    """In force the rule decides; in shadow everything passes, and its word is recorded."""
    ((would, mode),) = told(shadow, filter)
    assert mode is Mode.SHADOW
    assert acting.verdict.filter == filter
    assert acting.verdict.action in (Action.REFUSE, Action.DEFER, Action.HOLD)
    same(acting.verdict, would)
    assert shadow.verdict.action is Action.ALLOW
    (word,) = [one for one in json.loads(record(shadow, 1))["words"] if one["filter"] == filter]
    assert (word["mode"], word["action"]) == ("shadow", acting.verdict.action.value)
    assert Path(word["place"]).name == Path(acting.verdict.place).name


@pytest.mark.parametrize("section", RULES)
def test_rules_of_packs(section: str, tmp_path: Path) -> None:
    judged = []
    for mode in ("enforce", "shadow"):
        directory = tmp_path / mode
        directory.mkdir()
        rule = {"rule": "tried", "mode": mode, **COMMON, **RULES[section]}
        settings = {"unregistered": "allow"} if section == "senders" else {"mode": "enforce"}
        desk = Desk(directory, pack={section: [rule]}, filters={FILTERS[section]: settings})
        if section == "caps":
            desk.count_one()
        judged.append(desk.judge(at=NIGHT if section == "windows" else NOON))
    acting, shadow = judged
    assert acting.verdict.rule == "GB/tried"
    check(acting, shadow, FILTERS[section])


@pytest.mark.parametrize("kind", ["replies", "retention"])
def test_what_cannot_be_in_shadow_is_refused_where_it_stands(kind: str, tmp_path: Path) -> None:
    rule: dict[str, Any] = {"rule": "tried", "mode": "shadow", **COMMON}
    rule |= {"kind": "opt_out", "words": ["STOP"]} if kind == "replies" else {"what": "traffic", "months": 6}
    with pytest.raises((ValueError, SettingsError), match=r"GB\.yaml:\d+:\d+.*mode: shadow is for"):
        Desk(tmp_path, pack={kind: [rule]})


def test_a_rule_in_shadow_beside_one_in_force(tmp_path: Path) -> None:
    """The tighter window is tried; the wider one decides."""
    pack = {
        "windows": [
            {"rule": "tried", "mode": "shadow", **COMMON, "open": [{"from": "10:00", "to": "11:00"}]},
            {"rule": "old", **COMMON, "open": [{"from": "08:00", "to": "20:00"}]},
        ]
    }
    desk = Desk(tmp_path, pack=pack)
    noon, night = desk.judge(at=NOON), desk.judge(at=NIGHT)
    assert [(v.rule, m.value) for v, m in told(noon, "quiet")] == [("GB/tried", "shadow")]
    assert noon.verdict.action is Action.ALLOW
    assert [(v.rule, m.value) for v, m in told(night, "quiet")] == [
        ("GB/tried", "shadow"),
        ("GB/old", "enforce"),
    ]
    assert night.verdict.action is Action.DEFER
    assert night.verdict.rule == "GB/old"


WORDS = "word,severity,mode\ncasino,reject,{mode}\nroulette,hold,\n"


def words(directory: Path, mode: str) -> Desk:
    directory.mkdir(exist_ok=True)
    filters = {"words": {"files": ["words.csv"]}}
    return Desk(directory, filters=filters, texts={"words.csv": WORDS.format(mode=mode)})


def test_a_word(tmp_path: Path) -> None:
    acting = words(tmp_path / "one", "").judge("our casino")
    assert (acting.verdict.action, acting.verdict.rule) == (Action.REFUSE, "casino")
    desk = words(tmp_path / "two", "shadow")
    check(acting, desk.judge("our casino"), "words")
    both = desk.judge("casino and roulette")
    assert both.verdict.action is Action.HOLD
    assert [(v.rule, m.value) for v, m in told(both, "words")] == [
        ("casino", "shadow"),
        ("roulette", "enforce"),
    ]


def test_an_allowed_phrase_cannot_be_in_shadow(tmp_path: Path) -> None:
    texts = {"words.csv": "word,severity,mode\ncasino royale,allow,shadow\n"}
    with pytest.raises(ValueError, match=r"words\.csv:2.*an allowed phrase cannot be in shadow"):
        Desk(tmp_path, filters={"words": {"files": ["words.csv"]}}, texts=texts)


def test_a_list(tmp_path: Path) -> None:
    judged = []
    for mode in ("enforce", "shadow"):
        directory = tmp_path / mode
        directory.mkdir()
        listed = {"name": "dnd", "file": "dnd.txt", "type": "carrier_dnd", "mode": mode}
        desk = Desk(directory, people={"lists": [listed]}, texts={"dnd.txt": f"{TO}\n"})
        judged.append(desk.judge())
    check(*judged, "suppressed")


def test_a_list_in_shadow_beside_one_in_force_and_taken_out_of_shadow(tmp_path: Path) -> None:
    lists = [
        {"name": "old", "file": "old.txt", "type": "invalid"},
        {"name": "new", "file": "new.txt", "type": "carrier_dnd", "mode": "shadow"},
    ]
    texts = {"old.txt": "447700900999\n", "new.txt": f"{TO}\n"}
    desk = Desk(tmp_path, people={"lists": lists}, texts=texts)
    assert desk.judge().verdict.action is Action.ALLOW
    suppressed = desk.filters["suppressed"]
    assert isinstance(suppressed, Suppressed)
    acting = {
        key: replace(one, settings=one.settings.model_copy(update={"mode": "enforce"}))
        for key, one in suppressed.lists.items()
    }
    list(put_in_force(acting, desk.known))
    assert desk.judge().verdict.action is Action.REFUSE
    assert not desk.known.shadowed.lists


TEMPLATES = """tenant: T
templates:
  - {name: old, text: "Your parcel {code:digits(4-6)} is here"}
  - {name: new, text: "An offer.", state: %s}
"""


def test_a_template(tmp_path: Path) -> None:
    """One in shadow lets nothing pass, and is counted; without it the text is refused either way."""
    filters = {"templates": {"directory": "templates"}}
    for state, action in (("approved", Action.ALLOW), ("shadow", Action.REFUSE)):
        directory = tmp_path / state
        directory.mkdir()
        desk = Desk(directory, filters=filters, texts={"templates/t.yaml": TEMPLATES % state})
        judged = desk.judge()
        assert judged.verdict.action is action
    assert [(v.rule, v.action, m.value) for v, m in told(judged, "templates")] == [
        ("new", Action.ALLOW, "shadow"),
        ("new", Action.REFUSE, "enforce"),
    ]


@pytest.mark.parametrize(
    ("filter", "settings", "text"),
    [
        ("links", {"hosts": "?"}, "see evil.example.net/x"),
        ("links", {"shortened": "?", "hosts": "allow", "shorteners": ["bit.ly"]}, "see bit.ly/x"),
        ("links", {"numbers": "?"}, "call 4006001234"),
        ("senders", {"unregistered": "?"}, "An offer."),
        ("templates", {"unregistered": "?", "directory": None}, "An offer."),
    ],
)
def test_what_a_filter_finds(filter: str, settings: dict[str, Any], text: str, tmp_path: Path) -> None:
    judged = []
    for mode in ("refuse", "shadow"):
        directory = tmp_path / mode
        directory.mkdir()
        said = {name: mode if value == "?" else value for name, value in settings.items()}
        judged.append(Desk(directory, filters={filter: said}).judge(text))
    acting, shadow = judged
    ((would, mode_of),) = told(shadow, filter)
    assert mode_of is Mode.SHADOW
    assert (acting.verdict.action, shadow.verdict.action) == (Action.REFUSE, Action.ALLOW)
    same(acting.verdict, would)


def test_a_breaker(tmp_path: Path) -> None:
    judged = []
    for then in ("wait", "shadow"):
        directory = tmp_path / then
        directory.mkdir()
        breaker = {"name": "many", "by": ["account"], "counts": "complaints", "above": 0.1, "then": then}
        desk = Desk(directory, people={"breakers": [breaker]})
        desk.known.breakers.configure(desk.generation.people.breakers)
        desk.known.breakers.put([Trip("many", Subject(account="shop"), int(NOON), False, "9 of 10")])
        judged.append(desk.judge())
    check(*judged, "paused")


def test_a_filter_that_is_in_shadow_itself(tmp_path: Path) -> None:
    """Its rules in shadow are not told twice."""
    texts = {"words.csv": WORDS.format(mode="shadow")}
    desk = Desk(tmp_path, filters={"words": {"files": ["words.csv"], "mode": "shadow"}}, texts=texts)
    both = desk.judge("casino and roulette")
    assert both.verdict.action is Action.ALLOW
    assert [(v.rule, m.value) for v, m in told(both, "words")] == [
        ("casino", "shadow"),
        ("roulette", "shadow"),
    ]
