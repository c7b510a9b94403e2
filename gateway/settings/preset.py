"""The shipped profiles of carriers: what a kind of carrier has in common, by the keys of carriers.yaml."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from gateway.settings.yaml import parse

DIRECTORY = Path(__file__).with_name("presets")


@cache
def preset_names() -> tuple[str, ...]:
    """All of them, by name."""
    return tuple(sorted(path.stem for path in DIRECTORY.glob("*.yaml")))


@cache
def _preset(name: str) -> dict[str, Any]:
    document = parse((DIRECTORY / f"{name}.yaml").read_text("utf-8"))
    assert isinstance(document.value, dict), f"the preset {name} cannot be read"
    return document.value


def with_preset(settings: Any) -> Any:
    """A carrier's settings with those of its preset beneath; mappings are laid over each other key by key.
    A preset that is not known is left to its own key to tell.
    """
    name = settings.get("preset") if isinstance(settings, dict) else None
    return _over(_preset(name), settings) if name in preset_names() else settings


def _over(beneath: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = {**beneath, **above}
    for name in beneath.keys() & above.keys():
        lower, upper = beneath[name], above[name]
        if isinstance(lower, dict) and isinstance(upper, dict):
            merged[name] = _over(lower, upper)
    return merged
