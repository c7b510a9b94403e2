"""Alembic's revisions of the schema, run when the store is opened and is not at the newest already."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config


class UnknownRevision(Exception):
    """The database is at a revision that is none of ours."""


def config(connection: Connection) -> Config:
    """Alembic's configuration for work on this connection."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(Path(str(files(__name__)))).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def upgrade(connection: Connection) -> None:
    """Bring the database to the newest revision. Raises UnknownRevision."""
    if is_newest(connection):
        return  # without Alembic, which takes a fifth of a second to import, and 11 MiB
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(config(connection), "head")
    except CommandError as error:
        raise UnknownRevision(str(error)) from error


def is_newest(connection: Connection) -> bool:
    """Whether the database is at the newest revision: that of the last file of versions/."""
    newest = max(file.name for file in (files(__name__) / "versions").iterdir() if file.name[:4].isdigit())
    if not inspect(connection).has_table("alembic_version"):
        return False
    found = connection.scalars(text("SELECT version_num FROM alembic_version"))
    return found.all() == [newest.partition("_")[0]]
