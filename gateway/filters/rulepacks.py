"""Reads config/rules/*.yaml: each file a pack, all of them a book, or everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from gateway.filters.calendars import Calendar
from gateway.filters.packs import SECTIONS, Pack
from gateway.filters.rulebook import Calendars, PlacedPack, RuleBook
from gateway.settings.problems import Problem, dotted, faults_of
from gateway.settings.scalars import nearest
from gateway.settings.yaml import Document, Fault, parse
from gateway.settings.yaml import Path as Keys


class PackFile(NamedTuple):
    """A pack as it was read, with where everything in it stands. `name` is the file as people call it."""

    name: str
    pack: Pack
    document: Document

    def problem(self, keys: Keys, message: str) -> Problem:
        """Something wrong with the value at a path of keys."""
        return _problem(
            self.name, Fault(self.document.values.get(keys, self.document.mark(keys)), keys, message)
        )

    def placed(self) -> PlacedPack:
        """The pack with the places of its rules."""
        places = {
            (section, index): f"{self.name}:{self.document.mark((section, index)).line}"
            for section in SECTIONS
            for index in range(len(getattr(self.pack, section)))
        }
        return PlacedPack(self.pack, places)


def load_packs(directory: Path, calendars: Calendars | None = None) -> tuple[RuleBook | None, list[Problem]]:
    """The book of all packs in a directory, or None and every problem with them. Raises OSError."""
    texts = {
        f"{directory.name}/{path.name}": path.read_text(encoding="utf-8", errors="replace")
        for path in sorted(directory.glob("*.yaml"))
    }
    return read_packs(texts.items(), calendars)


def read_packs(
    texts: Iterable[tuple[str, str]], calendars: Calendars | None = None
) -> tuple[RuleBook | None, list[Problem]]:
    """The same from names of files and what stands in them."""
    files, problems = [], []
    for name, text in texts:
        file, found = read_pack(name, text)
        problems += found
        if file is not None:
            files.append(file)
    if not problems:
        for file in files:
            problems += check_pack(file, files)
    if problems:
        return None, sorted(problems)
    return RuleBook([file.placed() for file in files], calendars), []


def read_pack(name: str, text: str) -> tuple[PackFile | None, list[Problem]]:
    """One pack, or None and what is wrong with it by itself."""
    document = parse(text)
    faults = list(document.faults)
    pack = None
    if not faults:
        try:
            pack = Pack.model_validate(document.value)
        except ValidationError as error:
            faults = faults_of(error, Pack, document)
    if pack is None:
        return None, [_problem(name, fault) for fault in faults]
    return PackFile(name, pack, document), []


def check_pack(file: PackFile, files: list[PackFile]) -> Iterator[Problem]:
    """What is wrong with a pack among others: doubled names, and names that name nothing."""
    yield from _check_names(file, files)
    regions = {region for other in files for region in other.pack.area_codes}
    seen: set[str] = set()
    for section in SECTIONS:
        for index, rule in enumerate(getattr(file.pack, section)):
            if rule.rule in seen:
                yield file.problem((section, index, "rule"), f"a rule '{rule.rule}' is already given above")
            seen.add(rule.rule)
            for place, source in enumerate(rule.source):
                if source not in file.pack.sources:
                    hint = nearest(source, file.pack.sources)
                    yield file.problem(
                        (section, index, "source", place), f"no source '{source}'{hint} is listed"
                    )
            for place, region in enumerate(rule.regions):
                if region not in regions:
                    hint = nearest(region, regions)
                    yield file.problem(
                        (section, index, "regions", place), f"no area codes of '{region}'{hint}"
                    )
            if rule.since and rule.until and rule.until <= rule.since:
                yield file.problem((section, index, "until"), "it ends before it begins")
    for index, window in enumerate(file.pack.windows):
        if window.calendar is not None:
            try:
                Calendar(window.calendar.country, window.calendar.region).load()
            except ValueError as error:
                yield file.problem(("windows", index, "calendar"), str(error))


def _check_names(file: PackFile, files: list[PackFile]) -> Iterator[Problem]:
    by_name = {other.pack.pack: other for other in reversed(files)}
    pack = file.pack
    if by_name[pack.pack] is not file:
        yield file.problem(("pack",), f"'{pack.pack}' is already in {by_name[pack.pack].name}")
    for index, country in enumerate(pack.countries):
        owner = next(other for other in files if country in other.pack.countries)
        if owner is not file:
            yield file.problem(("countries", index), f"'{country}' is already in {owner.name}")
    if pack.extends is not None and pack.extends not in by_name:
        hint = nearest(pack.extends, by_name)
        yield file.problem(("extends",), f"no pack is called '{pack.extends}'{hint}")
    chain, above = {pack.pack}, pack.extends
    while above in by_name:
        if above in chain:
            yield file.problem(("extends",), f"'{pack.pack}' extends itself")
            break
        chain.add(above)
        above = by_name[above].pack.extends


def _problem(name: str, fault: Fault) -> Problem:
    return Problem(name, fault.mark.line, fault.mark.column, dotted(fault.path), fault.message)
