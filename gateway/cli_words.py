"""Commands about sensitive words: gateway words. What edits asks the running node; the others read lists and
store.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from gateway.cli_common import DEFAULT_CONFIG, FAILED, USAGE, AsJson, Config, ask_node, end, node_of, say

if TYPE_CHECKING:
    from gateway.filters.wordimport import Imported

TOLD = 20  # rows left out told one by one; all of them are in --report

words = typer.Typer(help="Sensitive words: see, test and edit them, bring lists in.", no_args_is_help=True)

Words = Annotated[list[str], typer.Argument(help="Words or phrases.")]
Scope = Annotated[str, typer.Option(help="platform, tenant:NAME or category:NAME; empty: all of them.")]
Until = Annotated[str, typer.Option(help="Until when: 2027-01-31, 2027-01-31T12:00Z; empty: for good.")]
By = Annotated[str | None, typer.Option(help="Who does it; else the user of this machine.")]
Why = Annotated[str, typer.Option(help="Why; it is kept with the edit.")]
Tenant = Annotated[str, typer.Option(help="As for a text of this tenant.")]
Category = Annotated[str, typer.Option(help="As for a text of this category.")]


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.add_typer(words, name="words")


@words.command("list")
def list_words(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """The lists, how many entries of which severity each has, and the edits in force."""
    from gateway.filters.entries import Severity
    from gateway.wordbook import lists, tell

    found = _read(lambda: lists(config))
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        severities = [one.name.lower() for one in Severity]
        tell(found, ("list", "entries", *severities, "removed", "severity"))


@words.command()
def show(
    word: Annotated[str, typer.Argument(help="A word or phrase, however it is written.")],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Every entry with a word: where it is written, what it says, what edits made of it."""
    from gateway.wordbook import COLUMNS, tell
    from gateway.wordbook import show as shown

    found = _read(lambda: shown(config, word, time.time()))
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    elif found:
        tell(found, (*COLUMNS, "place", "in_force", "edit", "again"))
    else:
        end(FAILED, f"no entry has the word '{word}'")


@words.command()
def add(
    texts: Words,
    severity: Annotated[str, typer.Option(help="reject, hold, warn, log, allow.")] = "log",
    language: Annotated[str, typer.Option(help="For reports: zh, en, …")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="What it is about; several times.")] = None,
    scope: Annotated[str, typer.Option(help="platform, tenant:NAME or category:NAME.")] = "",
    near: Annotated[list[str] | None, typer.Option(help="One of these must stand near.")] = None,
    unless: Annotated[list[str] | None, typer.Option(help="None of these may stand near.")] = None,
    flag: Annotated[list[str] | None, typer.Option(help="evade, pinyin, split.")] = None,
    expires: Annotated[str, typer.Option(help="From when it counts no more: 2027-01-31.")] = "",
    source: Annotated[str, typer.Option(help="Where it came from.")] = "",
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Only count them: gateway rules --shadow.")
    ] = False,
    by: By = None,
    why: Why = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Add entries; in force when this returns. `--severity allow` adds phrases in which nothing is hit."""
    lists = {"tags": tag, "near": near, "unless": unless, "flags": flag}
    fields = {name: "|".join(values or ()) for name, values in lists.items()}
    fields |= {"severity": severity, "language": language, "scope": scope}
    fields |= {"expires": expires, "source": source, "mode": "shadow" if shadow else ""}
    _edit(config, texts, {"action": "add", **fields}, by, why, as_json)


@words.command()
def remove(
    texts: Words,
    scope: Scope = "",
    until: Until = "",
    by: By = None,
    why: Why = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Take words out, also those that a file has: for good, or until a time."""
    _edit(config, texts, {"action": "remove", "scope": scope, "until": until}, by, why, as_json)


@words.command()
def severity(
    texts: Words,
    to: Annotated[str, typer.Option(help="reject, hold, warn, log, allow.")],
    scope: Scope = "",
    until: Until = "",
    mode: Annotated[str, typer.Option(help="shadow: only count them; enforce: no longer only.")] = "",
    by: By = None,
    why: Why = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Give words another severity, also those that a file has: for good, or until a time."""
    asked = {"action": "severity", "severity": to, "scope": scope, "until": until, "mode": mode}
    _edit(config, texts, asked, by, why, as_json)


@words.command()
def restore(
    texts: Words,
    scope: Scope = "",
    by: By = None,
    why: Why = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Undo what `remove` and `severity` did to words: what lists and `add` say of them is in force again."""
    _edit(config, texts, {"action": "restore", "scope": scope}, by, why, as_json)


def _edit(
    config: Path, texts: list[str], asked: dict[str, str], by: str | None, why: str, as_json: bool
) -> None:
    edits = [{**asked, "word": text} for text in texts]
    document = {"edits": edits, "by": by or "", "why": why}
    code, answer = ask_node(config, "POST", "words/edit", document)
    if code != 200:
        end(FAILED, str(answer.get("problem", answer)))
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
    for index, reason in answer["refused"]:
        say(f"{texts[index]}: {reason}")
    numbers = ", ".join(map(str, answer["done"]))
    say(f"in force: edit {numbers}" if numbers else "nothing was done")
    raise typer.Exit(FAILED if answer["refused"] else 0)


@words.command("test")
def scan(
    text: Annotated[str, typer.Argument(help="A text.")],
    tenant: Tenant = "",
    category: Category = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """What a text hits: by the running gateway, else by lists and store. Ends with 1 if it hits nothing."""
    from gateway.wordbook import hits, tell

    found = _read(lambda: hits(node_of(config), config, text, tenant, category, time.time()))
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    elif found["hits"]:
        told = [
            {**hit, "span": f"{hit['start']}-{hit['end']}", "tags": " ".join(hit["tags"])}
            for hit in found["hits"]
        ]
        columns = "severity mode word characters span view beside scope tags place edit"
        tell(told, columns.split())
    else:
        say("nothing is hit")
    raise typer.Exit(0 if found["hits"] else FAILED)


@words.command("import")
def import_words(
    file: Annotated[Path, typer.Argument(help="A list: txt, csv or YAML.", exists=True, dir_okay=False)],
    name: Annotated[str, typer.Option("--as", help="Its name; it becomes words/NAME.txt.")],
    language: Annotated[str, typer.Option(help="For reports: zh, en, …")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="What it is about; several times.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Over a list of this name.")] = False,
    report: Annotated[Path | None, typer.Option(help="Where all that was left out is written.")] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Bring a public list in as one that only logs, and say what was left out and why."""
    from gateway.cli_common import existing
    from gateway.filters.wordimport import import_list

    folder = existing(config) / "words"
    target = folder / f"{name}.txt"
    if Path(name).name != name:
        end(USAGE, f"{name}: a name is a single word")
    if target.exists() and not replace:
        end(USAGE, f"{target}: is there already; --replace writes over it")
    try:
        folder.mkdir(exist_ok=True)
        imported = import_list(file, target, name, language, tag or ())
    except (OSError, ValueError) as error:
        end(USAGE, f"{file}: {error}")
    _tell_import(file, imported, report)
    say(f"{target}: {imported.kept} words, log only")
    say(f"name words/{target.name} under words: files: in filters.yaml, then gateway reload")


def _tell_import(file: Path, imported: Imported, report: Path | None) -> None:
    refused = [one for one in imported.left_out if one.kind != "double"]
    for one in refused[:TOLD]:
        say(f"{file}:{one.line}: {one.word[:60]!r} {one.why}")
    if len(refused) > TOLD:
        say(f"and {len(refused) - TOLD} more; --report FILE has them all")
    kinds = [one.kind for one in imported.left_out]
    say(", ".join(f"{kinds.count(kind)} {kind}" for kind in ("double", "short", "long", "empty")))
    if report is not None:
        with report.open("w", encoding="utf-8", newline="") as written:
            writer = csv.writer(written)
            writer.writerow(("line", "word", "kind", "why"))
            writer.writerows(imported.left_out)


@words.command("export")
def export_words(
    name: Annotated[str, typer.Option("--list", help="Of this list alone; `edit`: what edits added.")] = "",
    severity: Annotated[str, typer.Option(help="Of this severity alone.")] = "",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write the entries in force to standard output, as a CSV file that is itself a list."""
    from gateway.wordbook import COLUMNS, exported

    entries = _read(lambda: list(exported(config, name, severity, time.time())))
    writer = csv.DictWriter(sys.stdout, COLUMNS, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(entries)


@words.command()
def history(
    word: Annotated[str, typer.Argument(help="Edits of this word alone.")] = "",
    limit: Annotated[int, typer.Option(help="How many, the youngest first.", min=1)] = 50,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Who edited what, when and why; nothing of it is ever lost."""
    from gateway.wordbook import history as edits
    from gateway.wordbook import tell

    found = _read(lambda: edits(node_of(config), config, word, limit))
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    elif found:
        tell(found, ("edit", "at", "by", "action", "word", "fields", "why"))
    else:
        say("nothing was edited")


def _read(work: Any) -> Any:
    from gateway.settings.problems import SettingsError
    from gateway.stored import Unreadable

    try:
        return work()
    except SettingsError as error:
        _refused("\n".join(map(str, error.problems)))
    except Unreadable as error:
        end(FAILED, str(error))
    except ValueError as error:
        _refused(str(error))


def _refused(why: str) -> NoReturn:
    end(USAGE, why)
