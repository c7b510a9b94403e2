"""What is wrong with a configuration, told to whoever must repair it."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.settings.node import Section
from gateway.settings.scalars import nearest
from gateway.settings.yaml import Document, Fault, Path


class Problem(NamedTuple):
    """One thing that is wrong. Line and column count from 1; path is dotted, empty for a whole file."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: "
        return f"{where}{self.path}: {self.message}" if self.path else f"{where}{self.message}"


class SettingsError(Exception):
    """A configuration that cannot be used, with everything that is wrong with it, in order of place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


EMPTY = "''"
"""How a key without a name is told."""


def dotted(path: Path) -> str:
    """`('routes', 2, 'carriers', 0)` as `routes[2].carriers[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part or EMPTY}" for part in path)
    return text.removeprefix(".")


SENTENCES: Mapping[str, str] = {
    "missing": "required key '{key}' is missing",
    "extra_forbidden": "unknown key '{key}'{hint}",
    "literal_error": "'{input}' is not possible{hint}: use {expected}",
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "path_type": "must be the path of a file",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list, such as [first, second]",
    "too_short": "must not be empty",
    "too_long": "must have at most {max_length} characters",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "pattern_type": "must be a regular expression",
    "pattern_regex": "'{input}' is not a regular expression",
}


def faults_of(error: ValidationError, model: type[Section], document: Document) -> list[Fault]:
    """Each error of a model as a fault at its place in the document."""
    errors = error.errors(include_url=False)
    # A list whose every item is wrong counts as too short as well.
    told = [details for details in errors if details["type"] != "too_short" or not details["input"]]
    return [_fault(details, model, document) for details in told]


def _fault(details: ErrorDetails, model: type[Section], document: Document) -> Fault:
    kind, loc, given = details["type"], details["loc"], details["input"]
    path = _known_path(loc, document)
    last = loc[-1] if loc else ""  # a file that is no mapping has its fault at its root
    context: dict[str, Any] = {**details.get("ctx", {}), "key": last, "input": given, "hint": ""}
    if kind == "extra_forbidden":
        context["hint"] = nearest(str(loc[-1]), _names(model, path[:-1]))
    elif kind == "literal_error":
        context["hint"] = nearest(str(given), _choices(context["expected"]))
    at_key = kind in ("missing", "extra_forbidden", "model_type") or loc[-1] == "[key]"
    mark = document.mark(path) if at_key else document.values.get(path, document.mark(path))
    if kind == "value_error":
        sentence = str(context["error"])
    elif given is None and kind != "missing":
        sentence = "must not be empty"
    else:
        known = SENTENCES.get(kind)
        sentence = details["msg"] if known is None else known.format_map(context)
        if "word" in loc and context.get("expected") == "'all'":
            sentence += ", or a mapping of filters to modes, such as {words: enforce}; {} for none"
    return Fault(mark, path, sentence)


def _known_path(loc: tuple[int | str, ...], document: Document) -> Path:
    """`loc` without the names of union members and of missing keys, which stand in no file."""
    path: Path = ()
    for part in loc:
        if (*path, part) in document.values:
            path = (*path, part)
    return path


def _choices(expected: str) -> list[str]:
    """The words of pydantic's `'a', 'b' or 'c'`."""
    return expected.replace("'", "").replace(" or ", ", ").split(", ")


def _names(model: type[Section], path: Path) -> list[str]:
    """The keys that the section at `path` knows."""
    found: Any = model
    for part in path:
        found = _inside(found, part)
    return list(found.model_fields) if found else []


def _inside(annotation: Any, part: str | int) -> Any:
    """The type of what stands at `part` in a value of this type, bare of Annotated and null, if known."""
    found: Any = None
    if isinstance(annotation, type) and issubclass(annotation, Section):
        field = annotation.model_fields.get(str(part))
        found = field and field.annotation
    elif get_origin(annotation) is tuple:
        found = get_args(annotation)[0]
    elif get_origin(annotation) is dict:
        found = get_args(annotation)[1]
    while get_origin(found) in (Annotated, Union, types.UnionType):
        found = get_args(found)[0]
    return found
