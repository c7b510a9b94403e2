"""Commands that protect people: gateway privacy, hold, keys, purge. What writes asks the running node."""

from __future__ import annotations

import json
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
from gateway.cli_importing import post

privacy = typer.Typer(
    help="What is known of a person, and what that person may ask for.", no_args_is_help=True
)
hold = typer.Typer(help="Legal holds: what must be neither purged nor erased.", no_args_is_help=True)
keys = typer.Typer(help="The keys by which the store is encrypted.", no_args_is_help=True)

KEPT = {"held": " (stay: legal hold)", "kept": " (messages that stay longer: retention of their rule pack)"}

Number = Annotated[str, typer.Argument(help="The number, with its country code.")]
Why = Annotated[str, typer.Option("--purpose", help="Why; it is kept in the record of acts.")]
Tenant = Annotated[str, typer.Option("--tenant", help="The tenant, as accounts.yaml names it.")]


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.add_typer(privacy, name="privacy")
    app.add_typer(hold, name="hold")
    app.add_typer(keys, name="keys")
    app.command()(purge)


# people


@privacy.command("show")
def show_person(
    number: Number,
    unmask: Unmask = False,
    purpose: Purpose = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """What is known of a person, counted and listed; numbers are masked and texts left out, unless
    unmasked.
    """
    from gateway.persons import bundle, tell_bundle

    whole = unmasked(config, unmask, purpose, "what is known of a person", number)
    found = bundle(node_of(config), config, number.lstrip("+"), whole=whole)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        tell_bundle(found)


@privacy.command("export")
def export_person(
    number: Number,
    to: Annotated[Path, typer.Option("--to", help="The ZIP file to write.")],
    purpose: Why,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write all that is known of a person into a ZIP file that only its owner reads; it is put on record."""
    from gateway.persons import bundle, write_bundle

    unmasked(config, True, purpose, "export of what is known of a person", number)
    found = bundle(node_of(config), config, number.lstrip("+"), whole=True)
    try:
        write_bundle(found, to)
    except OSError as error:
        end(FAILED, f"{to}: {error.strerror}")
    say(
        f"{to}: " + ", ".join(f"{len(rows)} {name}" for name, rows in found.items() if isinstance(rows, list))
    )


@privacy.command("correct")
def correct_person(
    number: Number,
    tenant: Tenant,
    kind: Annotated[str, typer.Option(help="What is right: granted, revoked, reassigned, …")],
    evidence: Annotated[str, typer.Option(help="What proves it.")],
    program: Annotated[str, typer.Option(help="The program; empty: all of the tenant's.")] = "",
    category: Annotated[str, typer.Option(help="The category.")] = "promotional",
    basis: Annotated[str, typer.Option(help="Of a grant: express, express_written, …")] = "",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Put right what a person has agreed to: an event of the ledger, since nothing in it is changed."""
    event = {"number": number, "program": program, "category": category, "kind": kind, "basis": basis}
    told = {**event, "method": "api", "evidence": evidence}
    answer = post(config, "people/consents", {"tenant": tenant, "events": [told]})
    for _, why in answer["refused"]:
        end(USAGE, str(why))
    say("recorded")


@privacy.command("erase")
def erase_person(
    number: Number, purpose: Why, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Erase a person: number and texts of finished messages, consents, replies, records. Lists that keep the
    person from being written to stay, and what is under a legal hold.
    """
    from gateway.persons import tell_erased

    answer = post(config, "privacy/erase", {"number": number, "purpose": purpose})
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
    else:
        tell_erased(answer)


@privacy.command("object")
def object_person(
    number: Number,
    tenant: Tenant,
    evidence: Annotated[str, typer.Option(help="How the person objected.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """No promotion of this tenant to this person any more; seen by the next message."""
    post(config, "privacy/object", {"number": number, "tenant": tenant, "evidence": evidence})
    say(f"no promotion of {tenant} from now on")


# holds


@hold.command("add")
def add_hold(
    reason: Annotated[str, typer.Option(help="Why: the case, the order.")],
    number: Annotated[str, typer.Option(help="Of this number; else of all.")] = "",
    account: Annotated[str, typer.Option(help="Of this account; else of all.")] = "",
    tenant: Annotated[str, typer.Option(help="Of this tenant; else of all.")] = "",
    since: Annotated[str, typer.Option(help="Accepted from then on: 2026-03-01.")] = "",
    until: Annotated[str, typer.Option(help="Accepted before then.")] = "",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Keep messages, consents and replies from purge and erasure until the hold is lifted."""
    from gateway.filters.listfiles import instant

    try:
        period: dict[str, Any] = {"since": instant(since), "until": instant(until)}
    except ValueError as error:
        end(USAGE, str(error))
    what = {"number": number, "account": account, "tenant": tenant, "reason": reason}
    say(f"hold {post(config, 'privacy/hold', {**what, **period})['id']} is in force")


@hold.command("list")
def list_holds(
    everything: Annotated[bool, typer.Option("--all", help="Those that were lifted too.")] = False,
    unmask: Unmask = False,
    purpose: Purpose = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """What is held, by whom and why."""
    from gateway.persons import holds_of, tell_rows

    whole = unmasked(config, unmask, purpose, "the legal holds")
    found = holds_of(node_of(config), config, everything, whole)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        tell_rows(found)


@hold.command("lift")
def lift_hold(
    number: Annotated[int, typer.Argument(help="The number of the hold.")],
    reason: Annotated[str, typer.Option(help="Why it may go now.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """End a hold; what is past its retention goes with the next purge."""
    post(config, "privacy/lift", {"id": number, "reason": reason})
    say(f"hold {number} is lifted")


# keys and retention


@keys.command("show")
def show_keys(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Where the keys are, and how many rows each version seals. Reads the whole store."""
    from gateway.persons import keys_in_use

    found = keys_in_use(node_of(config), config)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    print(f"keys: {found['keys']}, versions {found['versions']}, newest {found['newest']}")
    for table, counts in found["rows"].items():
        told = ", ".join(
            f"{n} by version {v}" if v != "0" else f"{n} not encrypted" for v, n in counts.items()
        )
        print(f"  {table:<16} {told or 'empty'}")
    if found["unused"]:
        print(f"no longer used: versions {found['unused']}; backups may still need them")


@keys.command("rotate")
def rotate_keys(config: Config = DEFAULT_CONFIG) -> None:
    """Make a new version of the key, and have the running node encrypt everything anew behind the traffic.

    Keys that come from outside are only read again: add a version there first, and restart.
    """
    from gateway.persons import CannotTurn, added_key

    node = node_of(config)
    try:
        added = added_key(node, config)
    except CannotTurn as error:
        end(FAILED, str(error))
    if added:
        say(f"{added.file}: version {added.version} is made; keep a new copy of it")
    version = post(config, "privacy/rotate", {})["version"]
    say(f"everything is being encrypted by version {version}: gateway keys show says how far that is")


def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Do away with what is past its retention now; by itself the node does it every ten minutes. What went
    is told by class, and put on record: gateway audit list --act purge.
    """
    answer = post(config, "privacy/purge", {"dry_run": dry_run})
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
        return
    print("would go:" if dry_run else "gone:")
    for kind, count in answer.items():
        print(f"  {kind:<10} {count}{KEPT.get(kind, '')}")
