"""The command line. Thin: each command hands over; slow imports stay inside the commands.

Exit codes: 0 done, 1 failed, 2 wrong usage or a file that is not valid, 3 nobody answers; `run` ends with 78
if the configuration is bad, so that a service manager does not start it again and again.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from gateway.settings.models import Node

FAILED, USAGE, UNREACHABLE, BAD_CONFIGURATION = 1, 2, 3, 78

app = typer.Typer(
    help="An SMPP gateway: may it be sent, when, and by which carrier.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Config = Annotated[Path, typer.Option("--config", help="The directory of the configuration.")]
AsJson = Annotated[bool, typer.Option("--json", help="Data for programs on standard output.")]
DEFAULT_CONFIG = Path("config")


def main() -> None:
    """Entry point of the console script."""
    app()


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _end(code: int, text: str = "") -> NoReturn:
    if text:
        _say(text)
    raise typer.Exit(code)


def _directory(config: Path, code: int = USAGE) -> Path:
    """The directory of the configuration; ends with `code` if there is none."""
    if not config.is_dir():
        _end(code, f"{config}: no such directory; name that of the configuration with --config DIR")
    return config


def _node(config: Path) -> Node:
    """gateway.yaml alone; ends if it cannot be used."""
    from gateway.settings.load import load_node
    from gateway.settings.problems import SettingsError

    try:
        return load_node(_directory(config), os.environ)
    except SettingsError as error:
        _end(USAGE, str(error))


def _ask(config: Path, method: str, path: str) -> tuple[int, dict[str, Any]]:
    """Ask the running gateway of this configuration; ends if it does not answer."""
    from gateway.asking import Unreachable, ask

    try:
        return ask(_node(config), method, path)
    except Unreachable as error:
        _end(UNREACHABLE, str(error))


@app.command()
def run(config: Config = DEFAULT_CONFIG) -> None:
    """Run the gateway until SIGINT or SIGTERM; SIGHUP reloads its configuration."""
    from twisted.internet import reactor

    from gateway import logs
    from gateway.app import Gateway
    from gateway.app import run as run_gateway
    from gateway.relay.clocks import Clocks, monotonic
    from gateway.settings.problems import SettingsError

    _directory(config, BAD_CONFIGURATION)
    try:
        gateway = Gateway(config, os.environ, reactor, Clocks(monotonic(reactor)))
    except (SettingsError, ValueError) as error:
        _end(BAD_CONFIGURATION, str(error))
    settings = gateway.generation.node.logs
    logs.begin(settings.format, settings.level)
    for warning in gateway.generation.warnings:
        _say(f"warning: {warning}")
    raise typer.Exit(run_gateway(gateway))


@app.command()
def check(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say everything that is wrong with a configuration; nothing is started."""
    from gateway.filters.catalogue import make_filters
    from gateway.settings.load import load
    from gateway.settings.problems import SettingsError

    problems: list[str] = []
    warnings: tuple[str, ...] = ()
    _directory(config)
    try:
        generation = load(config, os.environ)
        warnings = generation.warnings
        make_filters(generation)
    except SettingsError as error:
        problems = [str(problem) for problem in error.problems]
    except ValueError as error:
        problems = str(error).splitlines()
    if as_json:
        print(json.dumps({"problems": problems, "warnings": warnings}, ensure_ascii=False))
    for problem in problems:
        _say(problem)
    for warning in warnings:
        _say(f"warning: {warning}")
    if problems:
        _end(USAGE, f"{len(problems)} problem(s): this configuration cannot be used")
    _say(f"{config}: no problems")


@app.command()
def send(
    text: Annotated[str, typer.Argument(help="The text.")],
    to: Annotated[str, typer.Option(help="The destination, with its country code.")],
    account: Annotated[str, typer.Option("--as", help="The account (system_id).")],
    source: Annotated[str, typer.Option("--from", help="The source address.")] = "10690001",
    host: Annotated[
        str | None, typer.Option(help="Where the gateway listens; else as gateway.yaml says.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Its port.", min=1, max=65535)] = None,
    password: Annotated[
        str | None, typer.Option(help="By default from demo-credentials.yaml.", envvar="GATEWAY_PASSWORD")
    ] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the receipt.", min=0.0)] = 10.0,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Send one text as an account would, by smpplib, and wait for its receipt."""
    from gateway.addresses import address_of
    from gateway.asking import carriers_answers
    from gateway.sending import CannotSend, demonstration_password, send_text, told
    from gateway.settings.models import Node

    elsewhere = host is not None and password is not None
    node = Node() if elsewhere else _node(config)
    named = next(filter(None, (address_of(each.endpoint) for each in node.listeners)), ("127.0.0.1", 2775))
    try:
        secret = password if password is not None else demonstration_password(config, account)
        sent = send_text((host or named[0], port or named[1]), account, secret, source, to, text, wait)
    except CannotSend as error:
        _end(error.code, str(error))
    if as_json:
        print(json.dumps(sent.document(), ensure_ascii=False))
    else:
        ids = [] if elsewhere else [segment.message_id for segment in sent.segments]
        told(sent, carriers_answers(node, config, ids), wait)
    raise typer.Exit(0 if sent.delivered else FAILED)


@app.command()
def demo(config: Config = DEFAULT_CONFIG) -> None:
    """Run two simulated carriers and the gateway together, until Ctrl-C: what `make run` does."""
    from gateway.demonstration import run_demonstration

    _directory(config, BAD_CONFIGURATION)
    raise typer.Exit(run_demonstration(config))


@app.command()
def status(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """What a running gateway is doing."""
    from gateway.asking import tell_status

    code, document = _ask(config, "GET", "status")
    if as_json:
        print(json.dumps(document, ensure_ascii=False))
    else:
        tell_status(document)
    raise typer.Exit(0 if code == 200 else FAILED)


@app.command()
def reload(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Have a running gateway read its configuration anew: taken whole, or not at all."""
    code, document = _ask(config, "POST", "reload")
    if as_json:
        print(json.dumps(document, ensure_ascii=False))
    for problem in document.get("problems", ()):
        _say(problem)
    if code != 200:
        _end(USAGE, "the configuration was not taken; the one before stays in force")
    _say(f"generation {document['generation']} is in force")


@app.command()
def message(
    message_id: Annotated[str, typer.Argument(help="The id as the client was told it.")],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """What became of a message: its verdict, the carriers that were considered, and its end."""
    from gateway.asking import Unreadable, find_messages, tell_message

    try:
        found = find_messages(_node(config), config, message_id)
    except Unreadable as error:
        _end(FAILED, str(error))
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    for document in found:
        if not as_json:
            tell_message(document)
    if not found:
        _end(FAILED, f"no message {message_id} is known; refusals that the response told have no id")


@app.command("hash-password")
def hash_password() -> None:
    """Ask for a password, or read it from a pipe, and print the hash that may stand in accounts.yaml."""
    from gateway.settings.secrets import LONGEST_PASSWORD
    from gateway.settings.secrets import hash_password as hashed

    if sys.stdin.isatty():
        secret = typer.prompt("password", hide_input=True, err=True)
    else:
        secret = sys.stdin.readline().rstrip("\r\n")
    if not 0 < len(secret) <= LONGEST_PASSWORD:
        _end(USAGE, f"an SMPP password has 1 to {LONGEST_PASSWORD} characters")
    print(hashed(secret))
