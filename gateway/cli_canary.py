"""Commands about canaries: a configuration tried on a share of the traffic. All ask the running node."""

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
    ask_node,
    end,
    existing,
    node_of,
    say,
)

canary = typer.Typer(
    help="A configuration that decides for a share of the recipients: counted, promoted, withdrawn.",
    no_args_is_help=True,
)


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.add_typer(canary, name="canary")


@canary.command()
def start(
    directory: Annotated[Path, typer.Argument(help="The directory of the configuration to be tried.")],
    share: Annotated[str, typer.Option(help="Of how many recipients of a hundred: 5%.")] = "5%",
    account: Annotated[
        list[str] | None, typer.Option("--account", help="Of this account alone; may be repeated.")
    ] = None,
    withdraw_above: Annotated[
        str | None,
        typer.Option(help="Withdraw it by itself when so much more is not delivered on its side: 2%."),
    ] = None,
    least: Annotated[
        int,
        typer.Option(help="Messages that must have ended on either side before that is looked at.", min=1),
    ] = 100,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Let a configuration decide for a share of the recipients."""
    document = {
        "directory": str(existing(directory).resolve()),
        "share": share_of(share),
        "accounts": account or [],
        "withdraw_above": None if withdraw_above is None else share_of(withdraw_above),
        "least": least,
    }
    _tell(_ask(config, "start", document), as_json)


@canary.command()
def status(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """The canary that runs, or the last one: what came of either side."""
    found = _ask(config, "status", {})
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    elif found["running"] or found["last"]:
        _tell(found["running"] or found["last"], as_json)
    else:
        say("no canary runs")


@canary.command()
def promote(
    write: Annotated[bool, typer.Option("--write", help="Write its texts to the files as well.")] = False,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Put its texts in force for everybody, as a new generation."""
    found = _ask(config, "promote", {})
    tried = found["last"]["generation"]
    say(f"generation {found['generation']} is in force, with the texts of generation {tried}")
    if write:
        from gateway.cli_configurations import tell
        from gateway.cli_generations import written_back

        tell(lambda: written_back(node_of(config), config, tried), False)
    else:
        say(
            f"the files in {config} are as they were: a reload or a restart takes those (--write writes them)"
        )


@canary.command()
def withdraw(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Let the generation in force decide for everybody again."""
    _tell(_ask(config, "withdraw", {}), as_json)


def share_of(text: str) -> float:
    """`5%` as 0.05; ends for what is no share."""
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        end(USAGE, f"{text!r} is no share: say 5%, more than 0% and less than 100%")
    return share


def _ask(config: Path, what: str, document: dict[str, Any]) -> dict[str, Any]:
    code, answer = ask_node(config, "POST", f"canary/{what}", document, reading=True)
    if code != 200:
        end(FAILED, str(answer.get("problem", answer)))
    return answer


def _tell(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(document, ensure_ascii=False))
        return
    where = f", of {', '.join(document['accounts'])}" if document["accounts"] else ""
    ended = f", ended by {document['ended']}" if "ended" in document else ""
    who = f"{document['share']:.2%} of the recipients{where}{ended}"
    print(f"canary: generation {document['generation']} for {who}")
    if document.get("why"):
        print(f"  {document['why']}")
    for side in ("canary", "in_force"):
        found = document[side]
        counts = [f"{found['accepted']} accepted"]
        for name in ("ended", "refused", "carriers"):
            counts += [f"{name} {word} {count}" for word, count in found[name].items()]
        print(
            f"  {side.replace('_', ' '):<9} {', '.join(counts)}; not delivered {found['not_delivered']:.1%}"
        )
