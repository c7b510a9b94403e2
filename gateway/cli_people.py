"""Commands about people: gateway consent, suppress, case, vet. What writes asks the running node."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli_common import DEFAULT_CONFIG, FAILED, USAGE, AsJson, Config, ask_node, end, node_of, say

CHUNK = 1000
TOLD = 20  # refused rows told one by one; all of them are in --report

consent = typer.Typer(help="What people have agreed to and taken back.", no_args_is_help=True)
suppress = typer.Typer(help="Numbers that must not be written to.", no_args_is_help=True)
case = typer.Typer(help="Replies that somebody has to see to.", no_args_is_help=True)

Tenant = Annotated[str, typer.Option("--tenant", help="The tenant, as accounts.yaml names it.")]
Program = Annotated[str, typer.Option(help="The program; empty: all of the tenant's.")]
Category = Annotated[str, typer.Option(help="The category; empty: all of them.")]
File = Annotated[Path, typer.Argument(help="The file.", exists=True, dir_okay=False)]
ListType = Annotated[str, typer.Option("--type", help="legal_order, regulator_complaint, carrier_dnd, …")]


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.add_typer(consent, name="consent")
    app.add_typer(suppress, name="suppress")
    app.add_typer(case, name="case")
    app.command()(vet)


# consents


@consent.command("import")
def import_consents(
    file: File,
    tenant: Tenant,
    program: Program = "",
    category: Category = "promotional",
    basis: Annotated[str, typer.Option(help="express, express_written, soft_opt_in, …")] = "",
    evidence: Annotated[str, typer.Option(help="The proof, for rows that name none.")] = "",
    report: Annotated[Path | None, typer.Option(help="Where refused rows are written.")] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Record consents from a CSV file: a heading with `number` and any of kind, program, category, basis,
    method, occurred_at, expires_at, evidence, locale, policy_version. Dates as 2026-03-01T12:00:00Z.
    """
    usual = {"program": program, "category": category, "basis": basis, "evidence": evidence}

    def send(rows: list[dict[str, Any]]) -> dict[str, Any]:
        return _post(config, "people/consents", {"tenant": tenant, "events": rows})

    done, refused = _import(file, _events(file, usual), send, "recorded", report)
    say(f"{done} events recorded, {refused} rows refused")
    raise typer.Exit(FAILED if refused else 0)


def _events(file: Path, usual: dict[str, str]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """The rows of a CSV file as events, or what is wrong with them, each with its line."""
    from gateway.filters.listfiles import instant

    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        if "number" not in (reader.fieldnames or ()):
            end(USAGE, f"{file}:1: the first line must name the columns, `number` among them")
        for row in reader:
            found: dict[str, Any] = {
                **usual,
                **{name: value for name, value in row.items() if name and value},
            }
            try:
                for name in ("occurred_at", "expires_at"):
                    if name in found:
                        found[name] = instant(found[name])
            except ValueError as error:
                yield reader.line_num, str(error)
                continue
            yield reader.line_num, found


def _import(
    file: Path,
    rows: Iterator[tuple[int, Any]],
    send: Any,
    counted: str,
    report: Path | None,
) -> tuple[int, int]:
    """Send rows in chunks with a progress bar: how many were done, and how many refused."""
    from rich.console import Console
    from rich.progress import Progress

    done, refused = 0, []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(file.name, total=_lines(file))
        while some := list(islice(rows, CHUNK)):
            good = [(line, row) for line, row in some if not isinstance(row, str)]
            refused += [(line, row) for line, row in some if isinstance(row, str)]
            if good:
                answer = send([row for _, row in good])
                done += int(answer[counted])
                refused += [(good[index][0], why) for index, why in answer["refused"]]
            progress.advance(task, len(some))
    for line, why in sorted(refused)[:TOLD]:
        say(f"{file}:{line}: {why}")
    if len(refused) > TOLD:
        say(f"and {len(refused) - TOLD} more" + (f": see {report}" if report else "; --report FILE has them"))
    if report is not None:
        report.write_text("".join(f"{line},{why}\n" for line, why in sorted(refused)), "utf-8")
    return done, len(refused)


def _lines(file: Path) -> int:
    with file.open("rb") as octets:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: octets.read(1 << 20), b""))


def _post(config: Path, path: str, document: dict[str, Any]) -> dict[str, Any]:
    """Have the node do something; ends if it will not."""
    code, answer = ask_node(config, "POST", path, document)
    if code != 200:
        end(FAILED, str(answer.get("problem", answer)))
    return answer


@consent.command("request")
def request_consents(
    numbers: Annotated[list[str], typer.Argument(help="Numbers, with their country codes.")],
    tenant: Tenant,
    program: Annotated[str, typer.Option(help="The program that asks, as people.yaml names it.")],
    method: Annotated[str, typer.Option(help="How they came to be asked: web, keyword, paper, api.")] = "api",
    evidence: Annotated[str, typer.Option(help="What proves that they wished to be asked.")] = "",
    language: Annotated[str, typer.Option(help="In which language; empty: that of their country.")] = "",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Ask people by text, once, for their consent to a program; silence expires. Nobody is asked who has
    agreed, was asked before, has opted out, or is on a list.
    """
    asked = {"tenant": tenant, "program": program, "numbers": numbers, "method": method}
    _told(
        numbers,
        _post(config, "people/request", {**asked, "evidence": evidence, "language": language}),
        "asked",
    )


@consent.command("show")
def show_consents(
    number: Annotated[str, typer.Argument(help="The number, with its country code.")],
    tenant: Annotated[str | None, typer.Option("--tenant", help="Of this tenant alone.")] = None,
    at: Annotated[str, typer.Option("--at", help="As was known then: 2026-03-03T12:00:00Z.")] = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """What the ledgers say of a person, and where that leaves each program: now, or as of a past moment."""
    from gateway.peoples import show, tell_consents

    found = show(node_of(config), config, number.lstrip("+"), tenant, at)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        tell_consents(found)


@consent.command("export")
def export_consents(
    tenant: Annotated[str | None, typer.Option("--tenant", help="Of this tenant alone.")] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write all ledgers to standard output, one JSON object a line, in order, with the chain."""
    from gateway.peoples import export

    for line in export(node_of(config), config, tenant):
        print(json.dumps(line, ensure_ascii=False))


@consent.command("verify")
def verify_consents(
    head: Annotated[
        list[str] | None, typer.Option("--head", help="TENANT=HASH as an earlier verify told it.")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Check the chains of all ledgers; tells their heads, which to keep elsewhere shows a cut end later."""
    from gateway.peoples import verify

    kept = dict(each.rpartition("=")[::2] for each in head or ())
    found = verify(node_of(config), config, kept)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    flaws = 0
    for name, ledger in found.items():
        flaws += len(ledger["flaws"])
        if not as_json:
            print(f"{name}: {ledger['lines']} lines, head {name}={ledger['head']}")
        for flaw in ledger["flaws"]:
            say(f"{name}: line {flaw['position']}: {flaw['message']}")
    raise typer.Exit(FAILED if flaws else 0)


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
    _told(numbers, _post(config, "people/suppress", asked))


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
    _told(numbers, _post(config, "people/lift", asked))


def _told(numbers: list[str], answer: dict[str, Any], what: str = "done") -> None:
    for index, why in answer["refused"]:
        say(f"{numbers[index]}: {why}")
    say(f"{answer['done']} {what}")
    raise typer.Exit(FAILED if answer["refused"] else 0)


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
        return _post(config, "people/suppress", {**place, "numbers": [row for (row,) in rows]})

    done, refused = _import(file, _numbers(file), send, "done", report)
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

    found = _post(config, "people/lists", {})["lists"]
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
    found = _post(config, "people/refresh", {"name": name, "accept_shrink": accept_shrink})["lists"]
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
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Replies that somebody has to see to, the most urgent first."""
    from gateway.peoples import cases, tell_cases

    found = cases(node_of(config), config, open_only=not everything)
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
    _post(config, "people/close", {"id": number, "by": by, "note": note})
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
    totals: dict[str, int] = {}
    writer = csv.writer(sys.stdout)
    for verdict in verdicts:
        if as_json:
            print(json.dumps(verdict._asdict(), ensure_ascii=False))
        else:
            writer.writerow(verdict)
        what = " ".join(filter(None, (verdict.verdict, verdict.reason, verdict.rule)))
        totals[what] = totals.get(what, 0) + 1
    return totals
