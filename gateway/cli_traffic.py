"""gateway traffic: pause, drain, reroute, purge and resume a part of the traffic, by the running node."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli_common import DEFAULT_CONFIG, FAILED, AsJson, Config, ask_node, end, say

traffic = typer.Typer(
    help="Pause, drain, reroute or purge a part of the traffic. Without --yes nothing is done, and what "
    "would be hit is shown.",
    no_args_is_help=True,
)

Account = Annotated[str, typer.Option("--account", help="Of this account.")]
Tenant = Annotated[str, typer.Option("--tenant", help="Of this tenant.")]
Program = Annotated[str, typer.Option("--program", help="Of this program.")]
Carrier = Annotated[str, typer.Option("--carrier", help="That would go by this carrier.")]
Category = Annotated[str, typer.Option("--category", help="Of this category.")]
Prefix = Annotated[str, typer.Option("--to", help="To numbers that begin with this.")]
Note = Annotated[str, typer.Option("--note", "--why", help="Why; it is kept in the record of who did what.")]
Yes = Annotated[bool, typer.Option("--yes/--dry-run", help="Do it; else only show what would be hit.")]
Refuse = Annotated[
    str,
    typer.Option(
        "--refuse",
        help="What comes from now on is refused: temporary (clients try again) or permanent.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.add_typer(traffic, name="traffic")


@traffic.command("list")
def list_directives(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """What is paused, drained, rerouted or being purged, by whom and since when."""
    from gateway.asking import told_directive

    found = _ask(config, "list", {})["directives"]
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for each in found:
        print(told_directive(each))
    if not found:
        say("all traffic goes its way")


@traffic.command()
def pause(
    account: Account = "",
    tenant: Tenant = "",
    program: Program = "",
    carrier: Carrier = "",
    category: Category = "",
    to: Prefix = "",
    refuse: Refuse = "",
    note: Note = "",
    yes: Yes = False,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Messages are taken and wait within their validity, those that wait already too. A carrier alone gets
    nothing more: its routes pass it over.
    """
    asked = _part(account, tenant, program, carrier, category, to) | {"refuse": refuse, "note": note}
    _give(config, "pause", asked, yes, as_json)


@traffic.command()
def drain(
    account: Account = "",
    tenant: Tenant = "",
    program: Program = "",
    carrier: Carrier = "",
    category: Category = "",
    to: Prefix = "",
    refuse: Refuse = "temporary",
    note: Note = "",
    yes: Yes = False,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """What comes from now on is refused, what was accepted goes out; `list` says when it has."""
    asked = _part(account, tenant, program, carrier, category, to) | {"refuse": refuse, "note": note}
    _give(config, "drain", asked, yes, as_json)


@traffic.command()
def reroute(
    by: Annotated[list[str], typer.Option("--by", help="A carrier that takes it; several: in order.")],
    account: Account = "",
    tenant: Tenant = "",
    program: Program = "",
    carrier: Carrier = "",
    category: Category = "",
    to: Prefix = "",
    note: Note = "",
    yes: Yes = False,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """What waits and what comes goes by other carriers. What may have been sent already stays where it is."""
    asked = _part(account, tenant, program, carrier, category, to) | {"carriers": by, "note": note}
    _give(config, "reroute", asked, yes, as_json)


@traffic.command()
def purge(
    account: Account = "",
    tenant: Tenant = "",
    program: Program = "",
    carrier: Carrier = "",
    category: Category = "",
    to: Prefix = "",
    note: Note = "",
    yes: Yes = False,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """What waits, is deferred, held or gathered ends REJECTED, with its receipt; of a carrier: what no other
    could take. What a carrier has is not touched, and what comes from now on passes.
    """
    _give(
        config, "purge", _part(account, tenant, program, carrier, category, to) | {"note": note}, yes, as_json
    )


@traffic.command()
def resume(
    number: Annotated[int | None, typer.Argument(help="As the list numbers it; else name the part.")] = None,
    account: Account = "",
    tenant: Tenant = "",
    program: Program = "",
    carrier: Carrier = "",
    category: Category = "",
    to: Prefix = "",
    note: Note = "",
    yes: Yes = False,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Take back what is in force for exactly this part of the traffic: what waited for that goes on."""
    from gateway.asking import told_directive

    asked = _part(account, tenant, program, carrier, category, to) | {"note": note, "act": yes}
    found = _ask(config, "resume", asked if number is None else {**asked, "id": number})
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for each in found["resumed"]:
        say(f"{'resumed' if yes else 'would be resumed'}: {told_directive(each)}")
    _tell(found)


def _part(
    account: str, tenant: str, program: str, carrier: str, category: str, prefix: str
) -> dict[str, Any]:
    return {
        "account": account,
        "tenant": tenant,
        "program": program,
        "carrier": carrier,
        "category": category,
        "prefix": prefix,
    }


def _give(config: Path, verb: str, asked: dict[str, Any], yes: bool, as_json: bool) -> None:
    found = _ask(config, verb, {**asked, "act": yes})
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    _tell(found)
    if yes and verb == "purge":
        say(f"purge {found['part']}: begun, number {found['id']}: `gateway traffic list` has it meanwhile")
    elif yes:
        say(f"{verb} {found['part']}: in force, number {found['id']}")
    else:
        say(f"nothing was done: say --yes to {verb} {found['part']}")


def _tell(found: dict[str, Any]) -> None:
    for group in found["waiting"]:
        print(
            f"{group['account']}  {group['category']}  {group['state']}  {_counted(group['messages'])}, the "
            f"oldest {group['oldest_seconds']} s old"
        )
    least = "" if found["all_counted"] else "at least "
    waits = "waits" if found["messages"] == 1 else "wait"
    say(f"{least}{_counted(found['messages'])} {waits} there now")


def _counted(messages: int) -> str:
    return f"{messages} message{'' if messages == 1 else 's'}"


def _ask(config: Path, path: str, document: dict[str, Any]) -> dict[str, Any]:
    code, answer = ask_node(config, "POST", f"traffic/{path}", document)
    if code != 200:
        end(FAILED, str(answer.get("problem", answer)))
    return answer
