"""Turns of the interpreter are brief while a thread works beside the traffic, and as usual after it; what
fails there leaves nothing to the garbage collector.
"""

from __future__ import annotations

import gc
import sys
from weakref import ref

import pytest
import pytest_twisted

from gateway.interpreter import BRIEF, USUAL, beside_traffic, brief_turns
from gateway.settings.prefixes import Prefixes
from gateway.settings.problems import Problem, SettingsError


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


@pytest_twisted.ensureDeferred
async def test_what_was_made_goes_when_the_work_has_failed() -> None:
    made: list[ref[Prefixes[str]]] = []

    def work() -> None:
        table = Prefixes({"44": "drama"})
        made.append(ref(table))
        raise SettingsError([Problem("regions.csv", 1, 1, "", "is no table")])

    gc.disable()
    try:
        with pytest.raises(SettingsError, match="is no table"):
            await beside_traffic(work)
        assert made[0]() is None
    finally:
        gc.enable()
