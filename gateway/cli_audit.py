"""Commands about the record of what people have done: gateway audit list, verify."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gateway.cli_common import (
    DEFAULT_CONFIG,
    FAILED,
    AsJson,
    Config,
    Purpose,
    Unmask,
    end,
    node_of,
    say,
    unmasked,
)

audit = typer.Typer(help="The record of what people have done with the gateway.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.add_typer(audit, name="audit")


@audit.command("list")
def list_records(
    limit: Annotated[int, typer.Option(help="How many, the youngest first.", min=1)] = 50,
    act: Annotated[str | None, typer.Option(help="Of this act alone: unmask, suppress, reload, …")] = None,
    unmask: Unmask = False,
    purpose: Purpose = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Who did what, when and why, the youngest first."""
    from gateway.audits import listed, tell_records

    whole = unmasked(config, unmask, purpose, "the audit records")
    found = listed(node_of(config), config, limit, act, whole)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        tell_records(found)


@audit.command()
def verify(
    head: Annotated[str, typer.Option(help="The head that an earlier verify told.")] = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Check the chain of the records, and the attested messages by it; tells the head of the chain, which to
    keep elsewhere shows a cut end later.
    """
    from gateway.audits import verified

    found = verified(node_of(config), config, head)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        print(f"{found['records']} records, head {found['head']}")
        print(f"{found['attested']} messages compared, in {found['blocks']} blocks")
    for flaw in found["flaws"]:
        say(f"record {flaw['position']}: {flaw['message']}")
    for wrong in found["wrong"]:
        say(f"{wrong['table']} {wrong['key']}: {wrong['what']}")
    if found["flaws"] or found["wrong"]:
        end(FAILED)
