"""The models of what people.yaml tells the world: webhooks; and of what stops a program: breakers."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.settings.node import Section
from gateway.settings.scalars import AccountName, Count, FreeText, Share, Text, Timer, WebAddress
from gateway.settings.secrets import SigningKey

Event = Literal["receipt", "opt_out", "opt_in", "consent", "case", "breaker", "alarm"]
By = Literal["account", "program", "carrier"]


class Webhook(Section):
    """Where events are told: POST with JSON, signed, and told again until they are taken."""

    url: WebAddress
    """http or https; redirects are not followed."""
    secret: SigningKey
    """The key of the HMAC-SHA256 in the header `webhook-signature`, from `${NAME}` or `${file:PATH}`: 16
    characters or more, or `whsec_` and base64."""
    old_secret: SigningKey | None = None
    """The key before: while receivers change from it, calls bear the signatures of both."""
    events: tuple[Event, ...] = ("opt_out", "opt_in", "consent", "case")
    """What is told. `receipt` is the end of each message, many in one call."""
    tenant: FreeText = ""
    """Only what concerns this tenant; empty: all of them. Alarms are nobody's."""
    accounts: tuple[AccountName, ...] = ()
    """Only what concerns these accounts; none named: all."""
    numbers: Literal["masked", "full"] = "masked"
    """How persons' numbers are told: `861****0001`, or whole."""
    most: Annotated[int, Field(strict=True, ge=1, le=1000)] = 500
    """Events in one call, at the most."""
    calls: Annotated[int, Field(strict=True, ge=1, le=64)] = 4
    """Calls at the same time, at the most."""
    timeout: Timer = 10.0
    """How long one call may last."""
    first: Timer = 5.0
    """Pause after the first failure; each further one is twice as long."""
    longest: Timer = 3600.0
    """The longest pause."""
    give_up: Timer = 3 * 86400.0
    """A call that was not taken for so long is given up: kept, listed, and tried again by command."""


class Breaker(Section):
    """Stops promotional messages when too many of a window's were opted out of, complained of, or failed."""

    name: Text
    """What records and alarms call it."""
    by: Annotated[tuple[By, ...], Field(min_length=1)] = ("account", "program")
    """What is watched and stopped by itself: each account, each of its programs, each carrier, or any of
    these together."""
    counts: Literal["opt_outs", "complaints", "failures"]
    """What is counted: replies and codes that opt out, complaints, or messages that ended otherwise than
    delivered."""
    above: Share
    """The share of the messages that ended in the window, such as 0.02, above which it trips."""
    window: Timer = 3600.0
    """How far back is looked."""
    messages: Count = 200
    """Fewer messages in the window than this never trip it."""
    least: Count = 5
    """Nor do fewer opt-outs, complaints or failures than this."""
    then: Literal["wait", "refuse", "shadow"] = "wait"
    """What becomes of promotional messages until a person resumes it: they wait, within their validity, or
    are refused; in shadow they go on, and what would have waited is recorded and counted."""

    @model_validator(mode="after")
    def nothing_twice(self) -> Self:
        if len(set(self.by)) != len(self.by):
            raise ValueError("`by` names something twice")
        return self
