"""The command that watches PDUs: gateway trace."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli_common import (
    DEFAULT_CONFIG,
    FAILED,
    UNREACHABLE,
    USAGE,
    AsJson,
    Config,
    Purpose,
    Unmask,
    end,
    node_of,
    say,
)


def add_to(app: typer.Typer) -> None:
    """Make it known."""
    app.command()(trace)


def trace(
    account: Annotated[
        str, typer.Option(help="The PDUs of this account's sessions, refused binds too.")
    ] = "",
    carrier: Annotated[str, typer.Option(help="Those of this carrier's binds.")] = "",
    number: Annotated[str, typer.Option(help="Those about this number, and their answers.")] = "",
    how_long: Annotated[str, typer.Option("--for", help="How long, 10m at the most.")] = "60s",
    count: Annotated[int, typer.Option(help="How many PDUs.", min=1, max=10_000)] = 1000,
    pcap: Annotated[Path | None, typer.Option(help="Write them into this file, for Wireshark.")] = None,
    unmask: Unmask = False,
    purpose: Purpose = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Watch the PDUs of an account, a carrier or a number at the running gateway, decoded; numbers and texts
    are masked unless unmasked, and passwords always.
    """
    from gateway.asking import Unreachable
    from gateway.settings.scalars import parse_duration
    from gateway.traces import Capture, Refused, line, watched

    try:
        seconds = parse_duration(how_long)
    except ValueError as error:
        end(USAGE, f"--for {how_long}: {error}")
    asked: dict[str, Any] = {"account": account, "carrier": carrier, "number": number.lstrip("+")}
    asked |= {"seconds": seconds, "count": count, "whole": unmask, "purpose": purpose}
    node, seen = node_of(config), 0
    try:
        with Capture(pcap) if pcap is not None else nullcontext() as capture:
            for told in watched(node, asked):
                if "begin" in told:
                    say(f"watching {told['begin']} for {told['seconds']:g} s, {told['count']} PDUs at most")
                    continue
                if "end" in told:
                    lost = f"; {told['dropped']} were dropped: they came too fast" if told["dropped"] else ""
                    say(f"{seen} PDUs; {told['end']}{lost}")
                    return
                seen += 1
                if capture is not None:
                    capture.write(told)
                if as_json:
                    print(json.dumps(told, ensure_ascii=False), flush=True)
                elif capture is None:
                    print(line(told), flush=True)
    except Refused as error:
        end(USAGE, str(error))
    except Unreachable as error:
        end(UNREACHABLE, str(error))
    except OSError as error:
        end(FAILED, f"{pcap}: {error.strerror}")
    except KeyboardInterrupt:
        say(f"{seen} PDUs")
        return
    end(FAILED, f"{seen} PDUs; the gateway ended the trace without a word")
