"""The YAML reader: core schema scalars, positions, and faults that hide nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.yaml import Mark, parse, plain_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("off", "off"),
        ("21:30", "21:30"),
        ("2026-11-22", "2026-11-22"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("<<", "<<"),
        ("=", "="),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("NULL", None),
        ("0123", 123),
        ("-7", -7),
        ("0o17", 15),
        ("0xff", 255),
        ("1.", 1.0),
        ("-.5e1", -5.0),
        ("1e3", 1000.0),
        ("-.inf", float("-inf")),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_core_schema(text: str, value: object) -> None:
    found = plain_scalar(text)
    assert found == value
    assert isinstance(found, bool) == isinstance(value, bool)


def test_nan_is_a_float() -> None:
    found = plain_scalar(".NaN")
    assert found != found


@pytest.mark.parametrize("text", ["+8619912340001", "0123", "3.40", "1e3", "0x1F"])
def test_numbers_remember_how_they_were_written(text: str) -> None:
    assert plain_scalar(text).written == text
    assert parse(f"- {text}").value[0].written == text


def test_quotes_make_text() -> None:
    assert parse("""['1', "true", '~', !!str 12]""").value == ["1", "true", "~", "12"]


def test_keys_are_text() -> None:
    assert parse("1: a\ntrue: b\n~: c\n").value == {"1": "a", "true": "b", "~": "c"}


def test_positions() -> None:
    document = parse("a:\n  - b: [1, 2]\n    c: x\n")
    assert document.values[("a", 0, "b", 1)] == Mark(2, 12)
    assert document.keys[("a", 0, "c")] == Mark(3, 5)
    assert document.mark(("a", 0, "c")) == Mark(3, 5)
    assert document.mark(("a", 0, "z", 3)) == Mark(2, 5)
    assert document.mark(("q",)) == Mark(1, 1)


def test_every_fault_is_told() -> None:
    document = parse("a: !x 1\nb: 1\nb: 2\n? [c]\n: 3\n")
    assert [(fault.mark.line, fault.path) for fault in document.faults] == [(1, ("a",)), (3, ("b",)), (4, ())]
    assert document.value == {"a": None, "b": 1}


def test_what_reveal_refuses_is_a_fault() -> None:
    def reveal(text: str) -> str:
        raise ValueError(f"no {text}")

    document = parse("a: x\nb: 1", reveal)
    assert document.faults == [(Mark(1, 4), ("a",), "no x")]


def test_aliases_are_what_they_name() -> None:
    assert parse("a: &x [1]\nb: *x\n").value == {"a": [1], "b": [1]}


def test_aliases_do_not_explode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.settings.yaml.MOST_VALUES", 1000)
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30))
    document = parse(bomb)
    assert document.faults


printable = st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S", "Zs"))
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(printable, max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(trees)
def test_json_is_yaml(tree: object) -> None:
    document = parse(json.dumps(tree, indent=1, ensure_ascii=False))
    assert document.value == tree
    assert document.faults == []


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.integers(), min_size=1))
def test_a_mark_points_at_its_key_and_value(tree: dict[str, int]) -> None:
    text = json.dumps(tree, indent=2)
    lines = text.splitlines()
    document = parse(text)
    for key, value in tree.items():
        line, column = document.keys[(key,)]
        assert lines[line - 1][column - 1 :].startswith(f'"{key}"')
        line, column = document.values[(key,)]
        assert lines[line - 1][column - 1 :].rstrip(",") == str(value)


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_is_read_or_refused(text: str) -> None:
    document = parse(text)
    assert all(fault.mark.line >= 1 and fault.mark.column >= 1 for fault in document.faults)
