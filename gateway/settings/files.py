"""One file of a configuration becomes its model, or what is wrong with it. gateway.yaml alone is read so by
those who ask a running node: the models of the other files take half a second to import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from gateway.settings.node import Node, Section
from gateway.settings.problems import Problem, SettingsError, dotted, faults_of
from gateway.settings.secrets import reveal
from gateway.settings.yaml import Document, Fault, Mark, parse

Model = TypeVar("Model", bound=Section)
NODE = "gateway.yaml"


def read_document(
    path: Path, required: bool, revealed: Callable[[str], str]
) -> tuple[bytes | None, Document]:
    """What stands in a file, and what it says, with `revealed` done to each text in it."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        faults = [Fault(Mark(1, 1), (), "this file must be there")] if required else []
        return None, Document({}, faults=faults)
    except OSError as error:
        return None, Document(None, faults=[Fault(Mark(1, 1), (), f"cannot be read: {error.strerror}")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        mark = Mark(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        return content, Document(None, faults=[Fault(mark, (), "not UTF-8 text")])
    document = parse(text, revealed)
    empty = document.value is None and not document.faults
    return content, replace(document, value={}) if empty else document


def validated(
    document: Document, model: type[Model], context: Mapping[str, Any]
) -> tuple[Model | None, list[Fault]]:
    """The model of what a file says, None with faults."""
    faults = list(document.faults)
    section: Model | None = None
    try:
        if document.values or not faults:
            section = model.model_validate(document.value, context=dict(context))
    except ValidationError as error:
        spoiled = {fault.path for fault in faults}
        faults += [fault for fault in faults_of(error, model, document) if fault.path not in spoiled]
    return None if faults else section, faults


def load_node(directory: str | Path, environ: Mapping[str, str]) -> Node:
    """gateway.yaml alone, so that a fault in another file keeps nobody from asking a running node.

    Raises SettingsError with what is wrong in that file.
    """
    home = Path(directory)
    _, document = read_document(
        home / NODE, required=False, revealed=lambda scalar: reveal(scalar, environ, home)
    )
    node, faults = validated(document, Node, {"directory": home, "home": home})
    if node is None:
        shown = str(home / NODE)
        raise SettingsError(
            Problem(shown, *fault.mark, dotted(fault.path), fault.message) for fault in faults
        )
    return node
