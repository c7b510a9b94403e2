"""Notices: alarms told to persons, by webhooks and by mail, together at most so often.

What begins and ends between two notices is told in the second one. While the store cannot be written they
are told from memory; otherwise they are stored first, as all that is told.
"""

from __future__ import annotations

import json

from gateway.relay.alarms import Alarm, Alarms
from gateway.relay.batch import Batch, Committer
from gateway.relay.caller import Terms
from gateway.relay.clocks import Clocks
from gateway.relay.mail import MAIL, mailer
from gateway.relay.webhooks import Event, Webhooks, moment
from gateway.settings.models import Alarms as Settings
from gateway.store.calls import CallRow

MOST = 100  # told one by one in a mail
SHOWN = 120  # characters of a subject


class Notices:
    """Gathers what alarms have to say, and tells it."""

    def __init__(self, alarms: Alarms, webhooks: Webhooks, committer: Committer, clocks: Clocks) -> None:
        self.alarms = alarms
        self.webhooks = webhooks
        self.committer = committer
        self.clocks = clocks
        self.settings = Settings()
        self.node = ""
        self._gathered: list[Event] = []
        self._next = 0.0
        alarms.told = self._gather

    def configure(self, settings: Settings, node: str) -> None:
        """The settings of a new generation."""
        self.settings = settings
        self.node = node
        mail = settings.mail
        if mail is None:
            self.webhooks.remove(MAIL)
        else:
            self.webhooks.put(MAIL, Terms(1, 30.0, 600.0, mail.give_up), mailer(mail))

    def _gather(self, what: str, alarm: Alarm) -> None:
        alarm.told_at = self.clocks.now_ms()
        data = {
            "kind": alarm.kind,
            "subject": alarm.subject,
            "text": alarm.text,
            "count": alarm.count,
            "raised_at": alarm.raised_at,
            "node": self.node,
            "at": alarm.last_at,
        }
        self._gathered.append(Event(f"alarm.{what}", "", data))

    def tick(self) -> None:
        """Tell what has gathered, if it is time. To be called every second."""
        self._remind()
        now = self.clocks.timer.seconds()
        if not self._gathered or now < self._next:
            return
        events, self._gathered = self._gathered, []
        self._next = now + self.settings.pause
        batch = None if self.committer.journal.failing else Batch()
        self.webhooks.tell_all("alarm", events, batch)
        if self.settings.mail is not None:
            self._mail(events, batch)
        if batch is not None:
            self.committer.commit(batch, must=True)

    def _remind(self) -> None:
        if not self.settings.remind:
            return
        before = self.clocks.now_ms() - int(self.settings.remind * 1000)
        for alarm in self.alarms.open.values():
            if alarm.told_at <= before:
                self._gather("reminded", alarm)

    def _mail(self, events: list[Event], batch: Batch | None) -> None:
        seq = self.webhooks.number(batch)
        if seq is None:  # the store owes numbers: it is told from memory
            batch, seq = None, self.webhooks.number(None)
        assert seq is not None
        now = self.clocks.now_ms()
        body = {
            "events": [
                {"id": f"{seq}.{index}", "type": event.type} for index, event in enumerate(events[:MOST])
            ],
            "subject": self._subject(events),
            "text": self._text(events),
        }
        self.webhooks.offer(
            CallRow(seq, MAIL, now, 0, now, json.dumps(body, ensure_ascii=False), lane=1), batch
        )

    def _subject(self, events: list[Event]) -> str:
        begun = [event for event in events if event.type != "alarm.recovered"]
        data = (begun or events)[0].data
        word = "ALARM" if begun else "over"
        more = f" and {len(events) - 1} more" if len(events) > 1 else ""
        said = " ".join(f"[{self.node}] {word}: {data['kind']}, {data['subject']}".split())
        return said[:SHOWN] + more

    def _text(self, events: list[Event]) -> str:
        words = {"alarm.raised": "ALARM", "alarm.reminded": "STILL OPEN", "alarm.recovered": "OVER"}
        lines = [
            f"{words[event.type]}  {event.data['kind']}, {event.data['subject']}\n"
            f"    {event.data['text']}\n"
            f"    since {moment(event.data['raised_at'])}, raised {event.data['count']} times\n"
            for event in events[:MOST]
        ]
        if len(events) > MOST:
            lines.append(f"and {len(events) - MOST} more: gateway status\n")
        return "\n".join([*lines, f"Node {self.node}. `gateway status` shows what is open now.\n"])
