"""The documents speak of what is there: files, commands, options, make targets, metrics, codes, states."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

import gateway.cli
import simulator.cli
from gateway.filters.verdict import REASONS
from gateway.filters.wordlists import load_wordlists
from gateway.store.rows import State

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("examples/**/*.md")]
)
ROOMS = ("", "gateway", "simulator", "docs", "tests", "benchmarks")
PROGRAMS = {
    "gateway": typer.main.get_command(gateway.cli.app),
    "simulator": typer.main.get_command(simulator.cli.app),
}
CALL = re.compile(r"(?:\.venv/bin/|`)(gateway|simulator) ([a-z][a-z-]*)([^\n`]*)")


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def calls(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Program, command and options of every command that a document names."""
    for program, command, rest in CALL.findall(text):
        yield program, command, re.findall(r"(?<!\S)--[a-z][a-z-]*", rest.split(" && ")[0])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        if "://" not in target:
            assert (document.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_exist(document: Path) -> None:
    for name in re.findall(r"`([a-z_]+(?:/[\w.-]+)+)/?`", document.read_text("utf-8")):
        if name.split("/")[0] in ("tests", "benchmarks", "relay", "store", "filters", "settings", "smpp"):
            assert any((ROOT / room / name).exists() for room in ROOMS), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_options_exist(document: Path) -> None:
    for program, command, options in calls(document.read_text("utf-8")):
        known = PROGRAMS[program].commands  # type: ignore[attr-defined]
        assert command in known, f"{program} {command}"
        meant = [known[command], *getattr(known[command], "commands", {}).values()]
        taken = {option for each in meant for parameter in each.params for option in parameter.opts}
        assert set(options) <= taken | {"--help"}, f"{program} {command} {options}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_command_stands_in_the_readme(program: str) -> None:
    told = {command for named, command, _ in calls(text_of("README.md")) if named == program}
    assert set(PROGRAMS[program].commands) <= told  # type: ignore[attr-defined]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    named = re.findall(r"(?:`|^    |&& )make ([a-z]+)", document.read_text("utf-8"), re.MULTILINE)
    assert set(named) <= targets


def test_the_readme_names_every_document() -> None:
    readme = text_of("README.md")
    assert not [path.name for path in (ROOT / "docs").glob("*.md") if f"(docs/{path.name})" not in readme]


def test_all_generated_documents_are_made_by_make_docs() -> None:
    made = text_of("Makefile").partition("\ndocs:")[2].partition("\n\n")[0]
    for path in (ROOT / "gateway").rglob("document.py"):
        assert ".".join(path.relative_to(ROOT).with_suffix("").parts) in made


def test_every_metric_is_explained() -> None:
    source = text_of("gateway/control/metrics.py")
    counters = set(re.findall(r'CounterMetricFamily\(\s*"(\w+)"', source))
    others = set(re.findall(r'(?:Gauge|Histogram)MetricFamily\(\s*"(\w+)"', source))
    told = set(re.findall(r"`(gateway_\w+)`", text_of("docs/operating.md")))
    assert told == {f"{name}_total" for name in counters} | others


def test_every_reason_and_state_is_explained() -> None:
    text = text_of("docs/architecture.md")
    assert not [name for name in REASONS if name not in text]
    assert not [state.name for state in State if state.name not in text]


def test_the_word_of_the_readme_is_refused() -> None:
    words, problems = load_wordlists([ROOT / "config" / "words" / "demo.txt"])
    assert not problems
    section = text_of("README.md").partition("## Why was this refused?")[2].partition("\n## ")[0]
    sent = re.findall(r'gateway send --as shop --to \d+ "([^"]+)"', section)
    assert sent
    for text in sent:
        (hit,) = words.scan(text)
        assert hit.entry.severity.name == "REJECT"
        assert f"demo.txt:{hit.entry.line}" in text_of("README.md")


def test_the_picture_reads_in_the_dark_and_aloud() -> None:
    picture = text_of("docs/way-of-a-message.svg")
    assert "prefers-color-scheme: dark" in picture
    assert "<title" in picture
    assert "<desc" in picture
