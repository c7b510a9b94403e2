"""Cases: replies that a person has to see to by a deadline, as the captures of people.yaml say."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from twisted.logger import Logger

from gateway.filters.fold import fold
from gateway.relay.batch import Batch
from gateway.relay.clocks import Clocks
from gateway.relay.ids import Ids, OutOfIds
from gateway.relay.speaking import Speaker
from gateway.relay.webhooks import Webhooks
from gateway.settings.models import Capture
from gateway.store.people import CaseRow

if TYPE_CHECKING:
    from gateway.relay.attributing import Heard

log = Logger()

PATIENCE = 1800.0


class Cases:
    """Opens and closes cases."""

    def __init__(self, ids: Ids, speaker: Speaker, webhooks: Webhooks, clocks: Clocks) -> None:
        self.ids = ids
        self.speaker = speaker
        self.webhooks = webhooks
        self.clocks = clocks
        self.counts: Counter[str] = Counter()
        self._captures: tuple[tuple[Capture, tuple[str, ...]], ...] = ()

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
        told = {
            name: value for name, value in row._asdict().items() if name not in ("closed_at", "closed_by")
        }
        self.webhooks.tell("case", told, batch)

    def close(self, case_id: int, by: str, note: str, batch: Batch) -> None:
        """Somebody has seen to it."""
        self.counts["closed"] += 1
        batch.changes.add("close_case", (self.clocks.now_ms(), by, note, case_id))
