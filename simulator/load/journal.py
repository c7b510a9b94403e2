"""The journal of a run: a JSON line for each message that got ESME_ROK, each receipt, each loss of a line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TextIO


class Journal:
    """Lines leave for the operating system with `flush`, which comes before the answers to what they tell.

    So whatever the gateway may count on having been seen is in the file, though this process be killed.
    """

    def __init__(self, path: Path, wall: Callable[[], float]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a", encoding="utf-8", buffering=1 << 20)
        self._wall = wall

    def accepted(self, link: int, message_id: str, to: str) -> None:
        self._file.write(
            f'{{"t":{self._wall():.6f},"event":"accepted","link":{link},'
            f'"id":{json.dumps(message_id)},"to":{json.dumps(to)}}}\n'
        )

    def receipt(self, link: int, message_id: str, about: str, stat: str, final: bool) -> None:
        self._file.write(
            f'{{"t":{self._wall():.6f},"event":"{"receipt" if final else "intermediate"}","link":{link},'
            f'"id":{json.dumps(message_id)},"to":{json.dumps(about)},"stat":{json.dumps(stat)}}}\n'
        )

    def event(self, event: str, link: int, **details: object) -> None:
        line = {"t": self._wall(), "event": event, "link": link} | details
        self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()
