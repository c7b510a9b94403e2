"""Commands about what is told and what is stopped: gateway webhook, breaker. All ask the running node."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from gateway.cli_common import DEFAULT_CONFIG, FAILED, USAGE, AsJson, Config, ask_node, end, say

webhook = typer.Typer(help="Events that wait to be told, or were given up.", no_args_is_help=True)

breaker = typer.Typer(help="What was stopped because too many opted out or complained.", no_args_is_help=True)

Numbers = Annotated[list[int] | None, typer.Argument(help="Calls, as `gateway webhook list` shows them.")]
Name = Annotated[str, typer.Option("--webhook", help="Of this webhook alone; `:mail` is the mail.")]
All = Annotated[bool, typer.Option("--all", help="All that were given up.")]


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.add_typer(webhook, name="webhook")
    app.add_typer(breaker, name="breaker")


@webhook.command("list")
def list_calls(
    name: Name = "",
    dead: Annotated[bool, typer.Option("--dead", help="Those given up, not those that wait.")] = False,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)] = 100,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """How many calls wait and were given up, and the oldest of them."""
    found = _ask(config, "webhooks/list", {"webhook": name, "dead": dead, "limit": limit})
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for each in found["webhooks"]:
        failing = f", cannot be called: {each['failing']}" if each["failing"] else ""
        say(f"{each['name']}: {each['waiting']} wait, {each['given_up']} given up{failing}")
    for call in found["calls"]:
        events = call["events"]
        more = f" and {len(events) - 1} more" if len(events) > 1 else ""
        error = f": {call['error']}" if call["error"] else ""
        print(
            f"{call['number']}  {call['webhook']}  {call['created']}  {events[0]}{more}  "
            f"{call['attempts']} attempts{error}"
        )


@webhook.command()
def retry(
    numbers: Numbers = None, everything: All = False, name: Name = "", config: Config = DEFAULT_CONFIG
) -> None:
    """Have calls that were given up tried again, as if they were new."""
    say(f"{_some(config, 'retry', numbers, everything, name)} calls are tried again")


@webhook.command()
def drop(
    numbers: Numbers = None, everything: All = False, name: Name = "", config: Config = DEFAULT_CONFIG
) -> None:
    """Do away with calls: those with these numbers, or all that were given up."""
    say(f"{_some(config, 'drop', numbers, everything, name)} calls are dropped")


Account = Annotated[str, typer.Option("--account", help="The account.")]
Program = Annotated[str, typer.Option("--program", help="The program.")]
Carrier = Annotated[str, typer.Option("--carrier", help="The carrier.")]
Note = Annotated[str, typer.Option("--note", "--why", help="Why; it is kept in the record of who did what.")]


@breaker.command("list")
def list_trips(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """What is tripped: its promotional messages wait, or are refused."""
    found = _ask(config, "breakers/list", {})["tripped"]
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for trip in found:
        where = ", ".join(f"{name} {trip[name]}" for name in ("account", "program", "carrier") if trip[name])
        print(f"{trip['rule']}: {where}, since {trip['since']}, messages {trip['then']}: {trip['why']}")
    if not found:
        say("nothing is tripped")


@breaker.command()
def trip(
    account: Account = "",
    program: Program = "",
    carrier: Carrier = "",
    refuse: Annotated[bool, typer.Option("--refuse", help="They are refused, and do not wait.")] = False,
    note: Note = "",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Stop promotional messages until a person resumes them."""
    asked = {"account": account, "program": program, "carrier": carrier, "refuse": refuse, "note": note}
    say(f"stopped: {_ask(config, 'breakers/trip', asked)['tripped']}")


@breaker.command()
def resume(
    account: Account = "",
    program: Program = "",
    carrier: Carrier = "",
    rule: Annotated[str, typer.Option(help="This breaker alone; else all of this subject.")] = "",
    note: Note = "",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Let go what a breaker stopped. Name the account, the program and the carrier as the list shows them."""
    asked = {"account": account, "program": program, "carrier": carrier, "rule": rule, "note": note}
    say(f"resumed: {', '.join(_ask(config, 'breakers/resume', asked)['resumed'])}")


def _some(config: Any, verb: str, numbers: list[int] | None, everything: bool, name: str) -> int:
    if bool(numbers) == everything:
        end(USAGE, "name the calls by their numbers, or say --all")
    answer = _ask(config, f"webhooks/{verb}", {"numbers": numbers or [], "webhook": name})
    return int(answer["done"])


def _ask(config: Any, path: str, document: dict[str, Any]) -> dict[str, Any]:
    code, answer = ask_node(config, "POST", path, document)
    if code != 200:
        end(FAILED, str(answer.get("problem", answer)))
    return answer
