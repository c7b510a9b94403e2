"""The worked examples of docs/examples do what they tell: each is played on real processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from worked_example import EXAMPLES, Example, named_commands

NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/expect.yaml"))


@pytest.mark.whole_way
@pytest.mark.parametrize("name", NAMES)
def test_it_comes_as_the_example_tells(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = Example(name, tmp_path)
    monkeypatch.chdir(example.home)
    monkeypatch.setenv("COLUMNS", "200")
    try:
        example.start()
        for step in example.expected["steps"]:
            example.play(step)
    finally:
        example.stop()


@pytest.mark.parametrize("name", NAMES)
def test_each_command_of_its_readme_is_played_and_none_else(name: str) -> None:
    steps = yaml.safe_load((EXAMPLES / name / "expect.yaml").read_text("utf-8"))["steps"]
    played = [step["run"] for step in steps if "run" in step and not step.get("untold")]
    assert named_commands((EXAMPLES / name / "README.md").read_text("utf-8")) == played


def test_every_example_is_listed() -> None:
    index = (EXAMPLES / "README.md").read_text("utf-8")
    directories = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
    assert directories == NAMES
    assert not [name for name in NAMES if f"({name}/README.md)" not in index]
