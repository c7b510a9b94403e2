"""Broken configurations: each is refused with all that is wrong, at the right place, in a helpful sentence.

Each file of broken/ takes the place of one file of base/: the one that its name begins with. Its first lines
are the problems that must be found, in order, without the file's name.
"""

import shutil
from pathlib import Path

import pytest

from gateway.settings.load import load
from gateway.settings.problems import Problem, SettingsError

HERE = Path(__file__).parent
ENVIRON = {"BANK": "bankpass", "ALPHA": "alphapwd", "LONG": "much too long"}
CORPUS = sorted((HERE / "broken").glob("*.yaml"))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A configuration without faults."""
    return shutil.copytree(HERE / "base", tmp_path / "config")


def problems(directory: Path) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as refused:
        load(directory, ENVIRON)
    return refused.value.problems


def test_the_base_is_sound(directory: Path) -> None:
    assert load(directory, ENVIRON).warnings == ()


@pytest.mark.parametrize("case", CORPUS, ids=lambda path: path.stem)
def test_broken(case: Path, directory: Path) -> None:
    target = directory / f"{case.stem.partition('-')[0]}.yaml"
    text = case.read_text("utf-8")
    target.write_text(text, "utf-8")
    expected = [line[2:] for line in text.splitlines() if line.startswith("# ") and ": " in line]
    found = [
        str(problem).removeprefix(f"{target}:").replace(f"{directory}/", "")
        for problem in problems(directory)
    ]
    assert found == expected


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 100


def test_all_files_are_told_at_once(directory: Path) -> None:
    for name in ("accounts-unknown-key", "routing-unknown-carrier", "gateway-unknown-section"):
        shutil.copy(HERE / "broken" / f"{name}.yaml", directory / f"{name.partition('-')[0]}.yaml")
    assert [Path(problem.file).name for problem in problems(directory)] == [
        "accounts.yaml",
        "accounts.yaml",
        "gateway.yaml",
        "routing.yaml",
    ]


@pytest.mark.parametrize("name", ["accounts.yaml", "carriers.yaml", "routing.yaml"])
def test_a_required_file_is_missing(name: str, directory: Path) -> None:
    (directory / name).unlink()
    found = [problem for problem in problems(directory) if problem.path == ""]
    assert [str(problem) for problem in found] == [f"{directory / name}:1:1: this file must be there"]


def test_a_missing_file_hides_no_names(directory: Path) -> None:
    (directory / "carriers.yaml").unlink()
    assert len(problems(directory)) == 1


def test_a_directory_for_a_file(directory: Path) -> None:
    (directory / "filters.yaml").mkdir()
    assert str(problems(directory)[0]) == f"{directory / 'filters.yaml'}:1:1: cannot be read: Is a directory"


def test_no_utf8(directory: Path) -> None:
    (directory / "gateway.yaml").write_bytes(b"logs:\n  level: \xe9tat\n")
    assert str(problems(directory)[0]) == f"{directory / 'gateway.yaml'}:2:10: not UTF-8 text"


def test_control_character(directory: Path) -> None:
    (directory / "gateway.yaml").write_bytes(b"logs:\n  level: \x01\n")
    first = problems(directory)[0]
    assert (first.line, first.column) == (2, 10)
    assert first.message.startswith("not YAML")


def test_a_byte_order_mark_is_no_fault(directory: Path) -> None:
    (directory / "gateway.yaml").write_bytes(b"\xef\xbb\xbfname: north\r\nlogs:\r\n")
    generation = load(directory, ENVIRON)
    assert generation.node.name == "north"
    assert generation.node.logs.format == "text"


def test_a_secret_is_never_told(directory: Path) -> None:
    shutil.copy(HERE / "broken" / "accounts-long-password.yaml", directory / "accounts.yaml")
    with pytest.raises(SettingsError) as refused:
        load(directory, ENVIRON)
    assert ENVIRON["LONG"] not in str(refused.value)
