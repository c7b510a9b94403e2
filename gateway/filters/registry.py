"""Registries of templates: YAML files, one a tenant; brought in from and written out as CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from daachorse import CharwiseDoubleArrayAhoCorasick
from pydantic import AfterValidator, Field, ValidationError

from gateway.filters.matching import Effort, Pattern, parse_pattern
from gateway.settings.content import RegisterId
from gateway.settings.node import Section
from gateway.settings.problems import Problem, dotted, faults_of
from gateway.settings.scalars import Category, Text
from gateway.settings.yaml import Fault, Mark, parse

MOST_IN_VARIABLE = 30
"""Characters that the Indian registers allow in one variable."""

COLUMNS = ("name", "text", "categories", "state", "id", "headers")


def _pattern(text: str) -> str:
    parse_pattern(text)
    return text


FEW = 8
"""Templates up to which it is asked for one after the other whether a text may be any of them."""


class Template(Section):
    """A registered text with typed variables."""

    name: Text
    """What records call it; unique in the registry."""
    text: Annotated[Text, AfterValidator(_pattern)]
    """The text, with variables such as `{code:digits(4-6)}`."""
    categories: tuple[Category, ...] = ()
    """For these alone; none named: for all."""
    state: Literal["approved", "paused", "shadow"] = "approved"
    """A paused one lets nothing pass; nor does one in shadow, whose texts are recorded and counted."""
    id: RegisterId | None = None
    """Its id in a register of the operators, as in India."""
    headers: tuple[Text, ...] = ()
    """The registered headers that it may go out under, as in India; none named: all."""


class RegistryFile(Section):
    """One file: the templates of a tenant."""

    tenant: Text
    templates: Annotated[tuple[Template, ...], Field(min_length=1)]


class Registered(NamedTuple):
    """A template ready to match, where it stands, and which edit gave it or its state."""

    template: Template
    pattern: Pattern
    place: str
    edit: str = ""


class Registry:
    """The templates of one tenant. Of many, one search for what each must contain finds the few to try: of
    its pieces that which the fewest others have. The search is shared with the registry `before`, if it looks
    for the same.
    """

    __slots__ = ("_anchors", "_finder", "by_id", "by_name", "entries")

    def __init__(self, entries: Iterable[Registered], before: Registry | None = None) -> None:
        self.entries = tuple(entries)
        self.by_name = {entry.template.name: entry for entry in self.entries}
        self.by_id = {entry.template.id: entry for entry in self.entries if entry.template.id}
        shared = Counter(piece for entry in self.entries for piece in set(_literals(entry)))
        self._anchors = [
            min(_literals(entry), key=lambda piece: (shared[piece], -len(piece))) for entry in self.entries
        ]
        self._finder: CharwiseDoubleArrayAhoCorasick
        if before is not None and before._anchors == self._anchors:
            self._finder = before._finder
        else:
            self._finder = CharwiseDoubleArrayAhoCorasick(self._anchors)

    def may_match(self, text: str) -> bool:
        """Whether it is worth to look for the templates of a text, as far as a look at few of them tells."""
        anchors = self._anchors
        if len(anchors) > FEW:
            return True
        for anchor in anchors:  # noqa: SIM110  (a generator would cost as much again)
            if anchor in text:
                return True
        return False

    def matching(self, text: str, allowed: Callable[[str], bool]) -> list[Registered]:
        """Every template that the text is one of, paused ones too."""
        hits = self._finder.find_overlapping(text)
        if not hits:
            return []
        tried = dict.fromkeys(index for _, _, index in hits)
        effort = Effort()
        entries = self.entries
        return [entries[index] for index in tried if entries[index].pattern.matches(text, allowed, effort)]


def _literals(entry: Registered) -> list[str]:
    """The pieces that stand in every text of a template; `parse_pattern` sees to it that there is one."""
    return [piece for piece in entry.pattern.pieces if isinstance(piece, str) and piece.strip()]


def read_registry(path: Path) -> tuple[str, Registry | None, list[Problem]]:
    """The tenant and registry of a file, or None and everything that is wrong with it. Raises OSError."""
    document = parse(path.read_text("utf-8", errors="replace"))
    faults = list(document.faults)
    file: RegistryFile | None = None
    if not faults:
        try:
            file = RegistryFile.model_validate(document.value)
        except ValidationError as error:
            faults = faults_of(error, RegistryFile, document)
    entries: list[Registered] = []
    if file is not None:
        seen: set[str] = set()
        for index, template in enumerate(file.templates):
            mark = document.mark(("templates", index))
            entry = Registered(template, parse_pattern(template.text), f"{path.name}:{mark.line}")
            faults += [Fault(mark, ("templates", index), what) for what in _wrong(entry, seen)]
            seen.add(template.name)
            entries.append(entry)
    problems = [_problem(path, fault) for fault in faults]
    if file is None or problems:
        return "", None, problems
    return file.tenant, Registry(entries), []


def _wrong(entry: Registered, seen: set[str]) -> Iterable[str]:
    if entry.template.name in seen:
        yield f"a template '{entry.template.name}' is already given above"
    yield from unfit(entry)


def unfit(entry: Registered) -> Iterable[str]:
    """What is wrong with a template that has an id of a register."""
    if entry.template.id is not None:
        for piece in entry.pattern.pieces:
            if not isinstance(piece, str) and piece.characters is not None and piece.most > MOST_IN_VARIABLE:
                yield f"{{{piece.name}}}: the register allows {MOST_IN_VARIABLE} characters"


def _problem(path: Path, fault: Fault) -> Problem:
    mark: Mark = fault.mark
    return Problem(str(path), mark.line, mark.column, dotted(fault.path), fault.message)


def export_csv(templates: Iterable[Template]) -> str:
    """Templates as CSV with the head COLUMNS; several categories with `|` between them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in templates:
        writer.writerow(
            (one.name, one.text, "|".join(one.categories), one.state, one.id or "", "|".join(one.headers))
        )
    return out.getvalue()


def import_csv(text: str) -> tuple[list[Template], list[str]]:
    """Templates of such a CSV, and what is wrong with the others, by line. What has no state is paused."""
    templates, problems = [], []
    reader = csv.DictReader(io.StringIO(text, newline=""))
    for row in reader:
        given = {name: value for name, value in row.items() if name in COLUMNS and value}
        values: dict[str, object] = {"state": "paused", **given}
        for several in ("categories", "headers"):
            if several in given:
                values[several] = tuple(given[several].split("|"))
        try:
            templates.append(Template.model_validate(values))
        except ValidationError as error:
            said = "; ".join(f"{dotted(each['loc'])}: {each['msg']}" for each in error.errors())
            problems.append(f"line {reader.line_num}: {said}")
    return templates, problems
