"""Webhooks: events told to systems of the admin's, once each is on disk, signed, until they are taken.

The call is stored with the change that it tells of. It may be made twice (the node dies after the answer, or
the answer is lost): the ids of its events are the same then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zlib import crc32

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from gateway.relay.alarms import Alarms
from gateway.relay.batch import Batch, Committer
from gateway.relay.caller import Caller, Make, Terms
from gateway.relay.calls import Http
from gateway.relay.clocks import Clocks
from gateway.relay.ids import Ids, OutOfIds
from gateway.settings.models import Webhook
from gateway.store.calls import CallRow, call_counts
from gateway.store.ledger import Ledger

log = Logger(__name__)

INTERVAL = 1.0
LANES = 0xFFFF

Document = Mapping[str, Any]


class Event(NamedTuple):
    """What happened: its type, such as `opt_out` or `case.opened`, its id (empty: one is made), and its data.
    In them `number` is a person's and masked if need be, `at` (unix milliseconds) is when it was, and what
    ends in `_at` is a time too.
    """

    type: str
    id: str
    data: Document


class Webhooks:
    """The callers of all webhooks, and of the mail: what is told to whom."""

    def __init__(
        self, ledger: Ledger, committer: Committer, ids: Ids, alarms: Alarms, reactor: Any, clocks: Clocks
    ) -> None:
        self.ledger = ledger
        self.committer = committer
        self.ids = ids
        self.alarms = alarms
        self.clocks = clocks
        self.callers: dict[str, Caller] = {}
        self.patience = 900.0
        self._webhooks: Mapping[str, Webhook] = {}
        self._http = Http(reactor, clocks)
        self._counts: dict[tuple[str, bool], int] = {}
        self._unstored = 0
        self._loop = LoopingCall(self._turn)
        self._loop.clock = clocks.timer  # type: ignore[assignment]

    # settings

    def configure(self, webhooks: Mapping[str, Webhook], patience: float) -> None:
        """The webhooks of a new generation. What waits for one that is gone waits for its return."""
        self._webhooks = webhooks
        self.patience = patience
        for name, webhook in webhooks.items():
            terms = Terms(webhook.calls, webhook.first, webhook.longest, webhook.give_up)
            self.put(name, terms, self._maker(name))
        for name in self.callers.keys() - webhooks.keys():
            if not name.startswith(":"):
                self.remove(name)

    def put(self, name: str, terms: Terms, make: Make) -> Caller:
        """A caller by this name, new or with new terms."""
        caller = self.callers.get(name)
        if caller is None:
            caller = Caller(name, terms, make, self.ledger, self.committer, self.clocks)
            caller.gave_up = lambda: self._tell_dead(name)
            caller.restore(self._counts.get((name, False), 0), self._counts.get((name, True), 0))
            self.callers[name] = caller
        caller.terms, caller.make = terms, make
        return caller

    def remove(self, name: str) -> None:
        """Make no more calls under this name; those that wait stay in the store."""
        caller = self.callers.pop(name, None)
        if caller is not None:
            caller.stopped = True
            self._counts[name, False], self._counts[name, True] = caller.waiting, caller.dead

    def _maker(self, name: str) -> Make:
        async def make(row: CallRow) -> Any:
            return await self._http.call(self._webhooks[name], row)

        return make

    # starting and stopping

    async def start(self) -> None:
        """Learn what waits, and begin to call."""
        self._counts = await self.ledger.read(call_counts)
        for name, caller in self.callers.items():
            caller.restore(self._counts.get((name, False), 0), self._counts.get((name, True), 0))
            self._tell_dead(name)
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> Deferred[Any]:
        """Call no more; what is left is called after the next start."""
        if self._loop.running:
            self._loop.stop()
        for caller in self.callers.values():
            caller.stopped = True
        return self._http.close()

    def _turn(self) -> None:
        now = self.clocks.timer.seconds()
        for name, caller in list(self.callers.items()):
            caller.pump()
            since = caller.failing_since
            if since is None:
                self.alarms.recovered("webhook_down", name, "it takes calls again")
            elif now - since >= self.patience:
                self.alarms.alarm(
                    "webhook_down", name, f"cannot be called: {caller.why}; {caller.waiting} calls wait"
                )

    def _tell_dead(self, name: str) -> None:
        caller = self.callers.get(name)
        if caller is None or not caller.dead:
            self.alarms.recovered("webhook_given_up", name, "nothing that was given up is left")
        else:
            self.alarms.alarm(
                "webhook_given_up",
                name,
                f"{caller.dead} calls were given up: see `gateway webhook list --dead`, "
                "then `gateway webhook retry` or `drop`",
            )

    # telling

    def wants(self, event: str) -> bool:
        """Whether some webhook wants events of this group."""
        return any(event in webhook.events for webhook in self._webhooks.values())

    def tell(self, type: str, data: Document, batch: Batch) -> None:
        """Store a call of every webhook that wants this event; it is made when the batch is on disk. `type`
        is that of the event, as `opt_out` or `case.opened`.
        """
        self.tell_all(type.partition(".")[0], [Event(type, "", data)], batch)

    def tell_all(self, group: str, events: Sequence[Event], batch: Batch | None) -> None:
        """Store calls of every webhook that wants events of `group`. Without a batch they are called from
        memory, since the store cannot be written.
        """
        for name, webhook in self._webhooks.items():
            if group in webhook.events:
                meant = [event for event in events if _concerns(webhook, event.data)]
                for start in range(0, len(meant), webhook.most):
                    self._tell(name, webhook, meant[start : start + webhook.most], batch)

    def _tell(self, name: str, webhook: Webhook, events: Sequence[Event], batch: Batch | None) -> None:
        now = self.clocks.now_ms()
        seq = self.number(batch)
        if seq is None:
            log.error("webhook {name} is not told of {event}: no ids yet", name=name, event=events[0].type)
            return
        masks = webhook.numbers == "masked"
        told = [
            {
                "id": id or f"{seq}.{index}",
                "type": type,
                "time": moment(data.get("at", now)),
                "data": {key: shown(key, value, masks) for key, value in data.items() if key != "at"},
            }
            for index, (type, id, data) in enumerate(events)
        ]
        body = json.dumps({"webhook": name, "events": told}, ensure_ascii=False, separators=(",", ":"))
        lane = lane_of(events[0].data) if len(events) == 1 else 0
        self.offer(CallRow(seq, name, now, 0, now, body, lane), batch)

    def number(self, batch: Batch | None) -> int | None:
        """The number of a new call; None while there is none. Below 0 for what no batch stores."""
        if batch is None:
            self._unstored -= 1
            return self._unstored
        try:
            return self.ids.take()
        except OutOfIds:
            return None

    def offer(self, row: CallRow, batch: Batch | None) -> None:
        """Store a call with a batch, and make it when that is on disk."""
        caller = self.callers[row.webhook]
        if batch is None:
            caller.offer(row)
            return
        batch.changes.add("call", tuple(row))
        batch.after.append(lambda: caller.offer(row))

    # commands

    async def retry(self, rows: Iterable[CallRow]) -> int:
        """Have calls that were given up tried again, as if they were new; how many. Raises
        StoreUnavailable.
        """
        now = self.clocks.now_ms()
        fresh = [row._replace(dead=0, created_at=now, attempts=0, due=now) for row in rows if row.dead]
        batch = Batch()
        for row in fresh:
            batch.changes.add("call", tuple(row))
        await self.committer.commit(batch, must=True)
        for name in {row.webhook for row in fresh}:
            mine = [row for row in fresh if row.webhook == name]
            caller = self.callers.get(name)
            if caller is not None:
                caller.again(mine)
                self._tell_dead(name)
        return len(fresh)

    async def drop(self, rows: Iterable[CallRow]) -> int:
        """Do away with calls; how many. Raises StoreUnavailable."""
        gone = list(rows)
        batch = Batch()
        for row in gone:
            batch.changes.add("called", (row.seq,))
        await self.committer.commit(batch, must=True)
        for name in {row.webhook for row in gone}:
            caller = self.callers.get(name)
            if caller is not None:
                caller.dropped([row for row in gone if row.webhook == name])
                self._tell_dead(name)
        return len(gone)


def _concerns(webhook: Webhook, data: Document) -> bool:
    """Whether an event is of the tenant and the accounts that a webhook is for."""
    if webhook.tenant and data.get("tenant", webhook.tenant) != webhook.tenant:
        return False
    return not webhook.accounts or data.get("account", webhook.accounts[0]) in webhook.accounts


def lane_of(data: Document) -> int:
    """Events about one number, or one subject, are told in order; the lane says no more of a number than
    one of 65,535.
    """
    about = data.get("number") or data.get("subject")
    return 0 if not about else crc32(str(about).encode()) % LANES + 1


def shown(key: str, value: Any, masks: bool) -> Any:
    """A value as a webhook is told it."""
    if masks and key in ("number", "from", "to") and isinstance(value, str):
        return f"{value[:3]}****{value[-4:]}" if len(value) >= 8 else "****"
    return moment(value) if key.endswith("_at") and isinstance(value, int) else value


def moment(ms: int) -> str:
    """A unix millisecond as RFC 3339 has it."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
