"""Consents by the thousand: rows of a file into a tenant's ledger, a few milliseconds of work at a time.

Rows of a file have most of their fields in common. What they have is understood once, as a Form; number,
moments and evidence are understood for each. Everything is in memory at once and on disk when it is answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from gateway.filters.consent import ENDS, GRANTS, ConsentEvent, EventKind, check_moments
from gateway.filters.consentchain import Form
from gateway.relay.batch import Batch, Committer
from gateway.relay.clocks import Clocks
from gateway.relay.consenting import Consenting, told_of
from gateway.relay.people import Line, People
from gateway.relay.webhooks import Webhooks

STEP = 100
"""Rows done before others have their turn: some two milliseconds."""

AHEAD = 16
"""Steps that may be on their way to the disk: what traffic commits waits behind no more than these."""

TEXTS = frozenset(field.name for field in fields(ConsentEvent)) - {
    "tenant",
    "number",
    "occurred_at",
    "recorded_at",
    "expires_at",
    "evidence",
}
"""What rows of a file may have in common."""

RECORDED = GRANTS | set(ENDS)
"""The kinds of events that come by the thousand."""

Refused = list[Any]  # the index of a row, and why: as JSON has it


class NotStored(RuntimeError):
    """The store did not take what was recorded."""


class Importing:
    """Records what is brought in bulk."""

    def __init__(
        self,
        people: People,
        consenting: Consenting,
        webhooks: Webhooks,
        committer: Committer,
        clocks: Clocks,
    ) -> None:
        self.people = people
        self.consenting = consenting
        self.webhooks = webhooks
        self.committer = committer
        self.clocks = clocks

    async def record(
        self, tenant: str, usual: Mapping[str, Any], events: Sequence[Any]
    ) -> tuple[int, list[Refused]]:
        """Record events, given by their fields, those that are `usual` left out: how many were, and which
        were refused. Raises NotStored.
        """
        reading = _Reading(self.people, tenant, usual)
        refused: list[Refused] = []
        commits: list[Deferred[None]] = []
        lost: list[bool] = []
        for start in range(0, len(events), STEP):
            batch = Batch()
            batch.failed.append(lambda: lost.append(True))
            reading.now = int(self.clocks.wall())
            lines: list[Line] = []
            for index, row in enumerate(events[start : start + STEP], start=start):
                try:
                    line = reading.line(row)
                    if isinstance(line, ConsentEvent):
                        self.consenting.tell(line, batch)
                    else:
                        lines.append(line)
                except (ValueError, TypeError, OverflowError) as error:
                    refused.append([index, str(error)])
            self._record(tenant, reading.now, lines, batch)
            commits.append(self.committer.commit(batch, must=True))
            if len(commits) > AHEAD:
                await commits[-AHEAD]
            await deferLater(self.clocks.timer, 0)  # type: ignore[arg-type]
        for commit in commits[-AHEAD:]:
            await commit
        if lost:
            raise NotStored("the store did not take the rows: its message is in the log")
        return len(events) - len(refused), refused

    def _record(self, tenant: str, now: int, lines: Sequence[Line], batch: Batch) -> None:
        links = self.people.record_all(tenant, now, lines, batch)
        if self.webhooks.wants("consent"):
            told = [
                told_of(form.like, number, link.position)
                for (form, number, *_), link in zip(lines, links, strict=True)
            ]
            self.webhooks.tell_all("consent", told, batch)


class _Reading:
    """Understands the rows of one import."""

    def __init__(self, people: People, tenant: str, usual: Mapping[str, Any]) -> None:
        self.now = 0
        self._digits = people.persons.digits
        self._version = people.persons.pack_version
        self._tenant = tenant
        self._usual = dict(usual)
        self._evidence = str(self._usual.pop("evidence", None) or "")
        self._forms: dict[tuple[Any, ...], Form | str] = {}

    def line(self, row: Any) -> Line | ConsentEvent:
        """A row, which is used up; an event by itself if it is no grant and no end. Raises ValueError, and
        TypeError for what cannot be a value.
        """
        if not isinstance(row, dict):
            raise ValueError("an event is an object")
        number = self._digits(self._tenant, str(row.pop("number", "")))
        if number is None:
            raise ValueError("not a number with its calling code")
        occurred_at = int(row.pop("occurred_at", None) or self.now)
        until = row.pop("expires_at", None)
        expires_at = None if until in ("", None) else int(until)
        evidence = str(row.pop("evidence", None) or self._evidence)
        version = self._version(number)
        common = (version, *row.items())
        form = self._forms.get(common)
        if form is None:
            form = self._forms[common] = self._form(row, version)
        if isinstance(form, str):
            raise ValueError(form)
        if form.like.kind in RECORDED:
            check_moments(occurred_at, self.now, expires_at)
            return form, number, occurred_at, expires_at, evidence
        return replace(
            form.like,
            number=number,
            occurred_at=occurred_at,
            recorded_at=self.now,
            expires_at=expires_at,
            evidence=evidence,
        )

    def _form(self, row: Mapping[str, Any], version: str) -> Form | str:
        """What rows have in common, or what is wrong with it."""
        said = {name: str(value) for name, value in row.items() if value not in ("", None)}
        given = {"pack_version": version, **self._usual, **said}
        unknown = given.keys() - TEXTS
        if unknown:
            return f"there is no field '{min(unknown)}'"
        now = self.now
        try:
            kind = EventKind(given.pop("kind", EventKind.IMPORTED))
            program, category = given.pop("program", ""), given.pop("category", "")
            return Form(
                ConsentEvent(
                    self._tenant, program, category, "0", kind, now, now, expires_at=now + 1, **given
                )
            )
        except ValueError as error:
            return str(error)
