"""Commands that read the records of messages: gateway messages, stats. They need no running node."""

from __future__ import annotations

import csv
import json
import sys
from typing import Annotated

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

Since = Annotated[str, typer.Option("--since", help="Accepted from then on: 2026-03-01T08:00Z, or 1h back.")]
Until = Annotated[str, typer.Option("--until", help="Accepted before then.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="A line of CSV for each on standard output.")]


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.command()(messages)
    app.command()(stats)
    app.command()(rules)


def messages(
    number: Annotated[str, typer.Option(help="To this number, with its country code.")] = "",
    account: Annotated[str | None, typer.Option(help="Of this account.")] = None,
    carrier: Annotated[str | None, typer.Option(help="By this carrier.")] = None,
    category: Annotated[str | None, typer.Option(help="Of this category.")] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="In this state: delivered, held, …, open, final; more than once.")
    ] = None,
    rule: Annotated[
        str, typer.Option(help="Of which a rule said something: a part of its name or place.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Refused for this reason: no_consent, content_blocked, …")] = "",
    since: Since = "24h",
    until: Until = "",
    limit: Annotated[int, typer.Option(help="How many.", min=1)] = 50,
    before: Annotated[int | None, typer.Option(help="Go on below this record.", min=1)] = None,
    unmask: Unmask = False,
    purpose: Purpose = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Search the records of messages, the youngest first; they are told as they are found, as JSON one a
    line. Ends with 1 if there are none.
    """
    from gateway import records
    from gateway.store.spans import Stretch
    from gateway.stored import Unreadable, store_of

    node = node_of(config)
    try:
        stretch = Stretch(
            since=records.moment_of("--since", since),
            until=records.moment_of("--until", until),
            before=before,
            account=account,
            carrier=carrier,
            category=category,
            states=records.stated(state or []),
            error=records.error_of(reason),
        )
    except ValueError as error:
        end(USAGE, str(error))
    asked = records.Search(stretch, rule, reason, number.strip().lstrip("+"))
    whole = unmasked(config, unmask, purpose, "records of messages", asked.number)
    writer = csv.DictWriter(sys.stdout, records.CSV_COLUMNS, lineterminator="\n")
    if as_csv:
        writer.writeheader()
    progress, found = records.Progress(), 0
    try:
        with store_of(node, config) as connection:
            for row in records.search(connection, asked, progress, lambda far: say(f"… {far}")):
                if as_json:
                    print(json.dumps(records.record(row, whole), ensure_ascii=False), flush=True)
                elif as_csv:
                    writer.writerow(records.flat(row, whole))
                else:
                    print(records.line(row, whole), flush=True)
                found += 1
                if found == limit:
                    break
    except Unreadable as error:
        end(FAILED, str(error))
    say(f"{found} found, {progress}" + ("" if progress.whole else f"; more: --before {progress.last_id}"))
    if not found:
        end(FAILED)


def stats(
    by: Annotated[
        str,
        typer.Option(help="account, tenant, program, category, carrier, country, day, hour; with commas."),
    ] = "account",
    since: Since = "24h",
    until: Until = "",
    account: Annotated[str | None, typer.Option(help="Of this account.")] = None,
    carrier: Annotated[str | None, typer.Option(help="By this carrier.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Count messages from their records: accepted, sent, delivered, failed, refused, open; and opt-outs."""
    from gateway import records, tallies
    from gateway.cli_cdr import generation_of
    from gateway.persons import tell_rows
    from gateway.store.spans import Stretch
    from gateway.stored import Unreadable, store_of

    generation = generation_of(config)
    try:
        sorting = tallies.sorting_of(generation, [name.strip() for name in by.split(",") if name.strip()])
        begin, finish = records.moment_of("--since", since), records.moment_of("--until", until)
    except ValueError as error:
        end(USAGE, str(error))
    stretch = Stretch(begin, finish, account=account, carrier=carrier)
    try:
        with store_of(generation.node, config) as connection:
            found = tallies.tally(
                connection, stretch, sorting, lambda looked: say(f"… looked at {looked:,} messages")
            )
    except Unreadable as error:
        end(FAILED, str(error))
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, (*sorting.by, *tallies.COUNTS), lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    else:
        tell_rows(found)


def rules(
    since: Since = "24h",
    until: Until = "",
    account: Annotated[str | None, typer.Option(help="Of this account.")] = None,
    only: Annotated[str, typer.Option("--filter", help="Of this filter: words, quiet, …, or route.")] = "",
    shadow: Annotated[bool, typer.Option("--shadow", help="Only rules that were in shadow.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Count how often each rule and each route acted, and beside it how often it would have, in shadow."""
    from gateway import records
    from gateway import rules as counting
    from gateway.persons import tell_rows
    from gateway.store.spans import Stretch
    from gateway.stored import Unreadable, store_of

    try:
        begin, finish = records.moment_of("--since", since), records.moment_of("--until", until)
    except ValueError as error:
        end(USAGE, str(error))
    try:
        with store_of(node_of(config), config) as connection:
            found = counting.count(
                connection,
                Stretch(begin, finish, account=account),
                config,
                lambda looked: say(f"… looked at {looked:,} messages"),
            )
    except Unreadable as error:
        end(FAILED, str(error))
    found = [line for line in found if only in ("", line["filter"]) and (line["shadow"] or not shadow)]
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    elif as_csv and found:
        writer = csv.DictWriter(sys.stdout, [*found[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    else:
        tell_rows(found)
    if not found:
        end(FAILED, "no rule said anything of these messages")
