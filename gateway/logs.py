"""What the node writes to standard error: lines for people, or one JSON object a line.

Numbers are masked and bodies are never written. The parts log through twisted.logger with their fields by
name; a field that holds a person's number is masked here, whoever logs it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import Any, TextIO

from twisted.logger import (
    FilteringLogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    formatEvent,
    globalLogBeginner,
)

from gateway.relay.masking import masked as masked

NUMBERS = frozenset({"number", "source", "destination", "handset"})
ID = "id"  # the field of a message's id
CHATTY = ("log_legacy", "twisted")  # of which only warnings and worse are of use
_LONG_NUMBER = re.compile(r"(?<!\d)(?<!\d\.)\+?\d{9,15}(?!\d)(?!\.\d)")  # not a part of a fraction
_OWN = frozenset({"isError", "traceback"})


def begin(style: str, level: str, stream: TextIO | None = None) -> None:
    """Send every event of at least this level, and those of the standard library's logging, to the stream."""
    stream = stream if stream is not None else sys.stderr
    observer: Any = Observer(style, stream)
    at_least(level)
    filtering: Any = FilteringLogObserver(observer, [levels])
    globalLogBeginner.beginLoggingTo([filtering], discardBuffer=True, redirectStandardIO=False)
    logging.basicConfig(level=logging.WARNING, handlers=[Bridge(observer)], force=True)


def at_least(level: str) -> None:
    """From now on write events of at least this level."""
    least = LogLevel.levelWithName(level)
    levels.setLogLevelForNamespace("", least)
    for namespace in CHATTY:
        levels.setLogLevelForNamespace(namespace, max(least, LogLevel.warn))


levels: Any = LogLevelFilterPredicate()
"""The level in force, for the process."""


class Observer:
    """Writes events to a stream."""

    def __init__(self, style: str, stream: TextIO) -> None:
        self._write = self._json if style == "json" else self._text
        self._stream = stream

    def __call__(self, event: LogEvent) -> None:
        """Write one event; numbers are masked first."""
        self._write({key: _safe(key, value) for key, value in event.items()})

    def _text(self, event: dict[str, Any]) -> None:
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.get("log_time", time.time())))
        level = event.get("log_level", LogLevel.info).name
        line = f"{moment} {level:<8} {_message(event)}"
        failure = event.get("log_failure")
        self._put(f"{line}\n{_without_numbers(failure.getTraceback())}" if failure is not None else line)

    def _json(self, event: dict[str, Any]) -> None:
        document: dict[str, Any] = {
            "time": round(event.get("log_time", time.time()), 3),
            "level": event.get("log_level", LogLevel.info).name,
            "from": event.get("log_namespace", ""),
            "message": _message(event),
        }
        for key, value in event.items():
            if not key.startswith("log_") and key not in _OWN and isinstance(value, str | int | float):
                document[key] = value
        failure = event.get("log_failure")
        if failure is not None:
            document["traceback"] = _without_numbers(failure.getTraceback())
        self._put(json.dumps(document, ensure_ascii=False))

    def _put(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class Bridge(logging.Handler):
    """The standard library's logging, which some libraries use, into the same stream."""

    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self._observer = observer

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on as an event."""
        level = {"WARNING": "warn"}.get(record.levelname, record.levelname.lower())
        self._observer(
            {
                "log_time": record.created,
                "log_level": LogLevel.levelWithName(level),
                "log_namespace": record.name,
                "log_format": "{text}",
                "text": record.getMessage(),
            }
        )


def _safe(key: str, value: Any) -> Any:
    if not isinstance(value, str) or key.startswith("log_") or key == ID:
        return value
    return masked(value) if key in NUMBERS else _without_numbers(value)


def _message(event: dict[str, Any]) -> str:
    """The formatted text, with whatever still looks like a person's number masked; the id of a message may
    look like one.
    """
    return _without_numbers(formatEvent(event), but=str(event.get(ID)))


def _without_numbers(text: str, but: str = "") -> str:
    return _LONG_NUMBER.sub(lambda found: found[0] if found[0] == but else masked(found[0]), text)
