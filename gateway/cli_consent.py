"""`gateway consent`: what people have agreed to. What writes asks the running node."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import lru_cache
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
from gateway.cli_importing import Category, File, Program, Tenant, import_rows, post, told

consent = typer.Typer(help="What people have agreed to and taken back.", no_args_is_help=True)


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
        return post(config, "people/consents", {"tenant": tenant, "usual": usual, "events": rows})

    done, refused = import_rows(file, _events(file), send, "recorded", report)
    say(f"{done} events recorded, {refused} rows refused")
    raise typer.Exit(FAILED if refused else 0)


def _events(file: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """The rows of a CSV file as events, or what is wrong with them, each with its line."""
    from gateway.filters.listfiles import instant

    moment = lru_cache(maxsize=4096)(instant)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        names = next(reader, [])
        if "number" not in names:
            end(USAGE, f"{file}:1: the first line must name the columns, `number` among them")
        dated = [name for name in ("occurred_at", "expires_at") if name in names]
        for row in reader:
            found: dict[str, Any] = {name: value for name, value in zip(names, row, strict=False) if value}
            if not row:
                continue
            try:
                for name in dated:
                    if name in found:
                        found[name] = moment(found[name])
            except ValueError as error:
                yield reader.line_num, str(error)
                continue
            yield reader.line_num, found


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
    told(
        numbers,
        post(config, "people/request", {**asked, "evidence": evidence, "language": language}),
        "asked",
    )


@consent.command("show")
def show_consents(
    number: Annotated[str, typer.Argument(help="The number, with its country code.")],
    tenant: Annotated[str | None, typer.Option("--tenant", help="Of this tenant alone.")] = None,
    at: Annotated[str, typer.Option("--at", help="As was known then: 2026-03-03T12:00:00Z.")] = "",
    account: Annotated[str, typer.Option("--as", help="Could this account write? Empty: each tenant.")] = "",
    program: Program = "",
    category: Annotated[str, typer.Option(help="Of its texts; empty: the account's, or promotional.")] = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Could we write to this person, and why? What the ledgers and the lists say, and what follows from that
    by the rules: now, or as of a past moment.
    """
    from gateway.past import Asked
    from gateway.peoples import show, tell_consents

    asked = Asked(account, tenant or "", program, category)
    found = show(node_of(config), config, number.lstrip("+"), at, asked)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        tell_consents(found)


@consent.command("export")
def export_consents(
    tenant: Annotated[str | None, typer.Option("--tenant", help="Of this tenant alone.")] = None,
    unmask: Unmask = False,
    purpose: Purpose = "",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write all ledgers to standard output, one JSON object a line, in order, with the chain."""
    from gateway.peoples import export

    whole = unmasked(config, unmask, purpose, "the ledgers of consent")
    for line in export(node_of(config), config, tenant, whole):
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
