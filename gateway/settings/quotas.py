"""The models of what an account may use, has paid for, and may not do twice."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.settings.modes import RuleMode
from gateway.settings.node import Section
from gateway.settings.scalars import UNIQUE, Count, Currency, Flag, Timer, TimeZone, distinct

Ending = Literal["unsent", "rejected", "failed"]
"""unsent: refused, cancelled or expired before any carrier had it; rejected: its carrier refused it; failed:
a receipt said that it was not delivered."""
Endings = Annotated[tuple[Ending, ...], AfterValidator(distinct), UNIQUE]


class Quota(Section):
    """How much an account may send. What is over is refused with `quota_used`."""

    messages_per_day: Count | None = None
    """Texts, a long one counting once; null: any number."""
    segments_per_day: Count | None = None
    """Segments of texts."""
    messages_per_month: Count | None = None
    """Texts in a calendar month."""
    segments_per_month: Count | None = None
    """Segments in a calendar month."""
    zone: TimeZone = "UTC"
    """Where days and months begin."""
    waiting: Count | None = None
    """Segments that may be accepted and not yet taken by a carrier; one more is refused with
    `too_many_waiting`."""
    mode: RuleMode = "enforce"
    """`shadow`: what is over passes and counts on; it is recorded and counted that it would be refused."""
    given_back: Endings = ("unsent", "rejected")
    """What does not count after all, on the day on which it was accepted: `unsent`, `rejected`, `failed`."""

    @model_validator(mode="after")
    def something_is_limited(self) -> Self:
        if not any(getattr(self, name) for name in (*LIMITS, "waiting")):
            raise ValueError(f"a quota limits something: {', '.join((*LIMITS, 'waiting'))}")
        return self


class Duplicates(Section):
    """A submit that says the same from the same source to the same destination within `within` is answered
    with the id of the first and not sent again. A segment of a long text is the same only with the same
    reference; submit_multi and replace_if_present_flag are left alone.
    """

    within: Timer
    """How long the first is remembered, also over a restart."""
    most: Count = 100_000
    """How many are remembered, the youngest; some 250 octets each."""
    mode: RuleMode = "enforce"
    """`shadow`: what comes twice is sent; it is recorded and counted that it would not be."""


LIMITS = ("messages_per_day", "segments_per_day", "messages_per_month", "segments_per_month")


class Balance(Section):
    """Prepaid: each segment costs, and what the balance does not cover is refused with `balance_used`. It
    begins with nothing: `gateway quota top-up` adds.
    """

    currency: Currency
    """In which it is told."""
    price: Annotated[float, Field(strict=False, ge=0, le=1000)]
    """What a segment costs."""
    by_route: Flag = False
    """Instead, what the price table says of the carrier that the message's route names first; `price` where
    it says nothing. The currency has to be that of routing.yaml."""
    given_back: Endings = ("unsent", "rejected")
    """What is given back: `unsent`, `rejected`, `failed`."""
