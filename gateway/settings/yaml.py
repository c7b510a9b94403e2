"""YAML 1.2 core schema, with the line and column of everything.

PyYAML composes the nodes; what a plain scalar means is decided here, since PyYAML itself reads YAML 1.1,
where `NO` is false, `21:30` is 1290 and `0123` is 83 (YAML 1.2.2, section 10.3.2). Keys are always the text
that stands there, doubled keys are refused, and no problem hides the next one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from gateway.settings.scalars import WrittenFloat, WrittenInt

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

PLAIN = "plain"
CORE_TAGS: dict[type[yaml.Node], str] = {
    yaml.ScalarNode: "tag:yaml.org,2002:str",
    yaml.SequenceNode: "tag:yaml.org,2002:seq",
    yaml.MappingNode: "tag:yaml.org,2002:map",
}
INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
LONGEST_NUMBER = 1000
MOST_VALUES = 5_000_000  # aliases of aliases could otherwise grow without end

Path = tuple[str | int, ...]


class Mark(NamedTuple):
    """A position in a file; both count from 1."""

    line: int
    column: int


class Fault(NamedTuple):
    """Something wrong at a position, in the file's own terms."""

    mark: Mark
    path: Path
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, and where it says it."""

    value: Any
    values: dict[Path, Mark] = field(default_factory=dict)
    """Where the value at a path begins."""
    keys: dict[Path, Mark] = field(default_factory=dict)
    """Where the key of that value stands; list items have none."""
    faults: list[Fault] = field(default_factory=list)

    def mark(self, path: Path) -> Mark:
        """The key's position, else the value's, else that of the nearest thing around it."""
        while path not in self.values and path:
            path = path[:-1]
        return self.keys.get(path) or self.values.get(path) or Mark(1, 1)


class _Loader(_SafeLoader):
    """Tells plain scalars from quoted ones and leaves their meaning to us."""

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: Any) -> str:
        return PLAIN if kind is yaml.ScalarNode and implicit[0] else CORE_TAGS[kind]


def plain_scalar(text: str) -> Any:
    """What an unquoted scalar means by the core schema; numbers remember how they were written."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if len(text) > LONGEST_NUMBER:
        return text
    if INT.fullmatch(text):
        integer = WrittenInt(text, 0 if text[:2] in ("0o", "0x") else 10)
        integer.written = text
        return integer
    if FLOAT.fullmatch(text):
        number = WrittenFloat(text.replace(".", "") if text[-1] in "fFnN" else text)
        number.written = text
        return number
    return text


def parse(text: str, reveal: Callable[[str], str] = str) -> Document:
    """Read one document. `reveal` is given every text and may replace it; its ValueError becomes a fault."""
    document = Document(None)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        document.faults.append(_syntax_fault(error))
        return document
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        mark = Mark(before.count("\n") + 1, error.position - before.rfind("\n"))
        document.faults.append(Fault(mark, (), f"not YAML: {error.reason}"))
        return document
    if node is None:
        return document
    reader = _Reader(document, reveal)
    value = reader.convert(node, ())
    return Document(value, document.values, document.keys, document.faults)


def _syntax_fault(error: yaml.MarkedYAMLError) -> Fault:
    at = error.problem_mark or error.context_mark
    mark = Mark(at.line + 1, at.column + 1) if at else Mark(1, 1)
    problem, context = str(error.problem or ""), str(error.context or "")
    since = f"line {error.context_mark.line + 1}" if error.context_mark else "the line before"
    for part_of_problem, part_of_context, plain in _PLAINLY:
        if part_of_problem in problem and part_of_context in context:
            return Fault(mark, (), f"not YAML: {plain.format(since=since)}")
    sentence = problem or context
    if problem and context and error.context_mark:
        sentence += f" ({context}, from {since})"
    return Fault(mark, (), f"not YAML: {sentence}")


_PLAINLY = (
    (
        "undefined alias",
        "",
        "* begins an alias, and nothing has this name: text that begins with * stands in quotes",
    ),
    ("end of stream", "quoted scalar", "the quote that opens on {since} is not closed"),
    ("tab character", "", "a tab stands in the indentation: use spaces"),
    ("another document", "", "another document begins here (---): a file holds one"),
    ("expected ',' or ']'", "", "the list that opens with [ on {since} is not closed"),
    ("expected ',' or '}'", "", "the mapping that opens with {{ on {since} is not closed"),
    ("expected '-' indicator", "", "this is indented otherwise than the list that begins on {since}"),
    ("expected key", "block mapping", "this is indented otherwise than the keys that begin on {since}"),
    (
        "mapping values are not allowed",
        "",
        "a second ': ' on one line: text that contains it stands in quotes",
    ),
    ("cannot start any token", "", "nothing can begin with this character: put the text in quotes"),
)
"""By parts of what the parser says and of its context: the same for people."""


class _Reader:
    """Turns nodes into values and notes where each of them stands."""

    def __init__(self, document: Document, reveal: Callable[[str], str]) -> None:
        self.document = document
        self.reveal = reveal
        self.around: set[int] = set()
        self.count = 0

    def convert(self, node: yaml.Node, path: Path) -> Any:
        mark = Mark(node.start_mark.line + 1, node.start_mark.column + 1)
        self.document.values[path] = mark
        self.count += 1
        if id(node) in self.around or self.count > MOST_VALUES:
            return self.fault(mark, path, "an alias must not repeat what it stands in")
        if node.tag not in (PLAIN, CORE_TAGS[type(node)]):
            return self.fault(mark, path, f"the tag {node.tag} has no meaning here")
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, mark, path)
        self.around.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.convert(item, (*path, index)) for index, item in enumerate(node.value)]
            return self.mapping(node, path)
        finally:
            self.around.discard(id(node))

    def mapping(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = Mark(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                self.fault(mark, path, "a key must be a plain word")
                continue
            inner = (*path, key_node.value)
            if key_node.value in values:
                first = self.document.keys[inner].line
                self.fault(mark, inner, f"key '{key_node.value}' is already given on line {first}")
                continue
            self.document.keys[inner] = mark
            values[key_node.value] = self.convert(value_node, inner)
        return values

    def scalar(self, node: yaml.ScalarNode, mark: Mark, path: Path) -> Any:
        value = plain_scalar(node.value) if node.tag == PLAIN else node.value
        if not isinstance(value, str):
            return value
        try:
            return self.reveal(value)
        except ValueError as error:
            return self.fault(mark, path, str(error))

    def fault(self, mark: Mark, path: Path, message: str) -> None:
        self.document.faults.append(Fault(mark, path, message))
