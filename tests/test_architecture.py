"""The rooms of the house: imports run one way, pure rooms know no Twisted, and no module is long."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for package in ("gateway", "simulator") for path in (ROOT / package).rglob("*.py"))

VALUES = {"message", "settings", "smpp"}
MAY_IMPORT = {
    "smpp": set[str](),
    "settings": {"smpp"},
    "message": {"smpp"},
    "filters": VALUES,
    "routing": VALUES,
    "store": VALUES,
    "relay": VALUES | {"filters", "routing", "store"},
    "control": VALUES | {"filters", "routing", "store", "relay", "compiled"},
    "admin": {"store", "settings", "control"},
}
"""What each room may know besides itself. What is no room (app, cli) may know all, and no room knows it."""

PURE = ("smpp", "filters", "routing", "settings", "message")
EDGES = {"gateway/smpp/protocol.py", "gateway/smpp/writing.py"}
GENERATED = {"gateway/smpp/pdus.py"}
LONGEST = 400


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(module: str) -> str:
    """`smpp` of `gateway.smpp.codec`."""
    return [*module.split("."), ""][1]


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or inside a function; relative ones by their full name."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            bare = module in ("gateway", "simulator")
            yield from (f"{module}.{alias.name}" if bare else module for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_one_way(path: Path) -> None:
    relative = path.relative_to(ROOT)
    own = room_of(".".join(relative.with_suffix("").parts))
    for module in imports(path):
        known = module.split(".")[0]
        if relative.parts[0] == "simulator":
            assert known != "gateway" or room_of(module) == "smpp", f"the simulator knows {module}"
        else:
            assert known != "simulator", f"the gateway knows {module}"
            if known == "gateway" and own in MAY_IMPORT:
                assert room_of(module) in MAY_IMPORT[own] | {own}, f"{own} knows {module}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_pure_rooms_know_no_twisted(path: Path) -> None:
    relative = path.relative_to(ROOT)
    own = room_of(".".join(relative.with_suffix("").parts))
    if relative.parts[0] == "gateway" and own in PURE and str(relative) not in EDGES:
        assert not [module for module in imports(path) if module.split(".")[0] == "twisted"]


@pytest.mark.parametrize("path", [path for path in MODULES if name_of(path) not in GENERATED], ids=name_of)
def test_no_module_is_long(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST


def test_every_arrow_is_about_a_room() -> None:
    known = {room for rooms in MAY_IMPORT.values() for room in rooms} | set(PURE)
    assert known - {"compiled"} <= set(MAY_IMPORT)
