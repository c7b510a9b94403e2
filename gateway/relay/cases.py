"""Cases: replies that a person has to see to by a deadline, as the captures of people.yaml say.

One that nobody has closed by then is told once, and is part of an alarm until it is closed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from gateway.filters.fold import fold
from gateway.relay.alarms import Alarms
from gateway.relay.batch import Batch
from gateway.relay.breaking import Breaking
from gateway.relay.clocks import Clocks
from gateway.relay.ids import Ids, OutOfIds
from gateway.relay.speaking import Speaker
from gateway.relay.webhooks import Webhooks
from gateway.settings.models import Capture
from gateway.store.ledger import Ledger
from gateway.store.people import CaseRow, open_cases

if TYPE_CHECKING:
    from gateway.relay.attributing import Heard

log = Logger(__name__)

PATIENCE = 1800.0
PAGE = 1000


class Cases:
    """Opens and closes cases."""

    def __init__(
        self,
        ids: Ids,
        speaker: Speaker,
        webhooks: Webhooks,
        breaking: Breaking,
        alarms: Alarms,
        clocks: Clocks,
    ) -> None:
        self.ids = ids
        self.alarms = alarms
        self.breaking = breaking
        self.speaker = speaker
        self.webhooks = webhooks
        self.clocks = clocks
        self.counts: Counter[str] = Counter()
        self._captures: tuple[tuple[Capture, tuple[str, ...]], ...] = ()
        self._open: dict[int, CaseRow] = {}
        self._late: set[int] = set()

    def configure(self, captures: tuple[Capture, ...]) -> None:
        """The captures of a new generation."""
        self._captures = tuple(
            (capture, tuple("".join(fold(word)) for word in capture.words)) for capture in captures
        )

    def capture(self, heard: Heard, batch: Batch) -> None:
        """Open a case for a reply that the first capture fits; it is passed on all the same."""
        squashed = "".join(fold(heard.text))
        for capture, words in self._captures:
            if any(word and word in squashed for word in words):
                self.open(heard, capture.name, batch, capture.deadline, complaint=capture.complaint)
                if capture.answer and heard.account is not None:
                    self.speaker.answer(
                        heard.reply,
                        heard.carrier,
                        heard.account.name,
                        heard.tenant,
                        capture.answer,
                        f"captured: {capture.name}",
                        batch,
                    )
                return

    def open(
        self, heard: Heard, rule: str, batch: Batch, patience: float = PATIENCE, *, complaint: bool = False
    ) -> None:
        """Open a case for a reply."""
        try:
            case_id = self.ids.take()
        except OutOfIds:
            log.error("no case could be opened for a reply: no ids yet")
            return
        now = self.clocks.now_ms()
        row = CaseRow(
            case_id,
            rule,
            heard.tenant,
            heard.account.name if heard.account is not None else "",
            heard.digits,
            heard.text,
            int(complaint),
            now,
            now + int(patience * 1000),
            None,
            "",
            "",
        )
        self.counts[f"opened:{rule}"] += 1
        batch.changes.add("open_case", tuple(row))
        self.webhooks.tell("case.opened", _told(row), batch)
        if complaint and heard.account is not None:
            who = heard.account.name, heard.tenant, heard.program
            self.breaking.count("complaints", *who, heard.carrier, batch)
        batch.after.append(lambda: self._open.update({case_id: row}))

    def close(self, row: CaseRow, by: str, note: str, batch: Batch) -> None:
        """Somebody has seen to it."""
        now = self.clocks.now_ms()
        self.counts["closed"] += 1
        batch.changes.add("close_case", (now, by, note, row.id))
        told = {"closed_at": now, "closed_by": by, "note": note}
        self.webhooks.tell("case.closed", _told(row) | told, batch)
        batch.after.append(lambda: self._closed(row))

    def _closed(self, row: CaseRow) -> None:
        self._open.pop(row.id, None)
        self._late.discard(row.id)
        self._raise(_subject(row))

    # deadlines

    async def restore(self, ledger: Ledger) -> None:
        """Learn what is open."""
        after = 0
        while rows := await ledger.read(open_cases, after, PAGE):
            self._open.update((row.id, row) for row in rows)
            self._late.update(row.id for row in rows if row.overdue_at is not None)
            after = rows[-1].id
        for subject in {_subject(self._open[case_id]) for case_id in self._late}:
            self._raise(subject)

    def overdue(self, batch: Batch) -> None:
        """Tell of those that nobody has closed in time."""
        now = self.clocks.now_ms()
        late = [row for row in self._open.values() if row.deadline <= now and row.id not in self._late]
        for row in late:
            self.counts[f"overdue:{row.rule}"] += 1
            self._late.add(row.id)
            batch.changes.add("overdue_case", (now, row.id))
            self.webhooks.tell("case.overdue", _told(row), batch)
        for subject in {_subject(row) for row in late}:
            self._raise(subject)

    def _raise(self, subject: str) -> None:
        """The alarm of a kind of cases: open while one of them is overdue."""
        late = sorted(case_id for case_id in self._late if _subject(self._open[case_id]) == subject)
        if late:
            text = f"{len(late)} past the deadline, the oldest is case {late[0]}: `gateway case list`"
            self.alarms.alarm("case_overdue", subject, text)
        else:
            self.alarms.recovered("case_overdue", subject, "all are closed")


def _subject(row: CaseRow) -> str:
    return f"{row.rule} ({row.tenant})" if row.tenant else row.rule


def _told(row: CaseRow) -> dict[str, Any]:
    """A case as webhooks are told of it."""
    fields = ("id", "rule", "tenant", "account", "number", "reply", "opened_at")
    told: dict[str, Any] = {name: getattr(row, name) for name in fields}
    return told | {"complaint": bool(row.complaint), "deadline_at": row.deadline}
