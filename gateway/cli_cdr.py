"""Commands about call detail records: gateway cdr export, reconcile. They need no running node."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.cli_common import (
    DEFAULT_CONFIG,
    FAILED,
    USAGE,
    AsJson,
    Config,
    Purpose,
    end,
    existing,
    say,
    unmasked,
)

if TYPE_CHECKING:
    from gateway.settings.models import Generation

cdr = typer.Typer(help="Call detail records: a line for each message.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.add_typer(cdr, name="cdr")


def generation_of(config: Path) -> Generation:
    """The configuration as its files are; ends if it cannot be used."""
    from gateway.settings.load import load
    from gateway.settings.problems import SettingsError

    try:
        return load(existing(config), os.environ)
    except SettingsError as error:
        end(USAGE, str(error))


@cdr.command()
def export(
    to: Annotated[Path, typer.Argument(help="The file to write; it is there when it is whole.")],
    since: Annotated[str, typer.Option(help="Accepted from then on: 2026-03-01, or 24h back.")] = "",
    until: Annotated[str, typer.Option(help="Accepted before then; the last minute always waits.")] = "",
    after: Annotated[int, typer.Option(help="With records above this one: where the last export ended.")] = 0,
    account: Annotated[str | None, typer.Option(help="Of this account.")] = None,
    carrier: Annotated[str | None, typer.Option(help="By this carrier.")] = None,
    form: Annotated[Literal["csv", "parquet"], typer.Option("--format", help="How it is written.")] = "csv",
    number: Annotated[
        Literal["masked", "keyed", "whole"],
        typer.Option(help="How numbers are told: keyed ones can be counted, whole ones want --purpose."),
    ] = "masked",
    purpose: Purpose = "",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write a line for each message that was accepted, each once; an export that was cut off goes on where it
    was when it is asked for again.
    """
    from gateway import cdr as calls
    from gateway.records import moment_of
    from gateway.store.spans import Stretch
    from gateway.stored import Unreadable, store_of

    generation = generation_of(config)
    now = time.time()
    try:
        begin, finish = moment_of("--since", since, now), moment_of("--until", until, now)
    except ValueError as error:
        end(USAGE, str(error))
    if to.exists():
        end(FAILED, f"{to} is there already")
    unmasked(config, number == "whole", purpose, f"export of call detail records to {to.name}")
    settled = calls.last_settled(int(now * 1000), finish)
    stretch = Stretch(begin, settled, after, account=account, carrier=carrier)
    part = calls.part_file(to, since, until, after, account, carrier, form, number)
    done = calls.Exported()
    try:
        with store_of(generation.node, config) as connection:
            writer = calls.writer_of(generation, connection, number)
            write = calls.export_csv if form == "csv" else calls.export_parquet
            write(connection, stretch, writer, to, part, done)
    except Unreadable as error:
        end(FAILED, str(error))
    except ValueError as error:
        end(USAGE, str(error))
    except OSError as error:
        end(FAILED, f"{error.filename or to}: {error.strerror}")
    gone_on = f", {done.resumed} of them by an earlier try" if done.resumed else ""
    say(f"{to}: {done.lines + done.resumed} records{gone_on}; the last is {done.last or after}")
    if done.unfinished:
        say(f"{done.unfinished} have no end yet and stand as they are now: final is 0")


@cdr.command()
def reconcile(
    file: Annotated[Path, typer.Argument(help="The carrier's file, as its `statement` says.")],
    carrier: Annotated[str, typer.Option(help="The carrier.")],
    since: Annotated[str, typer.Option(help="What it took from then on: 2026-03-01.")],
    until: Annotated[str, typer.Option(help="Before then: 2026-03-02.")],
    limit: Annotated[int, typer.Option(help="How many of each kind to list; all are counted.", min=0)] = 20,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Compare what a carrier counts with our records. Ends with 1 if they differ."""
    from gateway import reconcile as both
    from gateway.cdr import writer_of
    from gateway.records import moment_of
    from gateway.settings.scalars import nearest
    from gateway.stored import Unreadable, store_of

    generation = generation_of(config)
    settings = generation.carriers.get(carrier)
    if settings is None:
        end(USAGE, f"--carrier {carrier}: there is no such carrier{nearest(carrier, generation.carriers)}")
    try:
        begin, finish = moment_of("--since", since), moment_of("--until", until)
    except ValueError as error:
        end(USAGE, str(error))
    if begin is None or finish is None or begin >= finish:
        end(USAGE, "--since has to be before --until")
    try:
        with store_of(generation.node, config) as connection:
            writer = writer_of(generation, connection, "masked")
            result = both.reconcile(connection, carrier, settings, file, begin, finish, writer, limit)
    except (Unreadable, both.BadStatement) as error:
        end(USAGE if isinstance(error, both.BadStatement) else FAILED, str(error))
    except OSError as error:
        end(FAILED, f"{file}: {error.strerror}")
    print(json.dumps(result.document(), ensure_ascii=False) if as_json else both.tell(result))
    raise typer.Exit(FAILED if result.differs else 0)
