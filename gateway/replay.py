"""Messages of the past judged and routed again by another configuration, off the node.

A message is judged as of the moment when it left, or was accepted if it never did. Nothing is written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, select
from twisted.internet.task import Clock

from gateway.explain import DryRun, moment
from gateway.filters.catalogue import make_filters
from gateway.filters.listed import put_in_force
from gateway.filters.suppressed import Suppressed
from gateway.filters.verdict import REASONS, Action
from gateway.logs import masked
from gateway.message import Message, joined
from gateway.relay.accounts import Account
from gateway.relay.clocks import Clocks
from gateway.relay.people import read_all
from gateway.relay.submitted import message_of
from gateway.relay.templating import learn_edits
from gateway.routing.choosing import Health, View
from gateway.settings.models import Generation
from gateway.smpp.codec import PduError, decode
from gateway.smpp.concat import part_of
from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import DataSm, SubmitSm
from gateway.store.queries import first_accepted
from gateway.store.rows import MessageRow, State
from gateway.store.schema import message as messages
from gateway.store.sealing import messages as opened

PAGE = 1000
LEAVES = frozenset({Action.ALLOW.value, Action.WARN.value, Action.REWRITE.value})
UNDECIDED = frozenset({State.GATHERING})
ORPHANS = frozenset({"incomplete_long_text"})
OTHER = "the configuration in force says the same now: people, counts or words are not what they were"


class Change(NamedTuple):
    """A message that the other configuration would treat differently, and the rule that says so."""

    id: str
    account: str
    to: str
    accepted: str
    before: str
    after: str
    rule: str
    place: str


@dataclass(slots=True)
class Replayed:
    """What came of it: counts of messages, those not judged again by why, and the changes."""

    judged: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)

    @property
    def changed(self) -> int:
        return sum(self.kinds.values())

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "judged": self.judged,
            "changed": self.changed,
            "not_judged": dict(self.skipped),
            "kinds": dict(self.kinds.most_common()),
            "changes": [change._asdict() for change in self.changes],
        }


class Judge:
    """One configuration, that judges stored messages. Raises ValueError with what is wrong in its lists."""

    def __init__(self, generation: Generation) -> None:
        self._now = 0.0
        self._filters = make_filters(generation)
        self._run = DryRun(generation, self._filters, Clocks(Clock(), lambda: self._now))
        self._view = View(lambda name: Health.READY, now=lambda: self._now)
        self._accounts: dict[str, Account | None] = {}
        self.prefers = ""
        """The carrier that it would ask first for what was judged last, if any."""

    def learn(self, connection: Connection) -> None:
        """Learn what the store knows now: edits, lists, consents. Counts of the past nobody has."""
        learn_edits(connection, self._filters)
        suppressed = self._filters.get(Suppressed.name)
        if isinstance(suppressed, Suppressed):
            for _ in put_in_force(suppressed.lists, suppressed.known):
                pass
            read_all(connection, suppressed.known)

    def again(self, rows: list[MessageRow]) -> tuple[str, str, str]:
        """What it says: the outcome, and its rule with file and line."""
        first, self.prefers = rows[0], ""
        if first.account not in self._accounts:
            self._accounts[first.account] = self._run.account(first.account)
        account = self._accounts[first.account]
        if account is None:
            return "refused: no such account", "", ""
        made: list[Message] = []
        for row in rows:
            pdu: Any = decode(row.pdu)
            message = message_of(account, pdu, row.accepted_at, self._run.generation.number)
            if isinstance(message, int):
                return f"refused: {CommandStatus(message).name}", "", ""
            made.append(message)
        made.sort(key=lambda message: message.part.number if message.part is not None else 0)
        self._now = (first.sent_at or first.accepted_at) / 1000
        judgement, entry, reason = self._run.decide(made[0] if len(made) == 1 else joined(made))
        verdict, route = judgement.verdict, self._run.placing.rule
        if reason is not None:
            return f"refused: {reason.name}", verdict.rule, verdict.place
        if entry.state is not State.WAITING or route is None:
            return entry.state.name.lower(), verdict.rule, verdict.place
        if first.carrier is None:  # it waits, or was refused: by which carrier it goes is not compared
            return _passes(None, None), route.name, ""
        order = self._run.placing.router.chooser.order(route.choice, entry.message.destination, self._view)
        self.prefers = next(iter(order))
        carrier = first.carrier if first.carrier in route.carriers else self.prefers
        return _passes(route.name, carrier), route.name, ""


class Replay:
    """Judges stored messages by a candidate, and where it differs from what was decided by the configuration
    in force too: what both now say otherwise is no change that the candidate makes. Raises ValueError with
    what is wrong in their lists.
    """

    def __init__(self, candidate: Generation, most: int, in_force: Generation | None = None) -> None:
        self._candidate = Judge(candidate)
        self._in_force = Judge(in_force) if in_force is not None else None
        self._most = most
        self._groups: dict[int, list[MessageRow]] = {}
        self.result = Replayed()

    def run(self, connection: Connection, since: int) -> Replayed:
        """All that was accepted since then (unix ms), by what is known of words and people now."""
        for judge in filter(None, (self._candidate, self._in_force)):
            judge.learn(connection)
        for row in _rows(connection, since):
            self._take(row)
        self.result.skipped["a segment of a text that is not all there"] += sum(
            map(len, self._groups.values())
        )
        self.result.skipped += Counter()  # without zeros
        return self.result

    def _take(self, row: MessageRow) -> None:
        if not row.pdu:
            self.result.skipped["its text is purged"] += 1
            return
        if row.state in UNDECIDED or _reason(row) in ORPHANS:
            self.result.skipped["a segment of a text that is not all there"] += 1
            return
        try:
            pdu = decode(row.pdu)
        except PduError:
            pdu = None
        if not isinstance(pdu, SubmitSm | DataSm):
            self.result.skipped["its record cannot be read"] += 1
            return
        part = part_of(pdu)
        total = part.total if part is not None else 1
        group = self._groups.setdefault(row.segment_of or row.id, [])
        group.append(row)
        if len(group) >= total:
            self._judge(self._groups.pop(row.segment_of or row.id))

    def _judge(self, rows: list[MessageRow]) -> None:
        """Judge a message, or the segments of a long text as one."""
        after, rule, place = self._candidate.again(rows)
        if self._in_force is not None:
            differs = any(_before(row) != after for row in rows)
            prefers, went = self._candidate.prefers, rows[0].carrier
            if differs and self._in_force.again(rows)[0] == after:
                self.result.skipped[OTHER] += len(rows)
                return
            if not differs and prefers not in ("", went):
                self._in_force.again(rows)
                if self._in_force.prefers == went:  # it went by the one preferred, which is now another
                    after = _passes(rule, prefers)
        for row in rows:
            before = _before(row)
            self.result.judged += 1
            if before == after:
                continue
            self.result.kinds[f"{before} -> {after}"] += 1
            if len(self.result.changes) < self._most:
                self.result.changes.append(
                    Change(
                        row.client_id or f"#{row.id}",
                        row.account,
                        masked(row.destination),
                        moment(row.accepted_at / 1000),
                        before,
                        after,
                        rule,
                        place,
                    )
                )


def _rows(connection: Connection, since: int) -> Iterator[MessageRow]:
    after = first_accepted(connection, since) - 1
    while True:
        query = select(messages).where(messages.c.id > after).order_by(messages.c.id).limit(PAGE)
        page = opened(connection, connection.execute(query))
        yield from (row for row in page if row.accepted_at >= since)
        if len(page) < PAGE:
            return
        after = page[-1].id


def _reason(row: MessageRow) -> str:
    """The reason of a refusal, by the error that decided; empty for what a carrier has said."""
    return next((reason.name for reason in REASONS.values() if reason.err == row.error), "")


def _before(row: MessageRow) -> str:
    """What was decided of a message."""
    verdict = str(json.loads(row.decision or "{}").get("verdict", Action.ALLOW.value))
    if row.state == State.REJECTED and row.carrier is None and (reason := _reason(row)):
        return f"refused: {reason}"
    if row.carrier is None and verdict not in LEAVES:
        return {"defer": "deferred", "hold": "held"}.get(verdict, verdict)
    return _leaving(row)


def _leaving(row: MessageRow) -> str:
    steps = json.loads(row.trail or "[]")
    return _passes(steps[-1]["route"] if steps else None, row.carrier)


def _passes(route: str | None, carrier: str | None) -> str:
    if route is None or carrier is None:
        return "passes"
    return f"passes by route {route!r}, carrier {carrier}"
