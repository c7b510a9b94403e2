"""Rows for people are whole wherever they go, and stand in columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.columns import print_columns, print_rows


def test_columns(capsys: pytest.CaptureFixture[str]) -> None:
    print_columns(("name", "state", "text"), [("六合彩", "on", "x" * 300), ("tea", None, 7)])
    assert capsys.readouterr().out.splitlines() == [
        "name    state  text",
        f"六合彩  on     {'x' * 300}",
        "tea            7",
    ]


def test_what_would_steer_a_terminal_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"reply": "two\nlines\x1b[2J", "other": 1}], ("reply",))
    assert capsys.readouterr().out == "reply\ntwo lines [2J\n"


def test_nothing_of_no_rows(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([])
    assert capsys.readouterr().out == ""


@given(st.lists(st.tuples(st.text("ab é", max_size=9), st.text("xy", min_size=1, max_size=300))))
def test_every_column_begins_at_one_place(rows: list[tuple[str, str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("builtins.print", lines.append)
        print_columns(("first", "second"), rows)
    at = lines[0].index("second")
    assert [(line[: at - 2].rstrip(), line[at:]) for line in lines[1:]] == [(a.rstrip(), b) for a, b in rows]
