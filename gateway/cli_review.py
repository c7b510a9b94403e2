"""Commands about held messages: gateway review list, show, approve, refuse. All ask the running node."""

from __future__ import annotations

import getpass
import json
from typing import Annotated, Any

import typer

from gateway.cli_common import DEFAULT_CONFIG, FAILED, AsJson, Config, ask_node, end, say

review = typer.Typer(help="Messages that wait for a person.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="The number, as `gateway review list` shows it.", min=1)]
By = Annotated[str | None, typer.Option(help="Who decides; else the user of this machine.")]
Note = Annotated[str, typer.Option("--note", "--why", help="Why; it is kept in the decision record.")]


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.add_typer(review, name="review")


@review.command("list")
def list_held(
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)] = 100,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """The messages that are held, the oldest first."""
    held = [_masked(each) for each in _ask(config, "list", {"limit": limit})["held"]]
    if as_json:
        print(json.dumps(held, ensure_ascii=False))
        return
    for one in held:
        print(
            f"{one['number']}  {one['account']}  {one['from']} -> {one['to']}  {one['category']}  "
            f"until {one['expires']}  {'; '.join(one['rules'])}"
        )
    if not held:
        say("nothing is held")


@review.command()
def show(number: Number, config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """One held message with its text, and why it is held."""
    found = _masked(_ask(config, "show", {"number": number}))
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    print(f"message {found['number']} of {found['account']} ({found['tenant']}), {found['category']}")
    print(f"  {found['from']} -> {found['to']}, accepted {found['accepted']}, until {found['expires']}")
    for word in found["decision"].get("words", ()):
        place = f" ({word['place']})" if word.get("place") else ""
        print(
            f"  {word['filter']}: {word['action']} by rule {word['rule']!r}{place} {word.get('detail', '')}"
        )
    print(f"  {found['text']}")


@review.command()
def approve(number: Number, by: By = None, note: Note = "", config: Config = DEFAULT_CONFIG) -> None:
    """Let a held message pass the rules that hold it; the other filters judge it once more."""
    _decide(config, "approve", number, by, note)


@review.command()
def refuse(number: Number, by: By = None, note: Note = "", config: Config = DEFAULT_CONFIG) -> None:
    """Refuse a held message: its client is told by receipt."""
    _decide(config, "refuse", number, by, note)


def _decide(config: Any, verb: str, number: int, by: str | None, note: str) -> None:
    answer = _ask(config, verb, {"number": number, "by": by or getpass.getuser(), "note": note})
    say(f"message {number} is {answer['state']} now")


def _ask(config: Any, verb: str, document: dict[str, Any]) -> dict[str, Any]:
    code, answer = ask_node(config, "POST", f"review/{verb}", document)
    if code != 200:
        end(FAILED, str(answer.get("problem", answer)))
    return answer


def _masked(document: dict[str, Any]) -> dict[str, Any]:
    from gateway.logs import masked

    return document | {"to": masked(document["to"])}
