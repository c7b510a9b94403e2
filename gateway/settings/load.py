"""A directory of YAML files becomes one frozen generation, or the list of all that is wrong with it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from gateway.settings.effects import Remark, faults_of_balances, warnings
from gateway.settings.files import read_document, validated
from gateway.settings.models import (
    FILES,
    Accounts,
    Carriers,
    Filters,
    Generation,
    Node,
    People,
    Place,
    Routing,
    Section,
)
from gateway.settings.problems import Problem, SettingsError, dotted
from gateway.settings.routes import faults_of_routing, faults_of_tables, warnings_of_tables
from gateway.settings.scalars import nearest
from gateway.settings.secrets import reveal
from gateway.settings.tables import Prices, Tables, read_table
from gateway.settings.yaml import Document
from gateway.smpp.constants import CommandStatus

Model = TypeVar("Model", bound=Section)

LARGEST_LIST = 256 << 20
"""Octets of a file that is named in the configuration and kept with it; a larger one is not read."""

UNIQUE_ROOTS = ("accounts.yaml", "carriers.yaml", "routing.yaml")


def load(
    directory: str | Path,
    environ: Mapping[str, str],
    *,
    number: int = 1,
    loaded_at: float | None = None,
    home: Path | None = None,
) -> Generation:
    """Read every file of `directory` and check it whole.

    Secrets come from `environ` and from files; relative paths are relative to `directory`, but those that
    lead out of it to `home`, of which `directory` is a copy then; `loaded_at` is unix seconds, the system's
    clock unless given. Raises SettingsError with every problem found.
    """
    reading = _Reading(Path(directory), environ, home)
    routing = reading.section(Routing)
    tables = Tables()
    if routing:
        named = reading.context["carrier"] or ()
        reading.problems += map(reading.problem, faults_of_routing(routing, named))
        tables = reading.tables(routing)
        reading.problems += map(reading.problem, faults_of_tables(routing, tables))
    node, filters, people = reading.section(Node), reading.section(Filters), reading.section(People)
    accounts, carriers = reading.section(Accounts), reading.section(Carriers)
    digest = reading.digest(
        (
            *(filters.files() if filters else ()),
            *(people.files if people is not None else ()),
            *(path for _, _, path in (routing.tables.files() if routing else ())),
        )
    )
    if accounts is not None and routing is not None:
        reading.problems += map(reading.problem, faults_of_balances(accounts, routing))
    if reading.problems or not (node and accounts and carriers and routing and filters and people):
        raise SettingsError(reading.problems)
    return Generation(
        number=number,
        digest=digest,
        loaded_at=time.time() if loaded_at is None else loaded_at,
        directory=reading.directory,
        node=node,
        accounts=accounts.accounts,
        carriers=carriers.carriers,
        routes=routing.routes,
        filters=filters,
        people=people,
        routing=routing,
        tables=tables,
        places=dict(reading.places()),
        warnings=(
            *(str(reading.problem(remark)) for remark in warnings(accounts, carriers, routing)),
            *(str(reading.problem(remark)) for remark in warnings_of_tables(routing, tables, time.time())),
            *reading.strangers(),
        ),
        texts=reading.texts,
    )


class _Reading:
    """The files of one directory while they are read."""

    def __init__(self, directory: Path, environ: Mapping[str, str], home: Path | None = None) -> None:
        self.directory = directory
        self.home = home or directory
        self.environ = environ
        self.problems: list[Problem] = []
        self.bytes: dict[str, bytes] = {}
        self.texts: dict[str, bytes] = {}
        self.documents = {file: self.read(file, required) for file, (_, required) in FILES.items()}
        self.context: dict[str, Any] = {
            "directory": directory,
            "home": self.home,
            "account": self.names("accounts.yaml", "accounts"),
            "carrier": self.names("carriers.yaml", "carriers"),
            "group": self.names("routing.yaml", "groups") or set(),
            "plugin": self.names("filters.yaml", "plugins"),
            "tenant": self.tenants(),
            "command_status": CommandStatus.__members__.keys() - {"ESME_ROK"},
        }
        self.sections = {file: self.validate(file, model) for file, (model, _) in FILES.items()}

    def section(self, model: type[Model]) -> Model | None:
        """What the file of that model says; None when it cannot be used."""
        return next((section for section in self.sections.values() if isinstance(section, model)), None)

    def names(self, file: str, key: str) -> set[str] | None:
        """The names that a file defines, even when they are defined badly; None when it cannot be read."""
        value = self.documents[file].value
        named = value.get(key) if isinstance(value, dict) else None
        return set(named) if isinstance(named, dict) else None

    def tenants(self) -> set[str] | None:
        """The tenants of all accounts; None when these cannot be read."""
        value = self.documents["accounts.yaml"].value
        accounts = value.get("accounts") if isinstance(value, dict) else None
        if not isinstance(accounts, dict):
            return None
        return {
            str(each["tenant"]) for each in accounts.values() if isinstance(each, dict) and "tenant" in each
        }

    def read(self, file: str, required: bool) -> Document:
        text, document = read_document(self.directory / file, required, self.reveal)
        if text is not None:
            self.bytes[file] = text
        return document

    def reveal(self, scalar: str) -> str:
        return reveal(scalar, self.environ, self.directory, self.home)

    def validate(self, file: str, model: type[Section]) -> Section | None:
        document = self.documents[file]
        section, faults = validated(document, model, self.context)
        shown = str(self.directory / file)
        self.problems += [Problem(shown, *fault.mark, dotted(fault.path), fault.message) for fault in faults]
        return section

    def problem(self, remark: Remark) -> Problem:
        document = self.documents[remark.file]
        shown = str(self.directory / remark.file)
        return Problem(shown, *document.mark(remark.path), dotted(remark.path), remark.message)

    def places(self) -> Iterator[tuple[str, Place]]:
        for file, document in self.documents.items():
            root = () if file in UNIQUE_ROOTS else (file.removesuffix(".yaml"),)
            for path in document.values:
                place = str(self.directory / file), document.mark(path).line
                yield dotted((*root, *path)) or file.removesuffix(".yaml"), place

    def tables(self, routing: Routing) -> Tables:
        """The tables that routing.yaml names; what is wrong in one is told at its place."""
        found: dict[str, Any] = {}
        prices: dict[str, Prices] = {}
        for kind, carrier, path in routing.tables.files():
            try:
                table, faults = read_table(kind, path.read_bytes())
            except OSError:
                continue  # `digest` tells it
            shown = self.beside(str(path))
            shown = str(self.directory / shown)
            self.problems += [Problem(shown, *fault.mark, "", fault.message) for fault in faults]
            if isinstance(table, Prices):
                prices[carrier] = table
                known = {routing.currency, *routing.exchange}
                self.problems += [
                    Problem(shown, *mark, "", f"routing.yaml has no exchange for {currency}")
                    for currency, mark in table.currencies.items()
                    if currency not in known
                ]
            else:
                found[kind] = table
        return Tables(prices=prices, **found)

    def digest(self, files: Iterable[Path]) -> str:
        """SHA-256 over what was read and over the lists and packs that it names."""
        contents = dict(self.bytes)
        for path in files:
            try:
                if path.stat().st_size > LARGEST_LIST:
                    self.problems.append(Problem(str(path), 1, 1, "", "is larger than 256 MiB"))
                else:
                    contents[str(path)] = path.read_bytes()
            except OSError as error:
                self.problems.append(Problem(str(path), 1, 1, "", f"cannot be read: {error.strerror}"))
        self.texts = {self.beside(name): content for name, content in contents.items()}
        digest = hashlib.sha256()
        for name, content in sorted(contents.items()):
            digest.update(f"{Path(name).name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()

    def beside(self, name: str) -> str:
        """A path as it is from the directory; one elsewhere stays whole."""
        path, here = self.directory.resolve() / name, self.directory.resolve()
        return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

    def strangers(self) -> Iterator[str]:
        """A misspelt optional file would silently be its defaults."""
        for path in sorted(self.directory.glob("*.y*ml")):
            hint = "" if path.name in FILES else nearest(path.stem, (Path(file).stem for file in FILES))
            if hint:
                yield f"{path}:1:1: this file is not read{hint}"
