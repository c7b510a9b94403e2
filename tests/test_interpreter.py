"""Turns of the interpreter are brief while a thread works beside the traffic, and as usual after it."""

from __future__ import annotations

import sys

import pytest

from gateway.interpreter import BRIEF, USUAL, brief_turns


def test_brief_while_any_lasts() -> None:
    first, second = brief_turns(), brief_turns()
    with first:
        assert sys.getswitchinterval() == pytest.approx(BRIEF)
        second.__enter__()
    assert sys.getswitchinterval() == pytest.approx(BRIEF)
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == pytest.approx(USUAL)


def test_usual_after_what_fails() -> None:
    with pytest.raises(KeyError), brief_turns():
        raise KeyError
    assert sys.getswitchinterval() == pytest.approx(USUAL)
