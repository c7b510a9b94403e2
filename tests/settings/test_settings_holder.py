"""Generations take each other's place whole or not at all."""

import shutil
from pathlib import Path

import pytest

from gateway.settings.holder import Generations
from gateway.settings.models import Generation
from gateway.settings.problems import SettingsError

BASE = Path(__file__).parent / "base"
ENVIRON = {"BANK": "bankpass", "ALPHA": "alphapwd"}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return shutil.copytree(BASE, tmp_path / "config")


def test_a_sound_reload_is_swapped_and_told(directory: Path) -> None:
    clock = iter([100.0, 200.0])
    generations = Generations(directory, ENVIRON, lambda: next(clock))
    first = generations.current
    told: list[tuple[Generation, Generation]] = []
    generations.subscribe(lambda old, new: told.append((old, new)))
    (directory / "gateway.yaml").write_text("name: north\n", "utf-8")
    assert generations.reload() == ()
    second = generations.current
    assert told == [(first, second)]
    assert (first.number, first.loaded_at, first.node.name) == (1, 100.0, "node")
    assert (second.number, second.loaded_at, second.node.name) == (2, 200.0, "north")


def test_a_broken_reload_changes_nothing(directory: Path) -> None:
    generations = Generations(directory, ENVIRON, lambda: 100.0, number=7)
    first = generations.current
    generations.subscribe(lambda old, new: pytest.fail("told of a swap that was none"))
    (directory / "routing.yaml").write_text("routes: []\n", "utf-8")
    (problem,) = generations.reload()
    assert problem.message == "must not be empty"
    assert generations.current is first
    (directory / "routing.yaml").unlink()
    assert generations.reload()
    assert generations.current is first


def test_numbers_count_only_what_was_in_force(directory: Path) -> None:
    generations = Generations(directory, ENVIRON, lambda: 100.0, number=7)
    (directory / "gateway.yaml").write_text("nome: north\n", "utf-8")
    assert generations.reload()
    (directory / "gateway.yaml").write_text("name: north\n", "utf-8")
    assert generations.reload() == ()
    assert generations.current.number == 8


def test_a_broken_start_is_none(directory: Path) -> None:
    (directory / "accounts.yaml").unlink()
    with pytest.raises(SettingsError):
        Generations(directory, ENVIRON, lambda: 100.0)


def test_what_a_copy_names_outside_of_it_is_beside_the_original(directory: Path, tmp_path: Path) -> None:
    carriers = directory / "carriers.yaml"
    carriers.write_text(carriers.read_text("utf-8").replace("${ALPHA}", "${file:../alpha.txt}"), "utf-8")
    (tmp_path / "alpha.txt").write_text("alphapwd\n", "utf-8")
    generations = Generations(directory, ENVIRON, lambda: 100.0)
    copy = shutil.copytree(directory, tmp_path / "state" / "generations" / "1")
    with pytest.raises(SettingsError):
        generations.read_from(copy)
    assert generations.read_from(copy, directory).carriers == generations.current.carriers
