"""Compiled modules in the place of the Python ones, where they were built of just these sources.

`make compiled` (tools/compile.py) builds them into `gateway/_compiled`, beside a file that names the sources,
and those that they import, by their digests. If one of them has changed, none is used: they know each other's
insides.
`GATEWAY_COMPILED` in the environment says what is wanted: `auto` (where they fit), `off`, or `must`, which
raises ImportError without.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent
BUILT = ROOT / "_compiled"
SOURCES = BUILT / "sources.json"


class Finder:
    """Finds modules at the paths that it is given."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self.paths = paths

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        found = self.paths.get(fullname)
        return spec_from_file_location(fullname, found) if found is not None else None


def digest(source: Path) -> str:
    """What tells one state of a source from another."""
    return sha256(source.read_bytes()).hexdigest()


def changed(sources: Mapping[str, str]) -> list[str]:
    """Those sources, `smpp/codec.py`, that are not what was compiled."""
    return [name for name, known in sources.items() if not _is(ROOT / name, known)]


def _is(source: Path, known: str) -> bool:
    try:
        return digest(source) == known
    except FileNotFoundError:
        return False


def use(wanted: str) -> str:
    """Have what was built found from now on; in words, what is in use. Raises ImportError if it must be and
    cannot.
    """
    if wanted == "off":
        return "no: GATEWAY_COMPILED is off"
    why = ""
    try:
        sources: dict[str, str] = json.loads(SOURCES.read_text("utf-8"))
        if others := changed(sources):
            why = f"no: {len(others)} sources have changed since ({others[0]})"
    except FileNotFoundError:
        why = "no: not built"
    suffix = EXTENSION_SUFFIXES[0]
    built = {path.name.removesuffix(suffix): path for path in BUILT.glob(f"*{suffix}")}
    if not why and not built:
        why = f"no: built for another Python than this ({suffix})"
    if why:
        if wanted == "must":
            raise ImportError(f"compiled modules: {why}")
        return why
    sys.meta_path.insert(0, Finder(built))
    return f"{sum(name.startswith('gateway.') for name in built)} modules"


IN_USE = use(os.environ.get("GATEWAY_COMPILED", "auto"))
"""What is in use, in words: a number of modules, or `no: …` and why."""
