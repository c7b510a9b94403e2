"""JSON Schemas of rule packs and of registries of templates: `python -m gateway.filters.document docs`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gateway.filters.packs import Pack
from gateway.filters.registry import RegistryFile
from gateway.settings.node import Section
from gateway.settings.schema import schema_of

MODELS: dict[str, type[Section]] = {"rules": Pack, "templates": RegistryFile}
"""By the name of the directory below the configuration in which such files lie."""


def documents() -> dict[str, str]:
    """The schemas by their paths below docs/."""
    return {
        f"schema/{name}.json": json.dumps(schema_of(model, f"{name}/*.yaml"), indent=2, ensure_ascii=False)
        + "\n"
        for name, model in MODELS.items()
    }


if __name__ == "__main__":
    docs = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    for name, text in documents().items():
        (docs / name).write_text(text, "utf-8")
