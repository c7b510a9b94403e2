"""The benchmarks keep up with what they measure: all can be imported, and the relay's goes its whole way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=BENCHMARKS, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_of_them_can_be_imported() -> None:
    names = sorted(path.stem for path in BENCHMARKS.glob("*.py"))
    assert "bench_whole_way" in names
    run("-c", f"import {', '.join(names)}")


@pytest.mark.parametrize("script", ["bench_text.py", "bench_codec.py"])
def test_those_that_only_call_functions_find_them(script: str) -> None:
    assert " us " in run(script, "submit_sm_resp" if "codec" in script else "canonical_id")


def test_a_message_goes_its_way_through_the_relay() -> None:
    assert "the whole way" in run("bench_relay.py", "--runs", "1", "--count", "100")
