"""What the commands share: their exit codes, the options that most of them have, and the running node.

Exit codes: 0 done, 1 failed, 2 wrong usage or a file that is not valid, 3 nobody answers.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from gateway.settings.models import Node

FAILED, USAGE, UNREACHABLE, BAD_CONFIGURATION = 1, 2, 3, 78

Config = Annotated[Path, typer.Option("--config", help="The directory of the configuration.")]
AsJson = Annotated[bool, typer.Option("--json", help="Data for programs on standard output.")]
Unmask = Annotated[
    bool, typer.Option("--unmask", help="Show numbers and texts whole; it is put on record, with --purpose.")
]
Purpose = Annotated[str, typer.Option("--purpose", help="Why they are shown whole; kept in the record.")]
DEFAULT_CONFIG = Path("config")


def say(text: str) -> None:
    print(text, file=sys.stderr)


def end(code: int, text: str = "") -> NoReturn:
    if text:
        say(text)
    raise typer.Exit(code)


def existing(config: Path, code: int = USAGE) -> Path:
    """The directory of the configuration; ends with `code` if there is none."""
    if not config.is_dir():
        end(code, f"{config}: no such directory; name that of the configuration with --config DIR")
    return config


def node_of(config: Path) -> Node:
    """gateway.yaml alone; ends if it cannot be used."""
    from gateway.settings.files import load_node
    from gateway.settings.problems import SettingsError

    try:
        return load_node(existing(config), os.environ)
    except SettingsError as error:
        end(USAGE, str(error))


def ask_node(
    config: Path, method: str, path: str, document: dict[str, Any] | None = None, *, reading: bool = False
) -> tuple[int, dict[str, Any]]:
    """Ask the running gateway of this configuration; ends if it does not answer. `reading`: it has to read a
    configuration first, which may take its time.
    """
    from gateway.asking import LONG, PATIENCE, Unreachable, ask

    try:
        return ask(node_of(config), method, path, document, LONG if reading else PATIENCE)
    except Unreachable as error:
        end(UNREACHABLE, str(error))


def unmasked(config: Path, unmask: bool, purpose: str, subject: str, number: str = "") -> bool:
    """Whether numbers and texts are to be shown whole: the running gateway has put it on record then, with
    who asks and why. Ends if it cannot.
    """
    if not unmask:
        return False
    document = {"subject": subject, "purpose": purpose, "number": number.lstrip("+")}
    code, answer = ask_node(config, "POST", "audit/unmask", document)
    if code != 200:
        end(USAGE, str(answer.get("problem", answer)) + ' (--purpose "…")')
    return True
