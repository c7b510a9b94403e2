"""The models of people.yaml: tenants and their programs, the rules that protect people, replies, webhooks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from gateway.settings.events import Breaker, Webhook
from gateway.settings.lists import NumberList
from gateway.settings.node import Section
from gateway.settings.scalars import (
    AccountName,
    ConfigPath,
    Flag,
    FreeText,
    TenantName,
    Text,
    Tier,
    Timer,
    TimeZone,
)


class Request(Section):
    """How a program asks by text for the consent that it lacks (double opt-in): once, and silence is no."""

    source: Text
    """The number that asks, and that is answered; the account must be allowed to send from it."""
    texts: Annotated[dict[Text, Text], Field(min_length=1)]
    """What is asked, by language: that of the words of confirmation of the recipient's pack, else `en`, else
    the first. It should say of what kind the texts are, how often they come, and what to answer.
    """
    account: AccountName | None = None
    """Whose filters and routes it goes by; null: the first account of the tenant."""
    wait: Timer = 172_800.0
    """How long an answer is awaited; after that the request has expired."""
    words: tuple[Text, ...] = ()
    """Who writes one of these, alone, wishes to be asked (`JOIN`)."""


class Program(Section):
    """A purpose that a person can agree to or refuse. A message is of the first program that fits it."""

    sources: tuple[Text, ...] = ()
    """Source addresses of its messages, exact or as `prefix*`."""
    signatures: tuple[Text, ...] = ()
    """Signatures of its texts, without the brackets 【】."""
    keywords: tuple[Text, ...] = ()
    """Words by which a reply names it (`STOP NEWS`), whatever the last message to the handset was of."""
    request: Request | None = None
    """How it asks for consent by text; null: it does not."""
    tier: Tier | None = None
    """Urgency, as `urgency` of accounts.yaml explains it; null: what is said there."""


class OwnHours(Section):
    """One window of the day, in the recipient's time."""

    days: Text = "daily"
    """`mon-sat`, `mon-fri, holiday`, `daily`."""
    start: Text = Field(alias="from")
    """Included; `08:00`."""
    end: Text = Field(alias="to")
    """Not included; one that is not after `from` is on the next day."""


class Tenant(Section):
    """A legal sender: what its messages are for, and what it says to those who write to it."""

    program: FreeText = ""
    """The program of messages that fit none of `programs`."""
    programs: dict[Text, Program] = Field(default_factory=dict)
    """Its programs by name."""
    calling_code: FreeText = ""
    """The country of numbers that its systems write nationally, such as `86`."""
    zones: dict[Text, tuple[TimeZone, ...]] = Field(default_factory=dict)
    """Time zones of its recipients by prefix of the number, where it knows better than the number tells."""
    hours: dict[Text, tuple[OwnHours, ...]] = Field(default_factory=dict)
    """Windows of its own by rule, as in `CN/promotional-hours`: tighter, or as wide as the rule allows."""
    brand: FreeText = ""
    """How confirmations call it; empty: its own name."""
    help: FreeText = ""
    """What answers a request for help: who writes, whom to ask, how to stop. Empty: nothing does."""


class Confirmation(Section):
    """What answers opt-outs, opt-ins and consents, once, in a language; `{brand}` is the sender."""

    opt_out: Text
    opt_in: Text
    agreed: FreeText = ""
    """What answers the confirmation of a request for consent; empty: nothing."""


class Replies(Section):
    """What replies from handsets do."""

    opt_out: Flag = True
    """Whether the packs' words for opting out, opting in, help and confirmation are listened to."""
    confirm: Flag = True
    """Whether an opt-out and an opt-in are confirmed by one text."""
    within: Timer = 300.0
    """How long a confirmation may wait for its carrier; after that it is not sent any more."""
    texts: dict[Text, Confirmation] = Field(
        default_factory=lambda: {
            "en": Confirmation(
                opt_out="{brand}: You are unsubscribed and will get no more of these messages.",
                opt_in="{brand}: You are subscribed again. Reply STOP to end.",
                agreed="{brand}: You are subscribed. Reply STOP to end.",
            ),
            "zh": Confirmation(
                opt_out="【{brand}】您已退订，将不再收到此类信息。",
                opt_in="【{brand}】您已恢复订阅，回复TD退订。",
                agreed="【{brand}】您已订阅，回复TD退订。",
            ),
        }
    )
    """By language of the rule that was met; `en` for any other."""


class Capture(Section):
    """Replies that somebody has to see to."""

    name: Text
    """What cases are called."""
    words: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Anywhere in the reply, after folding."""
    deadline: Timer = 1800.0
    """Until when a person must have answered."""
    answer: FreeText = ""
    """What the gateway answers by itself; empty: nothing."""
    complaint: Flag = False
    """Whether it counts as a complaint."""


class People(Section):
    """people.yaml: whom the rules protect, and how."""

    rules: ConfigPath | None = None
    """The directory of the rule packs; null: there are none, and nothing is asked but the lists."""
    tenants: dict[TenantName, Tenant] = Field(default_factory=dict)
    """By name, as accounts.yaml has it."""
    lists: tuple[NumberList, ...] = ()
    """Lists from files and from the web, beside those that commands, replies and carriers make."""
    replies: Replies = Replies()
    captures: tuple[Capture, ...] = ()
    """The first that fits opens a case."""
    breakers: tuple[Breaker, ...] = ()
    """What stops a program when too many opt out, complain, or are not reached."""
    webhooks: dict[Text, Webhook] = Field(default_factory=dict)
    """By name."""

    def tenant(self, name: str) -> Tenant:
        """What is said of a tenant; defaults if nothing is."""
        return self.tenants.get(name) or _PLAIN

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that is read besides, but for the lists, which are data and may be long."""
        return tuple(sorted(self.rules.glob("*.yaml"))) if self.rules is not None else ()


_PLAIN = Tenant()
