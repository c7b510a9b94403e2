"""The published JSON Schemas, by a validator that is not ours: what ships is valid, and what is broken in its
structure is refused where an editor would show it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from test_settings_broken import CORPUS

from gateway.filters import document as packs
from gateway.settings import document
from gateway.settings.yaml import parse

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "docs" / "schema"
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)")
SHIPPED = sorted(
    path
    for pattern in ("config/*.yaml", "config/rules/*.yaml", "config/templates/*.yaml")
    for base in (ROOT, *sorted((ROOT / "docs" / "examples").iterdir()))
    for path in base.glob(pattern)
    if path.name != "demo-credentials.yaml"
)

BEYOND = {
    "not YAML, or the same key twice: the editor's parser says so": (
        "accounts-doubled-account accounts-doubled-key gateway-doubled-key routing-alias-of-itself "
        "routing-bad-indent routing-key-is-a-list routing-tab routing-tag routing-two-documents "
        "routing-two-colons routing-unclosed-quote routing-unclosed routing-undefined-alias"
    ),
    "names what stands elsewhere: in another file, another key, a table": (
        "accounts-balance-in-another-currency accounts-unknown-filter routing-unknown-account "
        "routing-unknown-carrier routing-unknown-in-a-nested-group routing-groups routing-tables "
        "routing-doubled-name accounts-validity-too-long carriers-only-receiver gateway-bad-mail"
    ),
    "a secret: an editor does not see what it refers to": (
        "accounts-bad-reference accounts-costly-hash accounts-long-password accounts-no-such-secret-file "
        "accounts-no-such-variable accounts-not-a-hash gateway-encryption-bad-keys"
    ),
    "a text with a grammar of its own: a network, an endpoint, a regular expression, a number too large": (
        "accounts-bad-network carriers-bad-endpoint carriers-port-too-high gateway-bad-control "
        "routing-bad-pattern carriers-not-finite"
    ),
}
"""The broken configurations that no schema can refuse, by the reason."""

NOT_REFUSED = {name for names in BEYOND.values() for name in names.split()}


def validator(path: Path) -> Draft202012Validator:
    return Draft202012Validator(json.loads(path.read_text("utf-8")))


def told(schema: Draft202012Validator, value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in schema.iter_errors(value)]


@pytest.mark.parametrize("name", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_each_is_a_schema(name: Path) -> None:
    Draft202012Validator.check_schema(json.loads(name.read_text("utf-8")))


@pytest.mark.parametrize("name", sorted(packs.documents()))
def test_those_of_packs_and_templates_are_fresh(name: str) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == packs.documents()[name], "run: make docs"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_ships_names_its_schema_and_is_valid(path: Path) -> None:
    text = path.read_text("utf-8")
    named = MODELINE.match(text)
    assert named is not None, "its first line names no schema"
    schema = (path.parent / named[1]).resolve()
    kind = path.parent.name if path.parent.name in packs.MODELS else path.stem
    assert schema == SCHEMAS / f"{kind}.json"
    assert told(validator(schema), parse(text).value) == []


def test_every_file_has_a_schema() -> None:
    names = {*document.documents(), *packs.documents()} - {"configuration.md"}
    assert {f"schema/{path.name}" for path in SCHEMAS.iterdir()} == names


@pytest.mark.parametrize("case", CORPUS, ids=lambda path: path.stem)
def test_what_is_broken_is_refused(case: Path) -> None:
    schema = validator(SCHEMAS / f"{case.stem.partition('-')[0]}.json")
    parsed = parse(case.read_text("utf-8"))
    refused = not parsed.faults and bool(told(schema, parsed.value))
    assert refused is (case.stem not in NOT_REFUSED)


def test_the_reasons_name_what_there_is() -> None:
    assert {case.stem for case in CORPUS} >= NOT_REFUSED
    assert len(NOT_REFUSED) < len(CORPUS) / 2
