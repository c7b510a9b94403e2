"""The command line: `simulator smsc | load | reply | counters | tell`."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError, ConnectError
from twisted.internet.interfaces import IReactorCore
from twisted.internet.task import deferLater, react

from simulator.endpoints import check_client
from simulator.load.options import LoadOptions
from simulator.load.running import run_load
from simulator.load.traffic import parse_mix
from simulator.smsc.control import ControlError, ask
from simulator.smsc.profile import ProfileError, load_profile
from simulator.smsc.running import run_smsc, show_counters

USAGE = 2
"""Exit code for a bad profile or a bad option."""

app = typer.Typer(
    help="Simulated carriers, and load for the gateway.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_err = Console(stderr=True, highlight=False, markup=False)
_ControlOption = Annotated[str, typer.Option(help="Control endpoint of the carriers: tcp:127.0.0.1:2786.")]
_CarrierOption = Annotated[str | None, typer.Option(help="Name of the carrier; by default the first.")]


def main() -> None:
    """Entry point of the console script."""
    app()


@app.command()
def smsc(
    profile: Annotated[list[Path], typer.Option(help="YAML profile; may be given several times.")],
    capture: Annotated[Path | None, typer.Option(help="Every PDU as JSON lines in this file.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Look for breaches of the protocol; exit 1 if there were any.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Run the carriers of one or more profiles until interrupted."""
    try:
        profiles = [load_profile(path) for path in profile]
    except ProfileError as error:
        _err.print(str(error), soft_wrap=True)
        raise typer.Exit(USAGE) from None
    if strict:
        profiles = [one.model_copy(update={"strict": True}) for one in profiles]
    _react(lambda reactor: run_smsc(reactor, profiles, capture, strict, quiet, _on_interrupt))


@app.command()
def load(
    to: Annotated[str, typer.Option(help="Twisted client endpoint.")] = "tcp:127.0.0.1:2775",
    account: Annotated[str, typer.Option("--as", help="system_id.")] = "bank",
    password: Annotated[str, typer.Option(help="Password.", envvar="SIMULATOR_PASSWORD")] = "bankpass",
    sessions: Annotated[int, typer.Option(help="Sessions at once.", min=1)] = 4,
    mode: Annotated[
        str, typer.Option(help="transceiver, or split: transmitters and receivers.")
    ] = "transceiver",
    window: Annotated[int, typer.Option(help="Unanswered submits per session.", min=1)] = 100,
    count: Annotated[int, typer.Option(help="Texts to send.", min=0)] = 50_000,
    rate: Annotated[float, typer.Option(help="Submits a second; 0 is as fast as can be.", min=0)] = 0.0,
    text: Annotated[str | None, typer.Option(help="The text; {n} is the running number.")] = None,
    mix: Annotated[str, typer.Option(help="Kinds of message by weight: gsm=80,ucs2=15,long=5.")] = "gsm",
    source: Annotated[str, typer.Option(help="Source address.")] = "10690001",
    first: Annotated[
        int, typer.Option("--to-first", help="First destination; they count up.")
    ] = 8619910000000,
    destinations: Annotated[int, typer.Option(help="How many destinations, in turn.", min=1)] = 10_000_000,
    receipts: Annotated[str, typer.Option(help="Receipts to ask for: all, failures or none.")] = "all",
    patience: Annotated[float, typer.Option(help="Seconds without progress to wait.", min=0)] = 60.0,
    resend: Annotated[bool, typer.Option(help="Send again what was cut off unanswered.")] = True,
    seed: Annotated[int, typer.Option(help="Seed of the mix.")] = 0,
    capture: Annotated[Path | None, typer.Option(help="Journal of accepted messages and receipts.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON, and no progress bar.")] = False,
) -> None:
    """Send as fast as the gateway takes it, and judge what came back; exit 1 if anything is amiss."""
    try:
        check_client(to)
        options = LoadOptions(
            to=to,
            system_id=account,
            password=password,
            mode=_one_of("mode", mode, "transceiver", "split"),
            sessions=sessions,
            window=window,
            count=count,
            rate=rate,
            shapes=parse_mix(mix) if text is None else text,
            receipts=_one_of("receipts", receipts, "all", "failures", "none"),
            source=source,
            first_destination=first,
            destinations=destinations,
            seed=seed,
            resend=resend,
            patience=patience,
        )
    except ValueError as error:
        _err.print(str(error), soft_wrap=True)
        raise typer.Exit(USAGE) from None
    _react(lambda reactor: run_load(reactor, options, capture, as_json, _on_interrupt))


@app.command()
def reply(
    control: _ControlOption,
    source: Annotated[str, typer.Option("--from", help="The handset's number.")],
    destination: Annotated[str, typer.Option("--to", help="The number that it writes to.")],
    text: Annotated[str, typer.Argument(help="What it writes.")],
    carrier: _CarrierOption = None,
    account: Annotated[str | None, typer.Option(help="Account that gets it; by default the first.")] = None,
    payload: Annotated[bool, typer.Option("--payload", help="In message_payload, not in segments.")] = False,
) -> None:
    """Let a handset send a text to a running carrier."""
    arguments = {"from": source, "to": destination, "text": text, "payload": payload}
    _react(lambda reactor: _ask(reactor, control, "reply", arguments | _given(carrier, account)))


@app.command()
def counters(
    control: _ControlOption,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """What running carriers have counted."""

    async def show(reactor: Any) -> int:
        answer = await ask(reactor, control, "counters")
        if as_json:
            typer.echo(json.dumps(answer))
        else:
            show_counters(answer["carriers"], answer["faults"])
        return 0

    _react(show)


@app.command()
def tell(
    control: _ControlOption,
    do: Annotated[str, typer.Argument(help="faults, unbind, cut, alert or outbind.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="name=value …")] = None,
) -> None:
    """Have running carriers do something, e.g. `tell cut how=fin`, `tell outbind to=tcp:127.0.0.1:2775`."""
    pairs = (argument.partition("=") for argument in arguments or ())
    named = {name: int(value) if name == "connection" else value for name, _, value in pairs}
    _react(lambda reactor: _ask(reactor, control, do, named))


async def _ask(reactor: Any, control: str, do: str, arguments: dict[str, Any]) -> int:
    typer.echo(json.dumps(await ask(reactor, control, do, **arguments), ensure_ascii=False))
    return 0


def _given(carrier: str | None, account: str | None) -> dict[str, str]:
    given = {"carrier": carrier, "account": account}
    return {name: value for name, value in given.items() if value is not None}


def _one_of(option: str, value: str, *words: str) -> Any:
    if value not in words:
        raise ValueError(f"--{option}: {value!r} is none of {', '.join(words)}")
    return value


def _react(work: Callable[[Any], Coroutine[Any, Any, int]]) -> None:
    """Run a coroutine on the reactor; its result is the exit code. What people can mend is told in a line."""

    async def whole(reactor: Any) -> None:
        try:
            code = await work(reactor)
        except (ControlError, CannotListenError, ConnectError, OSError, ValueError) as error:
            _err.print(f"{type(error).__name__}: {error}", soft_wrap=True)
            code = 1
        raise SystemExit(code)

    react(lambda reactor: Deferred.fromCoroutine(whole(reactor)))


async def _on_interrupt(reactor: Any, call: Callable[[], None]) -> None:
    """Have SIGINT and SIGTERM call this. Not at once: the reactor sets its own as it starts."""
    await deferLater(reactor, 0)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: cast("IReactorCore", reactor).callFromThread(call))
