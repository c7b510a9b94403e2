"""The examples of docs/content.md: each command says what stands below it, by the files that it names."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from testing_ports import free_ports
from typer.testing import CliRunner

from gateway.cli import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "content.md").read_text("utf-8")
EXAMPLES = [
    chunk.strip()
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for chunk in block.split("$ ")[1:]
]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped configuration with the files of the page, at a port where nobody listens."""
    made = shutil.copytree(ROOT / "config", tmp_path_factory.mktemp("content") / "config")
    files = re.findall(r"```yaml\n# (\w+\.yaml)\n(.*?)```", PAGE, re.DOTALL)
    assert [name for name, _ in files] == ["filters.yaml", "accounts.yaml"]
    for name, text in files:
        (made / name).write_text(text, "utf-8")
    node = (made / "gateway.yaml").read_text("utf-8")
    moved = re.sub(r"(?m)^control: tcp:\d+", f"control: tcp:{free_ports(1)[0]}", node)
    assert moved != node
    (made / "gateway.yaml").write_text(moved, "utf-8")
    return made


def squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.splitlines()[0][:60])
def test_the_page_tells_what_is_said(config: Path, monkeypatch: pytest.MonkeyPatch, example: str) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "secret12")
    command, *told = example.splitlines()
    program, *arguments = shlex.split(command)
    assert program == "gateway"
    assert told
    done = CliRunner().invoke(app, [*arguments, "--config", str(config)])
    assert done.exit_code == 0, (done.output, done.exception)
    for line in told:
        assert squeezed(line) in squeezed(done.stdout)


def test_the_page_has_an_example_for_each_filter() -> None:
    """But for binary, which a text cannot show, and those that have pages of their own."""
    for name in ("category", "senders", "templates", "dlt", "links", "mandatory"):
        assert any(re.search(rf"(?m)^{name} ", example) for example in EXAMPLES), name
