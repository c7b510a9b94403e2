"""The models of filters.yaml for what a message says and who says it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.settings.modes import FilterSection, Treatment
from gateway.settings.node import Section
from gateway.settings.scalars import (
    AccountName,
    Category,
    ConfigDirectory,
    ConfigFile,
    Country,
    TenantName,
    Text,
)

Port = Annotated[int, Field(strict=True, ge=0, le=65535)]


def a_host(name: str) -> str:
    """A host as it is compared: lower case, no scheme, no path."""
    host = name.lower().rstrip(".")
    if "/" in host or ":" in host or " " in host or not host:
        raise ValueError(f"'{name}' is no host: write it as shop.example.com or *.example.com")
    return host


def of_digits(text: str) -> str:
    """An id of the Indian registers."""
    if not (text.isascii() and text.isdigit() and 12 <= len(text) <= 19):
        raise ValueError(f"'{text}' is no id of a register: it has 12 to 19 digits")
    return text


Host = Annotated[Text, AfterValidator(a_host)]
RegisterId = Annotated[Text, AfterValidator(of_digits)]


class Raising(FilterSection):
    """A text that only marketing writes makes its message promotional, whatever it was declared as.

    Such are the opt-out ways that the sure rules of the destination's pack ask of promotional texts, and the
    phrases named here.
    """

    phrases: tuple[Text, ...] = ()
    """A text with one of these is promotional; compared as words are, whatever the disguise."""


class Binary(FilterSection):
    """Binary messages (data_coding 4 and its like) and those for an application's port are refused."""

    ports: tuple[Port, ...] = ()
    """Destination ports that are allowed all the same."""


class Registration(Section):
    """A source address and who may use it, where and for what."""

    address: Text
    """Exact, or as `prefix*`; names are compared without regard to case."""
    accounts: tuple[AccountName, ...] = ()
    """Whose it is; none named: everybody's."""
    countries: tuple[Country, ...] = ()
    """Destinations, as ISO 3166 codes; none named: all."""
    categories: tuple[Category, ...] = ()
    """For these alone, so that a service number carries no marketing; none named: all."""


class Senders(FilterSection):
    """Source addresses: registered for the account, the country and the category, and like no one else's."""

    registered: tuple[Registration, ...] = ()
    """All registered addresses."""
    unregistered: Treatment = "refuse"
    """An address that is not registered for the account and the country."""
    lookalikes: Treatment = "refuse"
    """A name that reads like one registered for others."""


class Entity(Section):
    """A tenant in the registers of the Indian operators."""

    entity: RegisterId
    """Its principal entity id."""
    telemarketers: tuple[RegisterId, ...] = ()
    """The ids of the telemarketers from it to the carrier, in order, for the hash of the chain."""
    headers: dict[Text, tuple[Category, ...]] = Field(default_factory=dict)
    """Its registered headers, without prefix and suffix, and the categories of each (none named: all)."""


class Dlt(FilterSection):
    """India: messages carry entity, template and chain of the operators' registers, and a registered header.

    What the client leaves out is added, where it is known; the tags are those of the rule packs, and a
    carrier's `tags` may rename them.
    """

    tenants: dict[TenantName, Entity] = Field(default_factory=dict)
    """By tenant."""


class Templates(FilterSection):
    """Texts must fit a template that is registered for the tenant."""

    directory: ConfigDirectory | None = None
    """Where the registries lie, one YAML file a tenant; null: there are none."""
    unmatched: Treatment = "refuse"
    """A text that fits no approved template."""
    unregistered: Treatment = "warn"
    """A text of a tenant that has no registry."""


class Known(Section):
    """What a tenant may name in its texts."""

    hosts: tuple[Host, ...] = ()
    """Hosts of links, exact, or with all below as `*.example.com`."""
    host_files: tuple[ConfigFile, ...] = ()
    """Files with more of them, one a line, `#` begins a comment; relative to the configuration."""
    numbers: tuple[Text, ...] = ()
    """Telephone numbers, as digits, exact."""
    handles: tuple[Text, ...] = ()
    """QQ numbers and WeChat names."""


class Links(FilterSection):
    """Links, telephone numbers, QQ and WeChat handles, also in disguise."""

    hosts: Treatment = "refuse"
    """A link to a host that is not the tenant's."""
    shortened: Treatment = "refuse"
    """A link to one of `shorteners`."""
    disguised: Treatment = "refuse"
    """A host that is written so that a machine would not read it: spread, in other letters, as punycode."""
    numbers: Treatment = "allow"
    """A telephone number that is not the tenant's."""
    handles: Treatment = "refuse"
    """A QQ number or WeChat name that is not the tenant's."""
    shorteners: tuple[Host, ...] = ()
    """Hosts that hide where a link leads."""
    shortener_files: tuple[ConfigFile, ...] = ()
    """Files with more of them, as `host_files`."""
    tenants: dict[TenantName, Known] = Field(default_factory=dict)
    """By tenant."""


class Voice(Section):
    """How a tenant says who it is."""

    signatures: tuple[Text, ...] = ()
    """Its registered signatures, without 【 and 】; the first is the one that is put before a text."""
    brands: tuple[Text, ...] = ()
    """One of these must stand in each promotional text; none named: none must."""
    append: dict[Text, Text] = Field(default_factory=dict)
    """As `append` above, for this tenant."""


class Mandatory(FilterSection):
    """What a text must contain by the rule pack of its destination's country, and by its tenant."""

    missing: Literal["refuse", "append"] = "refuse"
    """A text without it is refused, or gets what `append` has for the rule."""
    append: dict[Text, Text] = Field(default_factory=dict)
    """By rule (`CN/opt-out-way`), what is put after the text."""
    overflow: Literal["refuse", "payload"] = "refuse"
    """When the longer text needs more messages than the client sent: refused, or a single message is sent as
    message_payload. Segments are refused in either case."""
    tenants: dict[TenantName, Voice] = Field(default_factory=dict)
    """By tenant."""


class Plugin(FilterSection):
    """A filter of a third party: an entry point of the group `gateway.filters`, called with `settings`."""

    settings: dict[str, object] = Field(default_factory=dict)
    """What the filter wants to know; it says itself what that is."""
