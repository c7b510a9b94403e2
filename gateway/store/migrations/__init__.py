"""Alembic's revisions of the schema, run when the store is opened."""

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def config(connection: Connection) -> Config:
    """Alembic's configuration for work on this connection."""
    made = Config()
    made.set_main_option("script_location", str(Path(str(files(__name__)))).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def upgrade(connection: Connection) -> None:
    """Bring the database to the newest revision. Raises CommandError if its own is unknown to us."""
    command.upgrade(config(connection), "head")
