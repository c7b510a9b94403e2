"""Edits at run time: beside the lists, whatever a reload brings, until a time or for good."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.filters.edits import Edit
from gateway.filters.entries import Entry, Flags, Severity
from gateway.filters.wordlists import load_wordlists
from gateway.filters.words import WordList

LIST = "#: severity=reject\n赌博\ncasino\nFree Money\n"
AT = 1_790_000_000_000
NOW = AT / 1000
UNTIL = "2027-01-31"
THEN = 1801353600.0


def edit(number: int, action: str, word: str, **fields: str) -> Edit:
    made = Edit(number, AT, "Ann", "why not", action, {"word": word, **fields})
    made.check()
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text(LIST, "utf-8")
    return tmp_path


@pytest.fixture
def words(folder: Path) -> WordList:
    found, problems = load_wordlists([folder])
    assert not problems
    return found


def said(words: WordList, text: str, now: float = NOW, tenant: str = "") -> list[tuple[str, str]]:
    hits = words.scan(text, tenant, "", now)
    return [(hit.entry.severity.name.lower(), hit.entry.place.rpartition("/")[2]) for hit in hits]


def test_an_entry_with_every_field(words: WordList) -> None:
    fields = {
        "severity": "hold",
        "language": "zh",
        "tags": "a|b",
        "scope": "tenant:Shop",
        "near": "点击|电话",
        "unless": "警方",
        "flags": "pinyin",
        "expires": UNTIL,
        "source": "own",
    }
    edited = words.edited([edit(7, "add", "六合彩", **fields)])
    (entry,) = [one for one in edited.entries() if one.file == "edit"]
    told = "added by edit 7 by Ann at 2026-09-21T14:13:20+00:00"
    assert entry == Entry(
        "六合彩",
        Severity.HOLD,
        "zh",
        ("a", "b"),
        "tenant:Shop",
        ("点击", "电话"),
        ("警方",),
        Flags.PINYIN,
        THEN,
        "own",
        "edit",
        7,
        None,
        told,
    )
    assert said(edited, "六合彩点击", tenant="Shop") == [("hold", "edit:7")]
    assert said(edited, "liuhecai 点击", tenant="Shop") == [("hold", "edit:7")]
    for text, tenant, now in (
        ("六合彩", "Shop", NOW),
        ("六合彩点击", "Bank", NOW),
        ("六合彩点击", "Shop", THEN),
    ):
        assert said(edited, text, now, tenant) == []
    assert [hit.beside for hit in edited.scan("警方六合彩点击", "Shop", now=NOW)] == ["警方"]
    assert said(words, "六合彩点击", tenant="Shop") == []


def test_an_entry_expires_with_nothing_done(words: WordList) -> None:
    edited = words.edited([edit(1, "add", "lottery", expires=UNTIL)])
    assert said(edited, "lottery", THEN - 1)
    assert not said(edited, "lottery", THEN)


def test_a_word_of_a_file_is_taken_out_and_put_back(words: WordList) -> None:
    out = words.edited([edit(1, "remove", "賭 博")])
    assert said(out, "赌博 casino") == [("reject", "a.txt:3")]
    back = out.edited([edit(2, "restore", "赌博")])
    assert said(back, "赌博") == [("reject", "a.txt:2")]
    assert set(back.entries()) == set(words.entries())


def test_taken_out_until_a_time(words: WordList) -> None:
    out = words.edited([edit(1, "remove", "CASINO", until=UNTIL)])
    assert said(out, "casino", THEN - 1) == []
    assert said(out, "casino", THEN) == [("reject", "a.txt:3")]


def test_another_severity_for_good_and_until_a_time(words: WordList) -> None:
    changed = words.edited([edit(1, "severity", "casino", severity="warn")])
    assert said(changed, "casino", THEN) == [("warn", "a.txt:3")]
    (hit,) = changed.scan("casino", now=NOW)
    assert hit.entry.edit == "warn in place of reject by edit 1 by Ann at 2026-09-21T14:13:20+00:00"
    limited = changed.edited([edit(2, "severity", "casino", severity="log", until=UNTIL)])
    assert said(limited, "casino", THEN - 1) == [("log", "a.txt:3")]
    assert said(limited, "casino", THEN) == [("reject", "a.txt:3")]


def test_a_word_added_after_it_was_taken_out_counts(words: WordList) -> None:
    edited = words.edited([edit(1, "remove", "casino"), edit(2, "add", "casino", severity="hold")])
    assert said(edited, "casino") == [("hold", "edit:2")]
    again = edited.edited([edit(3, "add", "Casino", severity="warn")])
    assert said(again, "casino") == [("warn", "edit:3")]
    out = again.edited([edit(4, "remove", "casino")])
    assert said(out, "casino") == []


def test_only_in_one_scope(words: WordList) -> None:
    both = words.edited(
        [
            edit(1, "add", "casino", severity="hold", scope="tenant:Shop"),
            edit(2, "remove", "casino", scope="platform"),
        ]
    )
    assert said(both, "casino", tenant="Shop") == [("hold", "edit:1")]
    assert said(both, "casino", tenant="Bank") == []
    assert said(both.edited([edit(3, "restore", "casino", scope="platform")]), "casino") == [
        ("reject", "a.txt:3")
    ]


def test_allowed_phrases_are_edited_too(words: WordList) -> None:
    allowed = words.edited([edit(1, "add", "casino royale", severity="allow")])
    assert said(allowed, "see casino royale") == []
    assert said(allowed, "see the casino")
    assert said(allowed.edited([edit(2, "remove", "Casino Royale")]), "see casino royale")


def test_a_reload_keeps_edits(words: WordList, folder: Path) -> None:
    edited = words.edited(
        [
            edit(1, "remove", "赌博"),
            edit(2, "severity", "casino", severity="warn"),
            edit(3, "add", "lottery", severity="reject"),
        ]
    )
    (folder / "a.txt").write_text("# moved\n" + LIST + "赌 博\nnew\n", "utf-8")
    reloaded, problems = load_wordlists([folder], edited)
    assert not problems
    text = "赌博 casino lottery new"
    assert said(reloaded, text) == [("warn", "a.txt:4"), ("reject", "edit:3"), ("reject", "a.txt:7")]
    back = reloaded.edited([edit(4, "restore", "赌博")])
    assert said(back, "赌博") == [("reject", "a.txt:3"), ("reject", "a.txt:6")]
    (folder / "a.txt").unlink()
    gone, _ = load_wordlists([folder], reloaded)
    assert said(gone, text) == [("reject", "edit:3")]
    assert said(gone.edited([edit(4, "restore", "casino")]), text) == [("reject", "edit:3")]


@pytest.mark.parametrize(
    ("action", "fields", "message"),
    [
        ("drop", {"word": "x"}, "must be one of add, remove, severity, restore"),
        ("add", {"word": "…"}, "neither letter nor digit"),
        ("add", {"word": "\u0301\u0302"}, "neither letter nor digit"),
        ("add", {"word": "x" * 201}, "201 letters and digits; at most 200"),
        ("add", {"word": "\u0301" * 1001}, "1,001 characters"),
        ("add", {"word": "x", "near": "|".join(["y"] * 101)}, "101 context words; at most 100"),
        ("add", {"word": "x", "unless": "y" * 300}, "300 letters"),
        ("add", {"word": "x", "tags": "y" * 2000}, "2,000 characters"),
        ("add", {"word": "x", "severity": "fatal"}, "severity 'fatal'"),
        ("add", {"word": "x", "until": UNTIL}, "'until' is no field"),
        ("add", {"word": "abc", "flags": "pinyin"}, "has no pinyin"),
        ("remove", {"word": "x", "until": "soon"}, "until 'soon' must be a date"),
        ("remove", {"word": "x", "severity": "log"}, "'remove' has no 'severity'"),
        ("severity", {"word": "x"}, "severity '' must be"),
        ("restore", {"word": "x", "scope": "all"}, "scope 'all' must be"),
        ("restore", {"word": ""}, "neither letter nor digit"),
    ],
)
def test_what_makes_no_sense(action: str, fields: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Edit(1, AT, "Ann", "", action, fields).check()


def test_many_readings_of_a_long_word_are_not_all_made(words: WordList) -> None:
    edited = words.edited([edit(1, "add", "行长重乐" * 40, flags="pinyin")])
    assert len(edited.automaton) < 1000


VOCABULARY = ("赌博", "casino", "lottery", "free money")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "remove", "severity", "restore"]),
            st.sampled_from(VOCABULARY),
            st.sampled_from(["", "platform", "tenant:Shop"]),
        ),
        max_size=12,
    ),
    st.integers(0, 12),
)
def test_one_by_one_is_the_same_as_all_at_once(steps: list[tuple[str, str, str]], cut: int) -> None:
    """By difference in any order of changes, the words are what a build from nothing would give."""
    base = [Entry(word, Severity.REJECT, file="a", line=n) for n, word in enumerate(VOCABULARY[:2], 1)]
    edits = []
    for number, (action, word, scope) in enumerate(steps, 1):
        fields = {"severity": "warn"} if action in ("add", "severity") else {}
        edits.append(edit(number, action, word, **fields, **({"scope": scope} if scope else {})))
    one_by_one = WordList.of(base)
    for index, one in enumerate(edits):
        if index == cut:  # a reload takes a row away, and brings it back
            rows = [one_by_one.kinds.row(base[0])]
            one_by_one = one_by_one.changed([], rows).changed(rows, [])
        one_by_one = one_by_one.edited([one])
    at_once = WordList.of(base).edited(edits)
    assert set(one_by_one.entries()) == set(at_once.entries())
    text = " ".join(VOCABULARY)
    for tenant in ("", "Shop"):
        assert set(one_by_one.scan(text, tenant)) == set(at_once.scan(text, tenant))
