"""Compiled modules are used where they fit their sources, and only there."""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType

import pytest

from gateway import compiled

ROOT = Path(__file__).parents[1]
NAME = f"gateway.smpp.codec{EXTENSION_SUFFIXES[0]}"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One source, and what was built of it; what `use` does to the path of imports is undone."""
    source = tmp_path / "smpp" / "codec.py"
    source.parent.mkdir()
    source.write_text("decode = 1\n")
    directory = tmp_path / "_compiled"
    directory.mkdir()
    (directory / NAME).touch()
    (directory / "sources.json").write_text(json.dumps({"smpp/codec.py": compiled.digest(source)}))
    monkeypatch.setattr(compiled, "ROOT", tmp_path)
    monkeypatch.setattr(compiled, "BUILT", directory)
    monkeypatch.setattr(compiled, "SOURCES", directory / "sources.json")
    monkeypatch.setattr(sys, "meta_path", sys.meta_path[:])
    return tmp_path


def found() -> str:
    """Where the codec would be imported from."""
    spec = sys.meta_path[0].find_spec("gateway.smpp.codec", None)
    return str(spec and spec.origin)


@pytest.mark.parametrize("wanted", ["auto", "must"])
def test_what_fits_is_used(built: Path, wanted: str) -> None:
    assert compiled.use(wanted) == "1 modules"
    assert found() == str(built / "_compiled" / NAME)


def test_off(built: Path) -> None:
    assert compiled.use("off").startswith("no: ")
    assert not isinstance(sys.meta_path[0], compiled.Finder)


def changed(built: Path) -> None:
    (built / "smpp" / "codec.py").write_text("decode = 2\n")


def gone(built: Path) -> None:
    (built / "smpp" / "codec.py").unlink()


def never_built(built: Path) -> None:
    (built / "_compiled" / "sources.json").unlink()


def of_another_python(built: Path) -> None:
    (built / "_compiled" / NAME).rename(built / "_compiled" / "gateway.smpp.codec.cpython-39.so")


@pytest.mark.parametrize(
    "spoil", [changed, gone, never_built, of_another_python], ids=lambda how: how.__name__
)
def test_what_does_not_fit_is_not(built: Path, spoil: object) -> None:
    assert callable(spoil)
    spoil(built)
    before = sys.meta_path[:]
    assert compiled.use("auto").startswith("no: ")
    assert sys.meta_path == before
    with pytest.raises(ImportError, match="compiled modules: no: "):
        compiled.use("must")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """tools/compile.py, which is not in a package."""
    spec = importlib.util.spec_from_file_location("compile_tool", ROOT / "tools" / "compile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_hot_module_is_there(tool: ModuleType) -> None:
    hot = tool.hot()
    named = [name for name in tool.HOT if "*" not in name]
    assert not set(named) - set(hot)
    assert not [name for name in hot if "pydantic" in (ROOT / "gateway" / name).read_text("utf-8")]
    assert not [name for name in hot if "__file__" in (ROOT / "gateway" / name).read_text("utf-8")]


def test_what_hot_modules_import_must_fit_too(tool: ModuleType) -> None:
    fitting = tool.fitting()
    assert set(tool.hot()) < set(fitting)
    assert {"smpp/constants.py", "smpp/spec.py", "settings/models.py"} < set(fitting)
    assert fitting["smpp/constants.py"] == compiled.digest(ROOT / "gateway" / "smpp" / "constants.py")
