"""The model of a list of numbers that people.yaml names: where it is read, how often, what is believed."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.settings.modes import RuleMode
from gateway.settings.node import Section
from gateway.settings.scalars import ConfigPath, Count, Flag, FreeText, Text, Timer
from gateway.settings.secrets import Secret

ListName = Literal[
    "legal_order",
    "regulator_complaint",
    "carrier_dnd",
    "invalid",
    "reassigned",
    "tenant_optout",
    "program_optout",
    "category_optout",
]

A_MINUTE, A_DAY = 60.0, 86_400.0
WEB = re.compile(r"https?://[^\s/]+\S*")
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def web_address(text: str) -> str:
    """An address of the web."""
    if not WEB.fullmatch(text):
        raise ValueError(f"'{text}' is no address of the web: it begins with http:// or https://")
    return text


def time_of_day(text: str) -> str:
    """Hours and minutes."""
    if not CLOCK.fullmatch(text):
        raise ValueError(f"'{text}' is no time of day such as 03:30")
    return text


Url = Annotated[Text, AfterValidator(web_address)]
TimeOfDay = Annotated[Text, AfterValidator(time_of_day)]


class NumberList(Section):
    """Numbers that must not be written to, in a file or at an address of the web. It is read beside the
    traffic; one that is not believed is not taken, and the last good one stays, over restarts too."""

    name: Text
    """What records call it."""
    file: ConfigPath | None = None
    """One number or `prefix*` a line, then perhaps `,since,until`. Either this or `url`."""
    url: Url | None = None
    """http or https: the same as a text, asked for with If-None-Match and If-Modified-Since."""
    format: Literal["lines", "csv"] = "lines"
    """`csv` has a heading that names its columns, `number` and perhaps `since` and `until` among them."""
    every: Timer | None = None
    """How often it is looked at; null: a file once a minute (read if it has changed), a url once a day."""
    at: TimeOfDay | None = None
    """A time of day in UTC, `03:30`, at which it is looked at instead."""
    authorization: Secret | None = None
    """What the header Authorization says, such as `Bearer ${TOKEN}`."""
    checksum: Flag = False
    """Whether the SHA-256 that stands at the same place with `.sha256` at its end, as sha256sum writes it,
    must fit."""
    largest: Count = 500_000_000
    """Octets; what is longer is not taken."""
    timeout: Timer = 300.0
    """How long fetching may take."""
    shrink: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.2
    """The share of its entries that it may lose at once; one that lost more is not believed until
    `gateway suppress refresh NAME --accept-shrink`."""
    unread: Literal["wait", "pass"] = "wait"
    """What becomes of messages that it might stop as long as it never could be read."""
    mode: RuleMode = "enforce"
    """`shadow`: what it would have stopped is recorded and counted, and not stopped."""
    type: ListName
    """What it means, and with it which categories it lets pass."""
    tenant: FreeText = ""
    """Whose messages it stops; empty: everybody's."""
    program: FreeText = ""
    """Of this program alone."""
    category: FreeText = ""
    """Of this category alone."""

    @model_validator(mode="after")
    def one_source(self) -> Self:
        """Read from one place, at one time."""
        if (self.file is None) == (self.url is None):
            raise ValueError(f"list '{self.name}' needs either file or url")
        if self.every is not None and self.at is not None:
            raise ValueError(f"list '{self.name}' has both every and at: one of them is enough")
        return self

    @property
    def source(self) -> str:
        """Where it is read, for people."""
        return self.url or str(self.file)

    @property
    def pause(self) -> float:
        """Seconds between two looks."""
        return self.every or (A_DAY if self.at or self.url else A_MINUTE)
