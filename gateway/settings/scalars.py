"""What a scalar in a configuration file may be: durations, networks, endpoints, text as it was written.

Each type is a pydantic annotation over a plain Python value, so a model's field is a float, a str or a
tuple, and whoever reads it need not know this module. A refusal is a ValueError whose sentence says what
would have been right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
SERVER_ENDPOINTS = ("tcp", "tcp6", "ssl", "unix", "systemd", "haproxy")
CLIENT_ENDPOINTS = ("tcp", "tls", "ssl", "unix")


class WrittenInt(int):
    """An integer that remembers how it was written: `+86` and `0123` are also addresses."""

    written: str


class WrittenFloat(float):
    """A float that remembers how it was written: `3.4` is also an interface version."""

    written: str


class Revealed(str):
    """A text that came, whole or in part, from the environment or from a secret file."""

    __slots__ = ()


def nearest(name: str, names: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the nearest of `names`, or nothing when none is near."""
    found = get_close_matches(name, list(names), n=1, cutoff=0.65)
    return f" (did you mean '{found[0]}'?)" if found else ""


def parse_duration(value: object) -> float:
    """Seconds of `30s`, `5m`, `1h30m`, `48h`, `7d`, `250ms`, or of a bare number of seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    if isinstance(value, str):
        text = value.replace(" ", "")
        parts = DURATION.findall(text)
        if parts and "".join(number + unit for number, unit in parts) == text:
            return sum(float(number) * UNITS[unit] for number, unit in parts)
    raise ValueError("must be a duration such as 500ms, 30s, 5m, 1h30m, 48h or 7d")


def format_duration(seconds: float) -> str:
    """The shortest way to write a duration: 300.0 is `5m`."""
    for unit in ("d", "h", "m", "s"):
        if seconds and seconds % UNITS[unit] == 0:
            return f"{seconds / UNITS[unit]:.0f}{unit}"
    return f"{seconds * 1000:.0f}ms" if 0 < seconds < 1 else f"{seconds:g}s"


def as_written(value: object) -> object:
    """A number where a text is meant is the text that stands in the file."""
    return getattr(value, "written", value)


def beside_the_configuration(path: Path, info: ValidationInfo) -> Path:
    """A relative path is relative to the directory of the configuration; one that leads out of a copy, to
    that of the original.
    """
    context = info.context or {}
    directory: Path | None = context.get("home" if path.parts[:1] == ("..",) else "directory")
    return (directory / path).resolve() if directory is not None else path


def parse_network(value: object) -> IPv4Network | IPv6Network:
    """A network in CIDR notation, or one address. Raises ValueError."""
    try:
        return ip_network(str(value))
    except ValueError:
        pass
    try:
        meant = ip_network(str(value), strict=False)
    except ValueError:
        raise ValueError(f"'{value}' is no network such as 10.1.0.0/16 or 2001:db8::/32") from None
    raise ValueError(f"'{value}' has bits outside its mask: the network is {meant}")


def without_plus(prefix: str) -> str:
    """Numbers are compared as the wire has them, without `+`."""
    return prefix.removeprefix("+")


def system_id(name: str) -> str:
    """A name that a bind can carry (v3.4 section 5.2.1)."""
    if not (len(name) <= 15 and name.isascii() and name.isprintable()):
        raise ValueError("a system_id has 1 to 15 printable ASCII characters")
    return name


def existing_file(path: Path, info: ValidationInfo) -> Path:
    """While a configuration is loaded, the files that it names must be there."""
    if info.context and not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path


def existing_directory(path: Path, info: ValidationInfo) -> Path:
    """While a configuration is loaded, the directories that it names must be there."""
    if info.context and not path.is_dir():
        raise ValueError(f"there is no directory {path}")
    return path


def known(what: str) -> AfterValidator:
    """While a configuration is loaded, a name must be among those that the context gives for `what`."""

    def check(name: str, info: ValidationInfo) -> str:
        names = (info.context or {}).get(what)
        if names is not None and name not in names:
            raise ValueError(f"unknown {what} '{name}'{nearest(name, names)}")
        return name

    return AfterValidator(check)


UNIQUE = Field(json_schema_extra={"uniqueItems": True})
"""What `distinct` asks for, told to editors."""


def written(**more: Any) -> WithJsonSchema:
    """How an editor is told of a text, which may look like a number."""
    return WithJsonSchema({"type": ["string", "number"], **more})


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """A list that names nothing twice."""
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ValueError(f"'{name}' is named twice")
    return names


def iso_country(code: str) -> str:
    """An ISO 3166 code of two letters, in capitals."""
    if not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise ValueError(f"'{code}' is no country: use a code of two letters such as CN")
    return code.upper()


def known_time_zone(name: str) -> str:
    """A zone of the tz database."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"'{name}' is no time zone: use a name such as UTC or Asia/Shanghai") from None
    return name


def split_endpoint(text: str) -> list[str]:
    """The parts of a Twisted endpoint string: `:` parts, a backslash takes the next character as it is."""
    parts = re.findall(r"(?:^|:)((?:\\.|[^:\\])*)", text)
    return [re.sub(r"\\(.)", r"\1", part) for part in parts]


def _check_endpoint(parts: list[str], kinds: tuple[str, ...], port_at: int) -> None:
    kind, *rest = parts
    if kind not in kinds:
        one_of = ", ".join(kinds)
        raise ValueError(f"unknown endpoint type '{kind}'{nearest(kind, kinds)}: use one of {one_of}")
    if kind == "haproxy":
        _check_endpoint(rest or [""], kinds, port_at)
    elif kind in ("tcp", "tcp6", "ssl", "tls"):
        named = dict(part.split("=", 1) for part in rest if "=" in part)
        plain = [part for part in rest if "=" not in part]
        port = named.get("port", plain[port_at] if len(plain) > port_at else "")
        if not (port.isascii() and port.isdigit() and int(port) < 65536):
            raise ValueError(f"this {kind} endpoint names no port from 0 to 65535")


def server_endpoint(text: str) -> str:
    """A Twisted server endpoint, as far as can be seen without opening it."""
    _check_endpoint(split_endpoint(text), SERVER_ENDPOINTS, port_at=0)
    return text


def web_address(text: str) -> str:
    """An http or https address, as far as can be seen without asking it."""
    try:
        parts = urlsplit(text)
        sound = bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.scheme not in ("http", "https") or not text.isascii() or not text.isprintable():
        raise ValueError(f"'{text}' is no address such as https://crm.example/sms")
    if parts.username is not None:
        raise ValueError("a password does not belong into the address: calls are signed")
    return text


def client_endpoint(text: str) -> str:
    """A Twisted client endpoint, as far as can be seen without connecting it."""
    _check_endpoint(split_endpoint(text), CLIENT_ENDPOINTS, port_at=1)
    return text


def a_currency(code: str) -> str:
    """An ISO 4217 code."""
    if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        raise ValueError(f"'{code}' is no currency: use a code of three capital letters such as EUR")
    return code


_DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d) *)+$"},
        {"type": "number", "minimum": 0},
    ],
}

_TIMER_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {**_DURATION_SCHEMA["anyOf"][0], "not": {"pattern": r"^([0.]+(ms|s|m|h|d) *)+$"}},
        {"type": "number", "exclusiveMinimum": 0},
    ],
}

Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(ge=0),
    WithJsonSchema(_DURATION_SCHEMA),
]
"""A length of time; in code a float of seconds."""

Timer = Annotated[Duration, Field(gt=0), WithJsonSchema(_TIMER_SCHEMA)]
"""A duration that cannot be nothing."""

Network = Annotated[
    IPv4Network | IPv6Network,
    PlainValidator(parse_network),
    WithJsonSchema({"type": "string"}),
]
Currency = Annotated[str, AfterValidator(a_currency)]
Count = Annotated[int, Field(strict=True, ge=1)]
Tier = Annotated[int, Field(strict=True, ge=1, le=3)]
Octet = Annotated[int, Field(strict=True, ge=0, le=255)]
Flag = Annotated[bool, Field(strict=True)]
Share = Annotated[float, Field(strict=True, gt=0, lt=1, allow_inf_nan=False)]
"""A part of one: 0.02 is two of a hundred."""
Number = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
FreeText = Annotated[str, BeforeValidator(as_written), written()]
Text = Annotated[FreeText, Field(min_length=1), written(minLength=1)]
Prefix = Annotated[Text, AfterValidator(without_plus)]
"""The first digits of a number in international form."""
ConfigPath = Annotated[
    Path,
    AfterValidator(beside_the_configuration),
    WithJsonSchema({"type": "string"}),
]
ConfigFile = Annotated[ConfigPath, AfterValidator(existing_file)]
ConfigDirectory = Annotated[ConfigPath, AfterValidator(existing_directory)]
SystemId = Annotated[Text, AfterValidator(system_id), written(minLength=1, maxLength=15)]
AccountName = Annotated[Text, known("account")]
CarrierName = Annotated[Text, known("carrier")]
TenantName = Annotated[Text, known("tenant")]
Country = Annotated[Text, AfterValidator(iso_country)]
Category = Literal["transactional", "promotional", "otp", "service", "service_explicit", "government"]
StatusName = Annotated[Text, known("command_status")]
TimeZone = Annotated[str, AfterValidator(known_time_zone)]
WebAddress = Annotated[Text, AfterValidator(web_address)]
ServerEndpoint = Annotated[str, AfterValidator(server_endpoint)]
ClientEndpoint = Annotated[str, AfterValidator(client_endpoint)]
