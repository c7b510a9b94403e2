"""The sections of filters.yaml that protect people; what they go by stands in people.yaml and its packs."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from gateway.settings.lists import Url
from gateway.settings.modes import FilterSection, Modes
from gateway.settings.node import Section
from gateway.settings.scalars import Category, Count, Duration, Prefix, Text, Timer
from gateway.settings.secrets import Secret


class Suppressed(FilterSection):
    """Numbers that must not be written to: lists in files, and those that commands, replies and carriers
    make."""


class Paused(FilterSection):
    """What the breakers of people.yaml have stopped, until a person resumes it."""


class Consented(FilterSection):
    """The consent that the rule packs ask for."""


class Quiet(FilterSection):
    """Quiet hours of the rule packs, in the recipient's own time: outside the windows a message waits."""

    outside: Literal["defer", "refuse"] = "defer"
    """What becomes of a message outside the windows; one that cannot leave in time is always refused."""
    spread: Duration = 600.0
    """What has waited leaves spread over so much of the opening, not all in its first second."""


class LookupService(Section):
    """A service that is asked whether a number may be written to: POST with JSON, many numbers at once."""

    name: Text
    """What records and metrics call it."""
    url: Url
    """http or https."""
    authorization: Secret | None = None
    """What the header Authorization says, such as `Bearer ${TOKEN}`."""
    prefixes: tuple[Prefix, ...] = ()
    """It is asked about numbers that begin so; none: about all."""
    categories: tuple[Category, ...] = ("promotional",)
    """It is asked for messages of these categories; none: for all."""
    deadline: Timer = 2.0
    """How long a message waits for the answer; then it is judged as one whose look-up failed."""
    gather: Duration = 0.02
    """How long numbers are gathered into one question."""
    batch: Count = 500
    """Numbers in one question at most."""
    at_once: Count = 4
    """Questions on their way at the same time at most."""
    waiting: Count = 100_000
    """Numbers that may wait to be asked about; messages to more are looked at again after the deadline."""
    cache: Count = 100_000
    """Answers that are remembered, at some 200 octets each."""
    listed: Timer = 7 * 86400.0
    """How long it is remembered that a number is on a list."""
    clear: Timer = 86400.0
    """How long it is remembered that it is on none."""
    failed: Timer = 10.0
    """How long a number that was not answered is not asked about again."""
    failures: Count = 5
    """Failed questions in a row after which it is left alone."""
    pause: Timer = 30.0
    """For how long, before one question tries it; twice as long each time that fails, up to ten minutes."""


class Lookup(FilterSection):
    """What outside services say of a number: do-not-call registries, reassigned numbers, carriers' own
    systems. A message whose number is not answered yet waits on disk, deferred, for at most `deadline`. In
    modes that only record, nobody is asked."""

    mode: Modes = "off"
    services: tuple[LookupService, ...] = ()
    """All that are for a message must let it pass."""

    @model_validator(mode="after")
    def names_are_distinct(self) -> Self:
        """Each service is known by its name."""
        names = [service.name for service in self.services]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two services are called '{twice}'")
        return self


class Capped(FilterSection):
    """Frequency: so many messages in so long a time, as the rule packs say."""
