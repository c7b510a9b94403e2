"""Commands about people: gateway suppress, case, vet. What writes asks the running node."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli_common import (
    DEFAULT_CONFIG,
    FAILED,
    USAGE,
    AsJson,
    Config,
    Purpose,
    Unmask,
    end,
    node_of,
    say,
    unmasked,
)
from gateway.cli_importing import TOLD, Category, File, Program, Tenant, import_rows, post, told

suppress = typer.Typer(help="Numbers that must not be written to.", no_args_is_help=True)
case = typer.Typer(help="Replies that somebody has to see to.", no_args_is_help=True)

ListType = Annotated[str, typer.Option("--type", help="legal_order, regulator_complaint, carrier_dnd, …")]


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.add_typer(suppress, name="suppress")
    app.add_typer(case, name="case")
    app.command()(vet)


# lists


def _place(
    kind: str, tenant: str, program: str, category: str, until: str = "", evidence: str = ""
) -> dict[str, Any]:
    from gateway.filters.listfiles import instant

    try:
        moment = instant(until)
    except ValueError as error:
        end(USAGE, str(error))
    scope = {"tenant": tenant, "program": program, "category": category}
    return {"type": kind, **scope, "until": moment, "evidence": evidence}


@suppress.command("add")
def add_numbers(
    numbers: Annotated[list[str], typer.Argument(help="Numbers, or prefixes as 86170*.")],
    kind: ListType = "tenant_optout",
    tenant: Tenant = "",
    program: Program = "",
    category: Category = "",
    until: Annotated[str, typer.Option(help="Until when; empty: for good.")] = "",
    evidence: Annotated[str, typer.Option(help="What proves it.")] = "",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Put numbers on a list; seen by the next message."""
    asked = {**_place(kind, tenant, program, category, until, evidence), "numbers": numbers}
    told(numbers, post(config, "people/suppress", asked))


@suppress.command("remove")
def remove_numbers(
    numbers: Annotated[list[str], typer.Argument(help="Numbers, or prefixes as 86170*.")],
    kind: ListType = "tenant_optout",
    tenant: Tenant = "",
    program: Program = "",
    category: Category = "",
    name: Annotated[
        str, typer.Option(help="Who put them there: commands, replies, carrier:NAME.")
    ] = "commands",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Take numbers off a list."""
    asked = {**_place(kind, tenant, program, category), "name": name, "numbers": numbers}
    told(numbers, post(config, "people/lift", asked))


@suppress.command("import")
def import_numbers(
    file: File,
    kind: ListType = "tenant_optout",
    tenant: Tenant = "",
    program: Program = "",
    category: Category = "",
    evidence: Annotated[str, typer.Option(help="What proves it.")] = "",
    report: Annotated[Path | None, typer.Option(help="Where refused lines are written.")] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Put the numbers of a file on a list, one a line. Very long lists are better named in people.yaml."""
    place = _place(kind, tenant, program, category, "", evidence)

    def send(rows: list[tuple[str]]) -> dict[str, Any]:
        return post(config, "people/suppress", {**place, "numbers": [row for (row,) in rows]})

    done, refused = import_rows(file, _numbers(file), send, "done", report)
    say(f"{done} numbers on the list, {refused} lines refused")
    raise typer.Exit(FAILED if refused else 0)


def _numbers(file: Path) -> Iterator[tuple[int, tuple[str]]]:
    with file.open(encoding="utf-8-sig") as lines:
        for line, text in enumerate(lines, start=1):
            number = text.split(",")[0].strip()
            if number and number[0] != "#" and number.lower() != "number":
                yield line, (number,)


@suppress.command("list")
def list_numbers(
    number: Annotated[str, typer.Argument(help="Entries of this number alone.")] = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """The lists that the store keeps and how long they are, or every entry of one number."""
    from gateway.peoples import lists, tell_lists

    found = lists(node_of(config), config, number.lstrip("+"))
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        tell_lists(found)


@suppress.command("lists")
def list_feeds(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """The lists that people.yaml names, as they are in force: entries, source, age, last error."""
    from gateway.peoples import tell_feeds

    found = post(config, "people/lists", {})["lists"]
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        tell_feeds(found)


@suppress.command("refresh")
def refresh_feed(
    name: Annotated[str, typer.Argument(help="The list, as people.yaml names it.")],
    accept_shrink: Annotated[
        bool, typer.Option("--accept-shrink", help="Take it even if it has lost suspiciously many.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Where refused lines are written.")] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Read a list of people.yaml now, and say what changed."""
    found = post(config, "people/refresh", {"name": name, "accept_shrink": accept_shrink})["lists"]
    for each in found:
        change = f", {each['added']} added, {each['removed']} removed" if "added" in each else ""
        say(f"{name}: {each['outcome']}{change}; {each['entries']} entries in force")
        if each["error"]:
            say(f"{name}: {each['error']}")
        for line, why in each["refused_lines"][:TOLD]:
            say(f"{name}: line {line}: {why}")
    if report is not None:
        lines = [line for each in found for line in each["refused_lines"]]
        report.write_text("".join(f"{line},{why}\n" for line, why in lines), "utf-8")
    raise typer.Exit(FAILED if any(each["error"] for each in found) else 0)


# cases


@case.command("list")
def list_cases(
    everything: Annotated[bool, typer.Option("--all", help="Those that are closed too.")] = False,
    unmask: Unmask = False,
    purpose: Purpose = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Replies that somebody has to see to, the most urgent first."""
    from gateway.peoples import cases, tell_cases

    whole = unmasked(config, unmask, purpose, "the cases")
    found = cases(node_of(config), config, open_only=not everything, whole=whole)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        tell_cases(found)


@case.command("close")
def close_case(
    number: Annotated[int, typer.Argument(help="The number of the case.")],
    note: Annotated[str, typer.Option(help="What was done.")] = "",
    by: Annotated[str, typer.Option(help="Who did it.", envvar="USER")] = "operator",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """A person has seen to it."""
    post(config, "people/close", {"id": number, "by": by, "note": note})
    say(f"case {number} is closed")


# vetting


def vet(
    file: File,
    account: Annotated[str, typer.Option("--as", help="The account (system_id).")],
    text: Annotated[str, typer.Option(help="The text that is to be sent.")],
    source: Annotated[str, typer.Option("--from", help="The source address.")] = "10690001",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Say for each number of a list whether the text would pass, wait or be refused now, and why.

    Nothing is sent or counted. One line for each number on standard output: line, number (masked), verdict,
    reason, rule, until; totals after them.
    """
    from gateway.vetting import CannotVet, Vetting

    try:
        vetting = Vetting(config, os.environ, account, source, text)
    except CannotVet as error:
        end(USAGE, str(error))
    totals = _write(vetting.judge_all(_numbers(file)), as_json)
    for what, count in sorted(totals.items(), key=lambda item: -item[1]):
        say(f"{count:>9}  {what}")


def _write(verdicts: Iterable[Any], as_json: bool) -> dict[str, int]:
    """Each verdict as a line; how many there are of each kind."""
    totals: dict[tuple[str, ...], int] = {}
    write = csv.writer(sys.stdout).writerow
    for verdict in verdicts:
        if as_json:
            print(json.dumps(verdict._asdict(), ensure_ascii=False))
        else:
            write(verdict)
        what = verdict[2:5]  # verdict, reason, rule
        totals[what] = totals.get(what, 0) + 1
    return {" ".join(filter(None, what)): count for what, count in totals.items()}
