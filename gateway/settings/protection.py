"""The sections of filters.yaml that protect people; what they go by stands in people.yaml and its packs."""

from __future__ import annotations

from typing import Literal

from gateway.settings.modes import FilterSection
from gateway.settings.scalars import Duration


class Suppressed(FilterSection):
    """Numbers that must not be written to: lists in files, and those that commands, replies and carriers
    make."""


class Consented(FilterSection):
    """The consent that the rule packs ask for."""


class Quiet(FilterSection):
    """Quiet hours of the rule packs, in the recipient's own time: outside the windows a message waits."""

    outside: Literal["defer", "refuse"] = "defer"
    """What becomes of a message outside the windows; one that cannot leave in time is always refused."""
    spread: Duration = 600.0
    """What has waited leaves spread over so much of the opening, not all in its first second."""


class Capped(FilterSection):
    """Frequency: so many messages in so long a time, as the rule packs say."""
