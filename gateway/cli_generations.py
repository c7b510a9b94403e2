"""What `gateway generations` tells: generations that came into force, their files, what differs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import unified_diff
from pathlib import Path
from typing import Any

from gateway.settings.archive import unpack, write_back
from gateway.settings.load import load
from gateway.settings.models import Node
from gateway.settings.problems import SettingsError
from gateway.store import history
from gateway.store.history import GenerationRow
from gateway.stored import Told, Unreadable, store_of


def listed(node: Node, directory: Path, limit: int) -> Told:
    """The generations, the youngest first. Raises Unreadable."""
    with store_of(node, directory) as connection:
        rows = history.generations(connection, limit)
    lines = [f"{row.number:>6}  {_moment(row.loaded_at)}  {row.digest[:12]}  {row.cause}" for row in rows]
    return Told("\n".join(lines) or "no generation has come into force yet", [_brief(row) for row in rows])


def shown_generation(node: Node, directory: Path, number: int, file: str | None) -> Told:
    """A generation and its files, or the text of one. Raises Unreadable."""
    row, texts = _kept(node, directory, number)
    if file is not None:
        if file not in texts:
            raise Unreadable(f"generation {number} has no file {file}, only {', '.join(texts)}")
        text = texts[file].decode("utf-8", "replace")
        return Told(text.rstrip("\n"), {**_brief(row), "file": file, "text": text})
    lines = [f"generation {row.number}, in force from {_moment(row.loaded_at)} by {row.cause}"]
    lines += [f"  {len(content):>9} octets  {name}" for name, content in texts.items()]
    return Told("\n".join(lines), {**_brief(row), "files": {name: len(c) for name, c in texts.items()}})


def differences(node: Node, directory: Path, one: int, other: int | None) -> Told:
    """What differs between the texts of two generations, or of one and the files. Raises Unreadable."""
    before = _kept(node, directory, one)[1]
    after = _files(directory, before) if other is None else _kept(node, directory, other)[1]
    name_of_other = str(directory) if other is None else str(other)
    lines: list[str] = []
    files = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    for name in files:
        lines += unified_diff(
            _lines(before, name), _lines(after, name), f"{one}/{name}", f"{name_of_other}/{name}", lineterm=""
        )
    text = "\n".join(lines) if files else "no difference"
    return Told(text, {"files": files, "diff": lines}, bool(files))


def written_back(node: Node, directory: Path, number: int) -> Told:
    """Write the texts of a generation over the files. Raises Unreadable, OSError."""
    changed = write_back(_kept(node, directory, number)[1], directory)
    text = f"written back to {directory}: {', '.join(changed) or 'nothing, the files are the same'}"
    if changed:
        text += "; what was there has .before-rollback at the end of its name"
    return Told(text, changed)


def _kept(node: Node, directory: Path, number: int) -> tuple[GenerationRow, dict[str, bytes]]:
    with store_of(node, directory) as connection:
        row = history.get_generation(connection, number)
        if row is None:
            raise Unreadable(f"no generation {number} is kept: see gateway generations list")
        return row, unpack(row.files)


def _files(directory: Path, known: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files as they are now; where they are not valid, those that the generation had."""
    try:
        return dict(load(directory, os.environ).texts)
    except SettingsError:
        paths = {name: directory / name for name in known}
        return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


def _lines(texts: Mapping[str, bytes], name: str) -> list[str]:
    return texts.get(name, b"").decode("utf-8", "replace").splitlines()


def _brief(row: GenerationRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "in_force_from": _moment(row.loaded_at),
        "digest": row.digest,
        "cause": row.cause,
    }


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
