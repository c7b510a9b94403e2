"""JSON Schema of each file, by which editors complete and check it while it is written."""

from __future__ import annotations

from typing import Any

from gateway.settings.models import FILES
from gateway.settings.node import Section


def json_schema(file: str) -> dict[str, Any]:
    """The schema (draft 2020-12) of one of FILES, such as `routing.yaml`. Raises KeyError for other names."""
    model, _ = FILES[file]
    return schema_of(model, file)


def schema_of(model: type[Section], title: str) -> dict[str, Any]:
    """The schema of files that a model reads."""
    schema = model.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}
