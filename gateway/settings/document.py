"""Writes docs/configuration.md and docs/schema/ from the models: `python -m gateway.settings.document`."""

from __future__ import annotations

import inspect
import json
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from gateway.settings.accounts import FilterModes, FilterName
from gateway.settings.carriers import StatusNumber
from gateway.settings.models import FILES, Section
from gateway.settings.modes import Modes
from gateway.settings.node import MailAddress
from gateway.settings.rewriting import TagName, TlvValue
from gateway.settings.scalars import (
    AccountName,
    CarrierName,
    ClientEndpoint,
    ConfigDirectory,
    ConfigFile,
    ConfigPath,
    Count,
    Duration,
    Flag,
    FreeText,
    Network,
    Number,
    Octet,
    Prefix,
    ServerEndpoint,
    Share,
    StatusName,
    SystemId,
    Text,
    Timer,
    TimeZone,
    WebAddress,
    format_duration,
)
from gateway.settings.schema import json_schema
from gateway.settings.secrets import HashedPassword, Password, Secret, SigningKey, StoreKeys

INTRODUCTION = """\
# Configuration

Made from the models by `python -m gateway.settings.document`; a test keeps it fresh.

A configuration is a directory of YAML files. It is read whole and checked whole: every problem is told with
file, line, column and what would have been right, and then nothing has changed. Without problems it becomes
one *generation*, which takes the place of the one before at once. `accounts.yaml`, `carriers.yaml` and
`routing.yaml` must be there; a missing `gateway.yaml` or `filters.yaml` means its defaults, and so does a
missing key. Keys marked **required** have no default.

* YAML is version 1.2: `NO` is a text, `21:30` is a text, and where a text is meant `+8619912340001`, `0123`
  and `3.4` are what stands there. A key that stands twice is refused.
* Durations: `500ms`, `30s`, `5m`, `1h30m`, `48h`, `7d`, or a number of seconds.
* `${NAME}` in any text is the environment's variable, `${file:PATH}` the content of a file. Passwords must
  come from one of these; those of accounts may also stand as a scrypt hash, which
  `python -m gateway.settings.secrets` makes.
* Paths are relative to the directory of the configuration.
* Editors that know JSON Schema complete and check the files: each names its schema, from `docs/schema/`, in
  its first line.
"""

WORDS: tuple[tuple[Any, str], ...] = (
    (Duration, "duration"),
    (Timer, "duration"),
    (Count, "whole number from 1"),
    (Octet, "0 to 255"),
    (Number, "number above 0"),
    (Flag, "`true` or `false`"),
    (Network, "network"),
    (Password, "secret"),
    (StoreKeys, "secret"),
    (HashedPassword, "hash or secret"),
    (Secret, "secret"),
    (SigningKey, "secret"),
    (Share, "share of one"),
    (WebAddress, "http or https address"),
    (MailAddress, "mail address"),
    (ConfigPath, "path"),
    (ConfigFile, "file"),
    (ConfigDirectory, "directory"),
    (AccountName, "account"),
    (CarrierName, "carrier"),
    (StatusName, "command_status"),
    (SystemId, "system_id"),
    (Prefix, "prefix"),
    (TimeZone, "time zone"),
    (ServerEndpoint, "server endpoint"),
    (ClientEndpoint, "client endpoint"),
    (FilterName, "filter"),
    (FilterModes, "`all`, or mapping of filter to mode"),
    (Modes, "`enforce`, `warn`, `shadow` or `off`, or mapping of category to these"),
    (TagName, "tag"),
    (TlvValue, "text, or octets as `0x01ff`"),
    (StatusNumber, "number of a command_status"),
    (Text, "text"),
    (FreeText, "text"),
    (re.Pattern[str], "regular expression"),
)


def kind(hint: Any) -> str:
    """The values that a type takes, in words."""
    known = next((word for alias, word in WORDS if alias == hint), None)
    if known:
        return known
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        if arguments[0] is int or arguments[0] is float:
            return _bounded(arguments)
        return kind(arguments[0])
    if origin is Literal:
        *others, last = [f"`{value}`" for value in arguments]
        return f"{', '.join(others)} or {last}" if others else last
    if origin is tuple:
        return f"list of {kind(arguments[0])}"
    if origin is dict:
        return f"mapping of {kind(arguments[0])} to {kind(arguments[1])}"
    if origin in (Union, types.UnionType):
        return " or ".join("`null`" if part is type(None) else kind(part) for part in arguments)
    return "section" if isinstance(hint, type) and issubclass(hint, Section) else "text"


def _bounded(arguments: tuple[Any, ...]) -> str:
    constraints = arguments[1].metadata
    lowest = next(item.ge for item in constraints if hasattr(item, "ge"))
    highest = next(item.le for item in constraints if hasattr(item, "le"))
    return f"{lowest} to {highest}"


def default(field: FieldInfo, hint: Any) -> str:
    """The value of a key that is not there."""
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    return "" if isinstance(value, Section) else f"`{_written(value, 'duration' in kind(hint))}`"


def _written(value: Any, duration: bool = False) -> str:
    if isinstance(value, Section):
        pairs = ((name, _written(each, name in ("delay", "pause"))) for name, each in value)
        return "{" + ", ".join(f"{name}: {each}" for name, each in pairs) + "}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_written(each)}" for name, each in value.items()) + "}"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        return format_duration(value) if duration else f"{value:g}"
    return str(value) or '""'


def inner(hint: Any, path: str) -> Iterator[tuple[str, type[Section]]]:
    """The sections inside a type, each with the path under which it stands."""
    if isinstance(hint, type) and issubclass(hint, Section):
        yield path, hint
        return
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        yield from inner(arguments[0], f"{path}[]")
    elif origin is dict:
        yield from inner(arguments[1], f"{path}.NAME")
    elif origin is Annotated:
        yield from inner(arguments[0], path)
    elif origin in (Union, types.UnionType):
        for part in arguments:
            yield from inner(part, path)


def section(model: type[Section], path: str) -> Iterator[str]:
    """The lines of a section and of those inside it."""
    hints = get_type_hints(model, include_extras=True)
    if path:
        yield f"### `{path}`\n"
    yield f"{inspect.cleandoc(model.__doc__ or '')}\n"
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        meaning = " ".join((field.description or "").split())
        yield f"| `{field.alias or name}` | {kind(hints[name])} | {default(field, hints[name])} | {meaning} |"
    yield ""
    for name in model.model_fields:
        for inside, inner_model in inner(hints[name], f"{path}.{name}".removeprefix(".")):
            yield from section(inner_model, inside)


def configuration() -> str:
    """docs/configuration.md."""
    lines = [INTRODUCTION]
    for file, (model, _) in FILES.items():
        lines += [f"## {file}\n", *section(model, "")]
    return "\n".join(lines).rstrip() + "\n"


def documents() -> dict[str, str]:
    """Everything that is generated from the models, by its path below docs/."""
    schemas = {file: json.dumps(json_schema(file), indent=2, ensure_ascii=False) + "\n" for file in FILES}
    named = {f"schema/{Path(file).stem}.json": text for file, text in schemas.items()}
    return {"configuration.md": configuration(), **named}


if __name__ == "__main__":
    docs = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    for name, text in documents().items():
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(text, "utf-8")
