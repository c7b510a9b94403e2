"""gateway sessions: who is bound to a running gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli_common import DEFAULT_CONFIG, FAILED, AsJson, Config, ask_node, end, say

sessions = typer.Typer(help="Who is bound, from where and since when.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.add_typer(sessions, name="sessions")


@sessions.command("list")
def list_sessions(
    account: Annotated[str, typer.Argument(help="Of this account alone.")] = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """The sessions of clients that are bound now."""
    _tell(_ask(config, "list", {"account": account}), as_json, "nobody is bound")


@sessions.command("end")
def end_sessions(
    account: Annotated[str, typer.Argument(help="The account (system_id).")],
    address: Annotated[str, typer.Option(help="Those from this address alone.")] = "",
    note: Annotated[
        str, typer.Option("--note", "--why", help="Why; it is kept in the record of who did what.")
    ] = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Unbind an account's sessions. It may bind again: what keeps it out is in accounts.yaml."""
    found = _ask(config, "end", {"account": account, "address": address, "note": note})
    _tell(found, as_json, "nobody was bound")


def _ask(config: Path, path: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
    code, answer = ask_node(config, "POST", f"sessions/{path}", asked)
    if code != 200:
        end(FAILED, str(answer.get("problem", answer)))
    return list(answer["sessions"])


def _tell(found: list[dict[str, Any]], as_json: bool, nobody: str) -> None:
    from gateway.columns import print_rows

    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    elif found:
        print_rows(found)
    else:
        say(nobody)
