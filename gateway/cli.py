"""The command line. Thin: each command hands over; slow imports stay inside the commands.

Exit codes: 0 done, 1 failed, 2 wrong usage or a file that is not valid, 3 nobody answers; `run` ends with 78
if the configuration is bad, so that a service manager does not start it again and again.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from typing import Annotated

import typer

from gateway import (
    cli_audit,
    cli_canary,
    cli_cdr,
    cli_configurations,
    cli_consent,
    cli_copies,
    cli_events,
    cli_people,
    cli_privacy,
    cli_quota,
    cli_records,
    cli_review,
    cli_sessions,
    cli_templates,
    cli_trace,
    cli_traffic,
    cli_words,
)
from gateway.cli_common import (
    BAD_CONFIGURATION,
    DEFAULT_CONFIG,
    FAILED,
    USAGE,
    AsJson,
    Config,
    Purpose,
    Unmask,
    ask_node,
    end,
    existing,
    node_of,
    say,
    unmasked,
)

app = typer.Typer(
    help="An SMPP gateway: may it be sent, when, and by which carrier.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_consent.consent, name="consent")
cli_people.add_to(app)
cli_review.add_to(app)
cli_sessions.add_to(app)
cli_events.add_to(app)
cli_audit.add_to(app)
cli_privacy.add_to(app)
cli_records.add_to(app)
cli_cdr.add_to(app)
cli_trace.add_to(app)
cli_copies.add_to(app)
cli_words.add_to(app)
cli_canary.add_to(app)
cli_templates.add_to(app)
cli_traffic.add_to(app)
cli_quota.add_to(app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from gateway.compiled import IN_USE

        print(f"gateway {version('smpp-compliance-gateway')}, compiled modules: {IN_USE}")
        raise typer.Exit


@app.callback()
def _every_command(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="The version, and what is compiled."
        ),
    ] = False,
) -> None:
    """What all commands have."""


def main() -> None:
    """Entry point of the console script."""
    app()


@app.command()
def run(config: Config = DEFAULT_CONFIG) -> None:
    """Run the gateway until SIGINT or SIGTERM; SIGHUP reloads its configuration."""
    from gateway.reactor import install

    reactor = install()

    from gateway import logs
    from gateway.app import Gateway
    from gateway.app import run as run_gateway
    from gateway.relay.clocks import Clocks, monotonic
    from gateway.settings.problems import SettingsError

    existing(config, BAD_CONFIGURATION)
    try:
        gateway = Gateway(config, os.environ, reactor, Clocks(monotonic(reactor)))
    except (SettingsError, ValueError) as error:
        end(BAD_CONFIGURATION, str(error))
    settings = gateway.generation.node.logs
    logs.begin(settings.format, settings.level)
    gateway.generations.subscribe(lambda before, after: logs.at_least(after.node.logs.level))
    for warning in gateway.generation.warnings:
        say(f"warning: {warning}")
    raise typer.Exit(run_gateway(gateway))


@app.command()
def check(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say everything that is wrong with a configuration; nothing is started."""
    from gateway.filters.catalogue import make_filters
    from gateway.filters.suppressed import Suppressed
    from gateway.settings.load import load
    from gateway.settings.problems import SettingsError

    problems: list[str] = []
    warnings: tuple[str, ...] = ()
    existing(config)
    try:
        generation = load(config, os.environ)
        warnings = generation.warnings
        suppressed = make_filters(generation)[Suppressed.name]
        assert isinstance(suppressed, Suppressed)
        warnings += tuple(suppressed.persons.book.gaps(date.today()))
    except SettingsError as error:
        problems = [str(problem) for problem in error.problems]
    except ValueError as error:
        problems = str(error).splitlines()
    if as_json:
        print(json.dumps({"problems": problems, "warnings": warnings}, ensure_ascii=False))
    for problem in problems:
        say(problem)
    for warning in warnings:
        say(f"warning: {warning}")
    if problems:
        end(USAGE, f"{len(problems)} problem(s): this configuration cannot be used")
    say(f"{config}: no problems")


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
    wait: Annotated[
        float,
        typer.Option(help="Seconds to wait for the receipt, and 5 at most for a gateway to listen.", min=0.0),
    ] = 10.0,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Send one text as an account would, by smpplib, and wait for its receipt."""
    from gateway.addresses import address_of
    from gateway.sending import CannotSend, demonstration_password, send_text, told
    from gateway.settings.models import Node
    from gateway.stored import carriers_answers

    elsewhere = host is not None and password is not None
    node = Node() if elsewhere else node_of(config)
    named = next(filter(None, (address_of(each.endpoint) for each in node.listeners)), ("127.0.0.1", 2775))
    try:
        secret = password if password is not None else demonstration_password(config, account)
        sent = send_text((host or named[0], port or named[1]), account, secret, source, to, text, wait)
    except CannotSend as error:
        end(error.code, str(error))
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

    existing(config, BAD_CONFIGURATION)
    raise typer.Exit(run_demonstration(config))


@app.command()
def status(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """What a running gateway is doing."""
    from gateway.asking import tell_status

    code, document = ask_node(config, "GET", "status")
    if as_json:
        print(json.dumps(document, ensure_ascii=False))
    else:
        tell_status(document)
    raise typer.Exit(0 if code == 200 else FAILED)


@app.command()
def reload(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Have a running gateway read its configuration anew: taken whole, or not at all."""
    code, document = ask_node(config, "POST", "reload", reading=True)
    if as_json:
        print(json.dumps(document, ensure_ascii=False))
    for problem in document.get("problems", ()):
        say(problem)
    if code != 200:
        end(USAGE, "the configuration was not taken; the one before stays in force")
    say(f"generation {document['generation']} is in force")


@app.command()
def message(
    message_id: Annotated[str, typer.Argument(help="The id as the client was told it.")],
    unmask: Unmask = False,
    purpose: Purpose = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """What became of a message: the same as `explain` with its id; unmasked, its number and text as well."""
    whole = unmasked(config, unmask, purpose, f"message {message_id}")
    cli_configurations.became(message_id, config, as_json, whole)


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
        end(USAGE, f"an SMPP password has 1 to {LONGEST_PASSWORD} characters")
    print(hashed(secret))


cli_configurations.add_to(app)
