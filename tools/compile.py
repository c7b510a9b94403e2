"""Builds the hot modules by mypyc, from the same sources, into gateway/_compiled: `make compiled`.

Needs a C compiler and Python's headers (Debian: gcc, python3-dev), and what `make dev` installs.
gateway/compiled.py puts them in the place of the Python ones. Nothing is done where they are there already,
of just these sources.

All are compiled in one group, so that they call each other directly and read each other's attributes at their
places in memory. What is named here must be typed throughout, has class attributes as ClassVar, no
asynchronous generators, and no `__file__`. A NamedTuple must not name a compiled class of a module that is
imported later: the process would end at the import.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from setuptools import setup  # before mypyc, which looks whether it is there
from setuptools._distutils.ccompiler import CCompiler

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from gateway.compiled import BUILT, SOURCES, digest  # noqa: E402

RELAY = """
accounts adapting addressing attributing batch book bucket carrier client clocks counters counting dispatch
duplicates following gathering ids inbound judging lanes matching node ordering outbound outbox pace parts
placing protection receipt_reading replies retrying spending submits submitted tell towards traffic trail
uplink usage writers
"""
STORE = "rows sealing seals vault spans journal"
HOT = (
    "message.py",
    "smpp/*.py",
    "filters/*.py",
    "routing/*.py",
    *(f"relay/{name}.py" for name in RELAY.split()),
    *(f"store/{name}.py" for name in STORE.split()),
)
NOT = (
    "*/__init__.py",
    "*/generate*.py",
    "smpp/document.py",
    "smpp/spec.py",
    "smpp/protocol.py",  # is of Twisted's classes
    "smpp/constants.py",  # enumerations with two names for one value
    "routing/places.py",  # its places are referred to weakly
    *(f"filters/{name}.py" for name in ("fold", "entries", "foundry")),  # these find data beside themselves
    "filters/glance.py",  # is of the engine of pydantic
    "filters/unhurried.py",  # all long work on words goes through it: there the interpreter may be taken over
    *(f"filters/{name}.py" for name in ("wordimport", "dltregister", "hostfiles", "listfiles", "wordfiles")),
    *(f"filters/{name}.py" for name in ("fetching", "rulepacks")),
    *(f"filters/{name}.py" for name in ("packs", "registry", "templateedits")),  # have models of pydantic
)


def hot() -> list[str]:
    """The sources to compile, `smpp/codec.py`."""
    every = sorted(str(path.relative_to(ROOT / "gateway")) for path in (ROOT / "gateway").rglob("*.py"))
    chosen = [name for name in every if any(fnmatch(name, pattern) for pattern in HOT)]
    return [name for name in chosen if not any(fnmatch(name, pattern) for pattern in NOT)]


def fitting() -> dict[str, str]:
    """The digests of all sources that what is compiled must fit: the hot ones, and those that they import,
    since final values of these are taken over.
    """
    names = hot()
    for name in hot():
        for node in ast.walk(ast.parse((ROOT / "gateway" / name).read_bytes())):
            if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("gateway")):
                names += _named(node, name)
    return {name: digest(ROOT / "gateway" / name) for name in sorted(set(names))}


def _named(node: ast.ImportFrom, importing: str) -> list[str]:
    """The sources that one import names: a module, or modules of a package."""
    module = node.module or ""
    base = ROOT / "gateway" / Path(importing).parent if node.level else ROOT
    place = base.joinpath(*module.split(".")) if module else base
    found = [place.with_suffix(".py"), *(place / f"{alias.name}.py" for alias in node.names)]
    return [str(path.relative_to(ROOT / "gateway")) for path in found if path.is_file()]


_compile = CCompiler.compile


def compile_on_all_cores(self: Any, sources: list[str], **how: Any) -> list[str]:
    """As CCompiler.compile, which takes one source after the other; the longest first."""
    sources = sorted(sources, key=os.path.getsize, reverse=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = pool.map(lambda source: _compile(self, [source], **how), sources)
        return [path for paths in made for path in paths]


def build(work: Path) -> None:
    """Compile into `work`, then put the result in the place of the last one."""
    from mypyc.build import mypycify

    sources, known = hot(), fitting()
    CCompiler.compile = compile_on_all_cores  # type: ignore[method-assign]
    extensions = mypycify(
        [f"gateway/{name}" for name in sources],
        group_name="gateway",
        opt_level=os.environ.get("MYPYC_OPT_LEVEL", "1"),
        debug_level="0",
        multi_file=True,
        target_dir=str(work / "c"),
    )
    setup(
        name="gateway-compiled",
        script_args=["--quiet", "build_ext", f"--build-lib={work / 'lib'}", f"--build-temp={work / 'o'}"],
        ext_modules=extensions,
        packages=[],
        py_modules=[],
    )
    fresh = work / "fresh"
    fresh.mkdir()
    for path in (work / "lib").rglob(f"*{sysconfig.get_config_var('EXT_SUFFIX')}"):
        shutil.move(path, fresh / ".".join(path.relative_to(work / "lib").parts))
    shutil.rmtree(BUILT, ignore_errors=True)
    shutil.move(fresh, BUILT)
    SOURCES.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    print(f"{len(sources)} modules compiled into {BUILT.relative_to(ROOT)}")


def built() -> dict[str, str]:
    """The digests of what was compiled last for this Python; empty if there is nothing."""
    if not list(BUILT.glob(f"*{sysconfig.get_config_var('EXT_SUFFIX')}")) or not SOURCES.exists():
        return {}
    digests: dict[str, str] = json.loads(SOURCES.read_text("utf-8"))
    return digests


def main() -> None:
    """Build in a directory that is there only meanwhile."""
    os.chdir(ROOT)
    if built() == fitting():
        print(f"{BUILT.relative_to(ROOT)} has what these sources make")
        return
    work = ROOT / "build" / "mypyc"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        build(work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
