"""Commands about configurations: what one would do with a message, did with one, and which were in force."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from gateway.stored import Told


def add_to(app: typer.Typer) -> None:
    """Put these commands among those of the program."""
    app.registered_commands += commands.registered_commands
    app.add_typer(generations, name="generations", no_args_is_help=True)


commands = typer.Typer()
generations = typer.Typer(help="Every configuration that was in force: see them, and put one back.")


@commands.command()
def explain(
    what: Annotated[str, typer.Argument(help="A text, with --as and --to; else the id of a message.")],
    account: Annotated[str | None, typer.Option("--as", help="The account that would send the text.")] = None,
    to: Annotated[str | None, typer.Option(help="The destination, with its country code.")] = None,
    source: Annotated[str, typer.Option("--from", help="The source address.")] = "10690001",
    look: Annotated[
        bool,
        typer.Option("--ask", help="First ask the look-up services about the number."),
    ] = False,
    at: Annotated[
        str, typer.Option(help="As if it were that moment: 2026-03-01T22:30Z, or with +08:00 in place of Z.")
    ] = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """What would become of a text, with nothing sent; or, by its id, what became of a message."""
    from gateway.cli_explain import CannotExplain, explained, tell_explained
    from gateway.records import moment_of
    from gateway.settings.problems import SettingsError

    if account is None and to is None:
        became(what, config, as_json)
        return
    if account is None or to is None:
        end(USAGE, "a text is explained with both --as ACCOUNT and --to NUMBER")
    existing(config)
    try:
        ms = moment_of("--at", at)
        seconds = None if ms is None else ms / 1000
        document = explained(config, account, source, to, what, look=look, at=seconds)
    except (CannotExplain, SettingsError, ValueError) as error:
        end(USAGE, str(error))
    if as_json:
        print(json.dumps(document, ensure_ascii=False))
    else:
        tell_explained(document)


@commands.command()
def replay(
    against: Annotated[Path, typer.Option(help="The directory of the configuration that is to be tried.")],
    since: Annotated[str, typer.Option(help="How far back: 30m, 1h, 7d.")] = "1h",
    limit: Annotated[int, typer.Option(help="How many changes to list; all are counted.", min=0)] = 50,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Judge and route stored messages again by another configuration. Ends with 1 if anything changes."""
    from gateway.cli_replay import replayed, tell_replayed
    from gateway.settings.problems import SettingsError
    from gateway.stored import Unreadable

    existing(against)
    try:
        result = replayed(node_of(config), config, against, since, limit)
    except (SettingsError, ValueError) as error:
        end(USAGE, str(error))
    except Unreadable as error:
        end(FAILED, str(error))
    if as_json:
        print(json.dumps(result.document(), ensure_ascii=False))
    else:
        tell_replayed(result)
    raise typer.Exit(FAILED if result.changed else 0)


@generations.command("list")
def list_generations(
    limit: Annotated[int, typer.Option(help="How many, the youngest first.", min=1)] = 20,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """The generations that came into force, the youngest first."""
    from gateway.cli_generations import listed

    tell(lambda: listed(node_of(config), config, limit), as_json)


@generations.command("show")
def show_generation(
    number: Annotated[int, typer.Argument(help="The number of the generation.")],
    file: Annotated[str | None, typer.Argument(help="One of its files; else all are named.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """A generation and its files, or the text of one of them."""
    from gateway.cli_generations import shown_generation

    tell(lambda: shown_generation(node_of(config), config, number, file), as_json)


@generations.command("diff")
def diff_generations(
    one: Annotated[int, typer.Argument(help="A generation.")],
    other: Annotated[int | None, typer.Argument(help="Another one; else the files as they are now.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """What differs between the files of two generations. Ends with 1 if anything does."""
    from gateway.cli_generations import differences

    if tell(lambda: differences(node_of(config), config, one, other), as_json):
        end(FAILED)


@generations.command("rollback")
def rollback_generation(
    number: Annotated[int, typer.Argument(help="The generation whose texts are to be in force again.")],
    write: Annotated[bool, typer.Option("--write", help="Write them back to the files as well.")] = False,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Have a running gateway go back to an earlier generation: taken whole, or not at all."""
    from gateway.cli_generations import differences, written_back

    code, document = ask_node(config, "POST", "rollback", {"number": number}, reading=True)
    for problem in document.get("problems", ()):
        say(problem)
    if code != 200:
        end(USAGE, "nothing has changed; the generation before stays in force")
    say(f"generation {document['generation']} is in force, with the texts of generation {number}")
    if write:
        tell(lambda: written_back(node_of(config), config, number), False)
    elif quietly(lambda: differences(node_of(config), config, number, None)):
        say(
            f"the files in {config} are others: a reload or a restart takes those again. "
            f"gateway generations rollback {number} --write writes the texts back to them"
        )


def quietly(tell: Callable[[], Told]) -> Told:
    """What is told; ends if it cannot be read."""
    from gateway.stored import Unreadable

    try:
        return tell()
    except (Unreadable, OSError) as error:
        end(FAILED, str(error))


def tell(tell: Callable[[], Told], as_json: bool) -> Told:
    """Print what is told, for people or as data."""
    told = quietly(tell)
    print(json.dumps(told.document, ensure_ascii=False) if as_json else told.text)
    return told


def became(message_id: str, config: Path, as_json: bool, whole: bool = False) -> None:
    """Tell what became of a message; ends with 1 if none is known by this id."""
    from gateway.stored import Unreadable, find_rows, message_document, tell_message

    try:
        rows = find_rows(node_of(config), config, message_id)
    except Unreadable as error:
        end(FAILED, str(error))
    found = [message_document(row, whole) for row in rows]
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    for document in found:
        if not as_json:
            tell_message(document)
    if not found:
        end(FAILED, f"no message {message_id} is known; refusals that the response told have no id")
