"""Logs: lines for people or JSON, numbers masked wherever they come from."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import Logger, LogLevel, PredicateResult
from twisted.python.failure import Failure

from gateway.logs import Bridge, Observer, at_least, levels, masked

NUMBER = "8619912340001"


def written(style: str, format: str, level: Any = LogLevel.info, **fields: Any) -> str:
    """What one event becomes."""
    stream = io.StringIO()
    observer: Any = Observer(style, stream)
    logger = Logger(namespace="gateway.test", observer=observer)
    logger.emit(level, format, **fields)
    return stream.getvalue()


def failed(text: str) -> Failure:
    try:
        raise ValueError(text)
    except ValueError:
        return Failure()


@pytest.mark.parametrize(
    ("number", "shown"),
    [(NUMBER, "861****0001"), ("+" + NUMBER, "861****0001"), ("12345678", "123****5678"), ("10086", "****")],
)
def test_a_number_is_masked(number: str, shown: str) -> None:
    assert masked(number) == shown


@given(st.from_regex(r"\+?[0-9]{0,20}", fullmatch=True))
def test_no_number_can_be_read_back(number: str) -> None:
    shown = masked(number)
    assert "****" in shown
    assert sum(map(str.isdigit, shown)) <= 7
    assert len(number.lstrip("+")) < 8 or number.lstrip("+") not in shown


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize("name", ["number", "source", "destination", "handset", "reason", "error"])
def test_numbers_are_masked_in_every_field(style: str, name: str) -> None:
    line = written(style, f"it was {{{name}}}", **{name: NUMBER})
    assert NUMBER not in line
    assert "861****0001" in line


@pytest.mark.parametrize("style", ["text", "json"])
def test_numbers_are_masked_in_texts_and_failures(style: str) -> None:
    assert NUMBER not in written(style, f"to {NUMBER}, or +{NUMBER}.")
    assert NUMBER not in written(style, "it failed: {error}", error=f"no route to {NUMBER}")
    assert NUMBER not in written(style, "it failed", log_failure=failed(f"no route to {NUMBER}"))
    assert NUMBER not in written(style, "it failed: {error}", error=ValueError(NUMBER))


@pytest.mark.parametrize("style", ["text", "json"])
def test_ids_dates_and_addresses_can_be_read(style: str) -> None:
    line = written(
        style,
        "message {id} at {endpoint}, 2026-11-22 04:00:00, took {seconds} s",
        id="0000000017",
        endpoint="tcp:127.0.0.1:2775",
        seconds=0.123456789,
    )
    for text in ("0000000017", "tcp:127.0.0.1:2775", "2026-11-22", "0.123456789"):
        assert text in line


def test_a_line_for_people() -> None:
    line = written("text", "carrier {name}: bound", LogLevel.warn, name="alpha")
    assert line.endswith(" warn     carrier alpha: bound\n")
    assert len(line.split(" ")[0]) == len("2026-11-22")


def test_a_failure_shows_where_it_came_from() -> None:
    line = written("text", "it failed", LogLevel.critical, log_failure=failed("why"))
    assert "ValueError: why" in line
    assert "test_logs.py" in line


def test_json_is_one_object_a_line() -> None:
    line = written("json", "two\nlines of {name}", LogLevel.error, name="读", count=3, other=object())
    assert line.count("\n") == 1
    document = json.loads(line)
    assert document.pop("time") > 0
    assert document == {
        "level": "error",
        "from": "gateway.test",
        "message": "two\nlines of 读",
        "name": "读",
        "count": 3,
    }


def test_json_tells_the_traceback() -> None:
    document = json.loads(written("json", "it failed", log_failure=failed("why")))
    assert "ValueError: why" in document["traceback"]


def test_events_that_cannot_be_formatted_are_written_all_the_same() -> None:
    assert "nothing" in written("text", "{nothing} here")
    assert json.loads(written("json", "{nothing} here"))["message"]


@pytest.mark.parametrize("level", ["WARNING", "ERROR", "CRITICAL"])
def test_the_standard_librarys_logging_goes_the_same_way(level: str) -> None:
    stream = io.StringIO()
    logger = logging.Logger("library")
    logger.addHandler(Bridge(Observer("json", stream)))
    logger.log(logging.getLevelName(level), "from %s", NUMBER)
    document = json.loads(stream.getvalue())
    assert document["message"] == "from 861****0001"
    assert document["level"] == {"WARNING": "warn"}.get(level, level.lower())
    assert document["from"] == "library"


def test_the_level_changes_while_it_runs() -> None:
    def passes(level: Any, namespace: str = "gateway.test") -> bool:
        event = {"log_level": level, "log_namespace": namespace}
        return levels(event) is not PredicateResult.no

    before = levels.logLevelForNamespace("")
    try:
        at_least("debug")
        assert passes(LogLevel.debug)
        assert not passes(LogLevel.info, "twisted.internet")
        at_least("error")
        assert not passes(LogLevel.warn)
        assert passes(LogLevel.error)
        assert not passes(LogLevel.warn, "twisted.internet")
    finally:
        at_least(before.name)
