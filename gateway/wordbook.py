"""What the command line reads of sensitive words: the lists of a configuration, the edits in its store."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.asking import Unreachable, ask
from gateway.columns import print_columns
from gateway.filters.entries import Entry, Flags, Severity
from gateway.filters.fold import view_s
from gateway.filters.sensitive import SensitiveWords
from gateway.filters.words import WordList, told
from gateway.relay.wording import learn_words
from gateway.settings.load import load
from gateway.settings.models import Generation, Node
from gateway.store.words import WordEditRow, last_edits
from gateway.stored import Unreadable, store_of

COLUMNS = (
    "word",
    "severity",
    "language",
    "tags",
    "scope",
    "near",
    "unless",
    "flags",
    "expires",
    "source",
    "mode",
)

Document = dict[str, Any]


def words_of(config: Path) -> tuple[Generation, WordList]:
    """The words that a node of this configuration has in force: its lists, and the edits in its store if
    there is one. Raises SettingsError, and ValueError with what is wrong in the lists.
    """
    generation = load(config, os.environ)
    filter = SensitiveWords.of(generation)
    with suppress(Unreadable), store_of(generation.node, config) as connection:
        learn_words(connection, {filter.name: filter})
    return generation, filter.words


def lists(config: Path) -> list[Document]:
    """Each list and what it has, and last the edits."""
    generation, words = words_of(config)
    found = []
    for one in words.lists:
        severities = Counter(words.kinds[row].severity for row in one.rows)
        found.append(_counted(_short(one.path, generation), severities))
    added = Counter(entry.severity for entry in words.edits.everything_added())
    done = [one for ones in words.edits.overridden.values() for one in ones.values()]
    out = sum(one.severity is None for one in done)
    return [*found, _counted("edits", added) | {"removed": out, "severity": len(done) - out}]


def _counted(name: str, severities: Counter[Severity]) -> Document:
    by_name = {one.name.lower(): severities[one] for one in Severity}
    return {"list": name, "entries": severities.total(), **by_name}


def _short(path: str, generation: Generation) -> str:
    """A path as it is from the configuration."""
    return path.removeprefix(f"{generation.directory}/")


def show(config: Path, word: str, now: float) -> list[Document]:
    """Every entry with a word, as it is written and as it is in force."""
    _, words = words_of(config)
    key = view_s(word)
    found = []
    for row in words.rows_of(key):
        written = words.kinds.entry(row)
        ours = [words.kinds.entry(one) for one in words.edits.rows(key, row, words.kinds)]
        forces = [one for one in ours if _counts(one, now)]
        found.append(
            {
                **fields_of(written),
                "place": written.place,
                "in_force": _in_force(forces[0]) if forces else "no",
                "edit": "; ".join(filter(None, (forces or ours or [written])[0].edit.splitlines())),
                "again": moment(ours[-1].begins) if ours and ours[-1].begins else "",
            }
        )
    return found


def _in_force(entry: Entry) -> str:
    said = entry.severity.name.lower()
    return said if entry.mode == "enforce" else f"{said} ({entry.mode})"


def exported(config: Path, name: str, severity: str, now: float) -> Iterator[Document]:
    """The entries in force now: all of them, or those of the list with this name, or of a severity."""
    generation, words = words_of(config)
    for entry in words.entries():
        if not _counts(entry, now):
            continue
        if name and name not in (_short(entry.file, generation), Path(entry.file).stem):
            continue
        if severity and entry.severity.name.lower() != severity:
            continue
        yield fields_of(entry)


def _counts(entry: Entry, now: float) -> bool:
    return (entry.begins is None or entry.begins <= now) and (entry.expires is None or now < entry.expires)


def fields_of(entry: Entry) -> dict[str, str]:
    """An entry as it may be written in a list."""
    return {
        "word": " ".join(entry.word.split()),
        "severity": entry.severity.name.lower(),
        "language": entry.language,
        "tags": "|".join(entry.tags),
        "scope": entry.scope,
        "near": "|".join(entry.near),
        "unless": "|".join(entry.unless),
        "flags": "|".join(str(flag.name).lower() for flag in Flags if flag and flag in entry.flags),
        "expires": "" if entry.expires is None else moment(entry.expires),
        "source": entry.source,
        "mode": "" if entry.mode == "enforce" else entry.mode,
    }


def hits(node: Node, config: Path, text: str, tenant: str, category: str, now: float) -> Document:
    """What a text hits: by the running node, or by lists and store where none runs. Raises ValueError,
    SettingsError.
    """
    asked = {"text": text, "tenant": tenant, "category": category}
    try:
        code, answer = ask(node, "POST", "words/test", asked)
    except Unreachable:
        _, words = words_of(config)
        found = words.scan(text, tenant, category, now)
        return {"by": f"the files in {config}; no gateway runs", "hits": list(map(told, found))}
    if code != 200:
        raise ValueError(str(answer.get("problem", answer)))
    return {"by": "the running gateway", **answer}


def history(node: Node, config: Path, word: str, limit: int) -> list[Document]:
    """The edits made last, of a word or of all, the youngest first. Raises Unreadable."""
    with store_of(node, config) as connection:
        rows = last_edits(connection, limit, view_s(word) if word else None)
    return list(map(_edit, rows))


def _edit(row: WordEditRow) -> Document:
    fields = json.loads(row.fields)
    return {
        "edit": row.id,
        "at": moment(row.made_at / 1000),
        "by": row.made_by,
        "action": row.action,
        "word": fields.pop("word"),
        "fields": fields,
        "why": row.reason,
    }


def moment(seconds: float) -> str:
    """A unix second for people, and for a list."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def tell(found: Iterable[Document], columns: Iterable[str]) -> None:
    """Rows for people; columns in which nothing stands are left out."""
    rows = [{name: _text(row.get(name, "")) for name in columns} for row in found]
    used = [name for name in columns if any(row[name] for row in rows)]
    print_columns(used, ([row[name] for name in used] for row in rows))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={text}" for name, text in value.items())
    return str(value)
