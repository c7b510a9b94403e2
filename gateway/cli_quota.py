"""gateway quota: what accounts have used of their quotas and have left of their balances."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli_common import DEFAULT_CONFIG, FAILED, AsJson, Config, ask_node, end, say

quota = typer.Typer(help="What accounts have used of their quotas and balances.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(help="The account (system_id).")]
Note = Annotated[str, typer.Option("--note", "--why", help="Why; it is kept in the record of who did what.")]


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.add_typer(quota, name="quota")


@quota.command()
def show(
    account: Annotated[str, typer.Argument(help="This account alone; else all that are limited.")] = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """What is used in the current day and month, what waits, and what is left of a balance."""
    _tell(_ask(config, "show", {"account": account}), as_json)


@quota.command("top-up")
def top_up(
    account: Account,
    amount: Annotated[float, typer.Argument(help="In the currency of its balance; below zero takes off.")],
    note: Note = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Add to a balance; seen by the next message."""
    _tell(_ask(config, "top-up", {"account": account, "amount": amount, "note": note}), as_json)


@quota.command("set")
def set_value(
    account: Account,
    name: Annotated[str, typer.Argument(help="balance, messages_per_day, segments_per_day, …_per_month.")],
    value: Annotated[float, typer.Argument(help="What the balance is, or how many count as used.")],
    note: Note = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Set a balance, or how much counts as used. The limits themselves stand in accounts.yaml."""
    asked = {"account": account, "name": name, "value": value, "note": note}
    _tell(_ask(config, "set", asked), as_json)


def _tell(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for each in found:
        said = [f"{used} of {most} {name.replace('_', ' ')}" for name, (used, most) in each["used"].items()]
        if "balance" in each:
            said.append(f"{each['balance']:.6g} of {each['of']:.6g} {each['currency']} left")
        said += [f"{count} refused for {name.replace('_', ' ')}" for name, count in each["refused"].items()]
        said += [
            f"{count} would be refused for {name.replace('_', ' ')}" for name, count in each["shadow"].items()
        ]
        print(f"{each['account']}: {', '.join(said) or 'not limited'}")
    if not found:
        say("no account has a quota or a balance")


def _ask(config: Path, path: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    code, answer = ask_node(config, "POST", f"quotas/{path}", document)
    if code != 200:
        end(FAILED, str(answer.get("problem", answer)))
    return list(answer["accounts"])
