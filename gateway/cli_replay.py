"""What `gateway replay` tells: what another configuration would have done with stored messages."""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection

from gateway.past import in_force_at
from gateway.replay import Replay, Replayed
from gateway.settings.load import load
from gateway.settings.models import Generation, Node
from gateway.settings.problems import SettingsError
from gateway.settings.scalars import parse_duration
from gateway.stored import store_of


def replayed(node: Node, config: Path, against: Path, since: str, most: int) -> Replayed:
    """Everything accepted in the time `since`, judged by the configuration in `against`.

    Raises SettingsError, ValueError with what is wrong in its lists or in `since`, and Unreadable.
    """
    back = parse_duration(since)
    if not isinstance(back, float | int):
        raise ValueError(f"--since {since}: no length of time such as 30m, 1h or 7d")
    candidate = load(against, os.environ)
    with store_of(node, config) as connection, TemporaryDirectory() as directory:
        replay = Replay(candidate, most, _in_force(connection, config, Path(directory) / "config"))
        return replay.run(connection, int((time.time() - back) * 1000))


def _in_force(connection: Connection, config: Path, directory: Path) -> Generation | None:
    """The configuration to compare with: that of the generation in force, as the store has it, since its
    files may have been edited; None if it cannot be used any more.
    """
    try:
        return in_force_at(connection, config, time.time(), directory)[1]
    except SettingsError:
        return None


def tell_replayed(result: Replayed) -> None:
    """The result for people."""
    print(f"{result.judged} judged again, {result.changed} would change")
    for why, count in result.skipped.items():
        print(f"{count} not judged again: {why}")
    for kind, count in result.kinds.most_common():
        print(f"  {count:>7}  {kind}")
    for change in result.changes:
        by = f", by rule {change.rule!r}" + (f" ({change.place})" if change.place else "")
        print(
            f"  {change.id} of {change.account} to {change.to}, {change.accepted}: "
            f"{change.before} -> {change.after}{by if change.rule else ''}"
        )
