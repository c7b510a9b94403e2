"""Commands about copies of the embedded store: gateway backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli_common import DEFAULT_CONFIG, FAILED, USAGE, Config, end, node_of, say


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.command()(backup)
    app.command()(restore)


def backup(
    to: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Copy the embedded store while traffic flows, and check the copy. A running gateway records it."""
    from rich.console import Console
    from rich.progress import Progress

    from gateway.asking import Unreachable, ask
    from gateway.copies import CannotCopy, back_up, database_of
    from gateway.store.opening import where

    node = node_of(config)
    try:
        source = database_of(node, config)
        try:
            ask(node, "POST", "privacy/backup", {"file": str(to.absolute())})
        except Unreachable:
            say("no gateway runs: this copy is not on record, and an erasure will not name it")
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(to.name, total=None)
            copied = back_up(
                source, to, lambda done, total: progress.update(task, completed=done, total=total)
            )
    except CannotCopy as error:
        end(FAILED, str(error))
    say(f"{to}: sound, " + ", ".join(f"{count} {name}" for name, count in copied.rows.items() if count))
    if node.encryption.keys is None and where(node, config).exists():
        say(f"its keys are not in it: keep a copy of {where(node, config)}, somewhere else")


def restore(
    copy: Annotated[Path, typer.Argument(help="The copy that `gateway backup` has made.")],
    undecided: Annotated[
        str,
        typer.Option(
            help="What was not with a carrier yet, and may have been sent since: `unknown` ends it so, "
            "`hold` has a person decide (gateway review), `resend` sends it, again perhaps."
        ),
    ] = "unknown",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Put a copy in the place of the embedded store, while no gateway runs. The store before is put aside."""
    from gateway.asking import user
    from gateway.copies import POLICIES, CannotCopy, put_back

    if undecided not in POLICIES:
        end(USAGE, f"--undecided is one of {', '.join(POLICIES)}")
    try:
        copied = put_back(node_of(config), config, copy, undecided, user())
    except CannotCopy as error:
        end(FAILED, str(error))
    say(f"restored: {copied.rows['message']} messages, {copied.undecided} of them undecided: {undecided}")
    if copied.aside is not None:
        say(f"the store before is {copied.aside}")
    say(
        "What people have said since the copy was made is not in it: bring opt-outs in again (gateway "
        "suppress import) before promotions go out. Clients may get receipts a second time."
    )
