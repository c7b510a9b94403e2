"""The models of config/rules/*.yaml: what the law, the carriers and good custom ask for in a country.

Every rule says how sure its author was that it is so, and by whose authority. A sure rule is enforced. An
unsure one refuses nothing, it only warns; but an unsure window still defers, since waiting for the morning
harms nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.filters.frequency import Limit, parse_limit
from gateway.filters.windows import Window, window
from gateway.settings.modes import RuleMode
from gateway.settings.node import Section
from gateway.settings.scalars import Flag, Text, known_time_zone

PackCategory = Literal["otp", "transactional", "service", "service_explicit", "promotional", "government"]
SenderKind = Literal["alphanumeric", "registered", "short_code", "number"]
KeyPart = Literal["account", "tenant", "signature", "program", "category", "template", "recipient", "text"]
Basis = Literal[
    "express", "express_written", "soft_opt_in", "inferred", "implied_purchase", "implied_inquiry"
]
Zone = Annotated[str, AfterValidator(known_time_zone)]


def _limit(text: str) -> str:
    parse_limit(text)
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"'{text}' is not a regular expression: {error}") from None
    return text


class Rule(Section):
    """What every rule says of itself."""

    rule: Text
    """Its name, unique in the pack; records and overrides call it so."""
    sure: Literal["S", "C"]
    """S: sure, from the primary text or two sources. C: to be checked, so never a reason to refuse."""
    authority: Literal["law", "carrier", "vendor", "custom"]
    """Whose rule it is."""
    source: tuple[Text, ...] = ()
    """Names under `sources`."""
    note: Text = ""
    categories: tuple[PackCategory, ...] = ()
    """For these; none given: for all."""
    regions: tuple[Text, ...] = ()
    """In these of `area_codes`, and where the number does not tell the region; none given: everywhere."""
    since: date | None = None
    """From this local date on."""
    until: date | None = None
    """Before this local date."""
    mode: RuleMode = "enforce"
    """`shadow`: what the rule would have done is recorded and counted, and not done."""

    @property
    def shadow(self) -> bool:
        """Whether it only counts."""
        return self.mode == "shadow"

    @property
    def enforced(self) -> bool:
        """Whether its refusals are refusals, and not warnings."""
        return self.sure == "S"

    def concerns(self, region: str, category: str) -> bool:
        """Whether the rule is for a category in a region ("", unknown, is in every region)."""
        if self.categories and category not in self.categories:
            return False
        return not self.regions or not region or region in self.regions

    def holds(self, day: date) -> bool:
        """Whether the rule is in force on a date."""
        return (self.since is None or day >= self.since) and (self.until is None or day < self.until)


class Opening(Section):
    """One window of the day, in the recipient's time."""

    days: Text = "daily"
    """`mon-sat`, `mon-fri, holiday`, `daily`."""
    start: Text = Field(alias="from")
    """Included; `08:00`."""
    end: Text = Field(alias="to")
    """Not included; one that is not after `from` is on the next day."""

    @model_validator(mode="after")
    def _is_a_window(self) -> Self:
        window(self.days, self.start, self.end)
        return self

    def window(self) -> Window:
        """The same for the engine."""
        return window(self.days, self.start, self.end)


class CalendarRef(Section):
    """Whose public holidays close a window."""

    country: Text
    region: Text = ""
    holidays: tuple[date, ...] = ()
    """Days that are holidays as well, whatever the library knows."""
    workdays: tuple[date, ...] = ()
    """Days that are worked whatever the library knows, weekends among them; they go before `holidays`."""


class WindowRule(Rule):
    """When texts may be sent."""

    open: Annotated[tuple[Opening, ...], Field(min_length=1)]
    calendar: CalendarRef | None = None
    """With one, holidays are closed but for windows whose days name `holiday`, and swapped working days
    count.
    """
    widest: tuple[Opening, ...] = ()
    """How far a tenant may widen it; none given: not at all."""

    def windows(self) -> tuple[Window, ...]:
        """The windows for the engine."""
        return tuple(opening.window() for opening in self.open)

    def widest_windows(self) -> tuple[Window, ...]:
        """How far they may be widened, for the engine."""
        return tuple(opening.window() for opening in self.widest)


class ConsentRule(Rule):
    """Without which consent nothing may be sent."""

    bases: dict[Basis, Annotated[int, Field(strict=True, ge=1)] | None]
    """What a consent may rest on, and how many months each holds; null is without end."""
    proof: Flag = False
    """The consent must name its evidence."""
    may_ask_again: Flag = True
    """After a request for consent that stayed without reply, another may be sent."""


class CapRule(Rule):
    """How many texts in how long."""

    key: Annotated[tuple[KeyPart, ...], Field(min_length=1)]
    """What they are counted by."""
    limits: Annotated[tuple[Annotated[str, AfterValidator(_limit)], ...], Field(min_length=1)]
    """`3/7d`: three in seven days; all of them hold."""

    def parsed(self) -> tuple[Limit, ...]:
        """The limits for the engine."""
        return tuple(parse_limit(text) for text in self.limits)


class TextRule(Rule):
    """What a text must contain."""

    what: Text
    """What it is, for the reader of a refusal."""
    pattern: Annotated[str, AfterValidator(_pattern)] | None = None
    any_of: tuple[Text, ...] = ()
    raises: Flag = True
    """Of a sure rule for promotional texts alone: only marketing says this, so that a message of another
    category that does is promotional.
    """

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if (self.pattern is None) == (not self.any_of):
            raise ValueError("give either a pattern or any_of")
        return self


class AlwaysRule(Rule):
    """A rule that cannot be in shadow: there is nothing that it could have done instead."""

    @model_validator(mode="after")
    def _acts(self) -> Self:
        if self.shadow:
            raise ValueError(
                "mode: shadow is for windows, consents, caps, texts, senders, separations and tlvs alone"
            )
        return self


class ReplyRule(AlwaysRule):
    """What a reply means."""

    kind: Literal["opt_out", "opt_in", "help", "confirm", "refuse"]
    """`confirm` and `refuse` answer a request for consent, and mean nothing where none is awaited."""
    language: Text = ""
    words: tuple[Text, ...] = ()
    """The whole reply."""
    first: tuple[Text, ...] = ()
    """The first word of a reply of at most four."""
    phrases: tuple[Text, ...] = ()
    """Anywhere in the reply."""
    unless: tuple[Text, ...] = ()
    """A reply with one of these is not meant by `first` and `phrases`."""
    review: Flag = False
    """What `first` and `phrases` catch goes to a person instead of being done."""
    scope: Literal["tenant", "program", "category"] = "program"
    """How far an opt-out reaches."""
    within: Text = ""
    """The longest time the law gives; it is done at once all the same."""


class SenderRule(Rule):
    """Which source addresses are possible."""

    allowed: Annotated[
        tuple[Literal["alphanumeric", "registered", "short_code", "number"], ...], Field(min_length=1)
    ]
    """`registered` is alphanumeric and on a carrier's register."""


class SeparationRule(Rule):
    """What has source addresses of its own: each is registered for one of the kinds and carries no other."""

    kinds: Annotated[dict[Text, tuple[PackCategory, ...]], Field(min_length=2)]
    """The kinds, and the categories of each."""
    otherwise: Text
    """The kind of an address that is registered for no category, or not at all."""

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if self.otherwise not in self.kinds:
            raise ValueError(f"otherwise: '{self.otherwise}' is none of the kinds")
        return self

    def kind_of(self, category: str) -> str:
        """The kind that a category is of; "" for none."""
        return next((kind for kind, of_it in self.kinds.items() if category in of_it), "")


class TlvRule(Rule):
    """A TLV that carriers want, unless their profile names another tag."""

    tag: Annotated[int, Field(strict=True, ge=0x0100, le=0xFFFF)]
    what: Text
    digits: tuple[int, int] | None = None
    """ASCII digits, at least and at most so many."""


class RetentionRule(AlwaysRule):
    """How long records are kept."""

    what: Literal["traffic", "consent", "opt_out"]
    months: Annotated[int, Field(strict=True, ge=1)] | None
    """null is without end."""
    after: Literal["event", "relationship"] = "event"


class Pack(Section):
    """One file: the rules of a country or of several."""

    pack: Text
    version: date
    """Of the day the rules were last looked at."""
    extends: Text | None = None
    """The pack whose rules hold too, but for those whose name returns here."""
    countries: tuple[Text, ...]
    """ISO 3166 codes; `*` for all that no other pack names."""
    zone: Zone | None = None
    """Where the number does not tell."""
    area_codes: Mapping[str, tuple[Text, ...]] = Field(default_factory=dict)
    """Regions and the prefixes, with calling code, of their numbers."""
    lists: tuple[Text, ...] = ()
    """Lists of numbers that must be asked or loaded."""
    windows: tuple[WindowRule, ...] = ()
    consents: tuple[ConsentRule, ...] = ()
    caps: tuple[CapRule, ...] = ()
    texts: tuple[TextRule, ...] = ()
    replies: tuple[ReplyRule, ...] = ()
    senders: tuple[SenderRule, ...] = ()
    separations: tuple[SeparationRule, ...] = ()
    tlvs: tuple[TlvRule, ...] = ()
    retention: tuple[RetentionRule, ...] = ()
    sources: Mapping[str, Text] = Field(default_factory=dict)


SECTIONS = (
    "windows",
    "consents",
    "caps",
    "texts",
    "replies",
    "senders",
    "separations",
    "tlvs",
    "retention",
)
"""The keys of a pack that hold rules."""
