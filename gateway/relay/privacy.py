"""What a person may ask for, done by the node that alone writes: erasure; and legal holds, which go first.

Erasure takes the number and the texts out of finished messages, consents, replies and the record of acts. It
keeps what law and suppression need: entries of lists, and the commitments of chains, which tell nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import DeferredLock

from gateway.filters.consent import ENDS, ConsentEvent, EventKind
from gateway.filters.suppression import ListKey, ListType, Scope
from gateway.relay.attesting import Attesting
from gateway.relay.auditing import Audit
from gateway.relay.batch import Batch, Committer
from gateway.relay.clocks import Clocks
from gateway.relay.forgetting import Forgetting, forget
from gateway.relay.keeping import NOBODY, keeping_of
from gateway.relay.numbering import Numbering
from gateway.relay.people import kept
from gateway.relay.protection import Protection
from gateway.relay.replies import PART
from gateway.relay.resealing import Resealing
from gateway.store import audit as records
from gateway.store import holds, numbers
from gateway.store import people as rows
from gateway.store.calls import calls_with
from gateway.store.holds import Hold
from gateway.store.ledger import Ledger
from gateway.store.lifted import PLACE, lifted_of
from gateway.store.people import CaseRow
from gateway.store.retention import Keeping
from gateway.store.rows import MessageRow, State
from gateway.store.vault import Vault

SLICE = 100
KEPT_WORDS = ("filter", "action", "mode", "reason", "rule", "place")
"""What stays of a word of a decision: nothing that quotes a text."""


class Privacy:
    """One node's. `housekeeping` is held by whoever rewrites old rows: erasure, purge and resealing."""

    def __init__(
        self,
        ledger: Ledger,
        committer: Committer,
        protection: Protection,
        audit: Audit,
        vault: Vault | None,
        tenant_of: Callable[[str], str],
        numbering: Numbering,
        resealing: Resealing,
        attesting: Attesting,
        housekeeping: DeferredLock,
        clocks: Clocks,
    ) -> None:
        self.ledger = ledger
        self.committer = committer
        self.people = protection.people
        self.webhooks = protection.webhooks
        self.inbound = protection.inbound
        self.audit = audit
        self.vault = vault
        self.tenant_of = tenant_of
        self.numbering = numbering
        self.resealing = resealing
        self.attesting = attesting
        self.housekeeping = housekeeping
        self.clocks = clocks
        self.holds: list[Hold] = []
        self.forgetting = Forgetting(
            ledger, committer, self.people, audit, self._held, lambda: bool(self.holds), clocks
        )

    async def start(self) -> None:
        """Learn what is held, and begin the work behind the traffic."""
        self.holds = await self.ledger.read(holds.holds)
        self.numbering.start()
        self.resealing.start()
        self.attesting.start()

    def stop(self) -> None:
        """Break off the work behind the traffic."""
        self.numbering.stop()
        self.resealing.stop()
        self.attesting.stop()

    # holds

    async def place(self, hold: Hold) -> Hold:
        """Hold something from now on; its id is that of its record."""
        batch = Batch()
        what = hold.account or hold.tenant or ("a number" if hold.number else "all")
        position = self.audit.record(batch, hold.by, "hold", what, hold.reason, number=hold.number or None)
        placed = hold._replace(id=position, placed_at=self.clocks.now_ms())
        batch.changes.add("hold", placed.row())
        self.holds.append(placed)
        await self.committer.commit(batch, must=True)
        return placed

    async def lift(self, id: int, by: str, reason: str) -> bool:
        """Hold it no more; False if there is no such hold. What was kept is purged from now on."""
        if not any(hold.id == id for hold in self.holds):
            return False
        self.holds = [hold for hold in self.holds if hold.id != id]
        batch = Batch()
        self.audit.record(batch, by, "lift_hold", f"hold {id}", reason)
        batch.changes.add("lift_hold", (self.clocks.now_ms(), id))
        batch.changes.add("count", ("bodies", 0))
        batch.changes.add("count", ("messages", 0))
        await self.committer.commit(batch, must=True)
        return True

    def keeping(self) -> Keeping | None:
        """How long the packs want messages kept."""
        return keeping_of(self.people.persons, self.tenant_of)

    def is_held(self, row: MessageRow) -> bool:
        """Whether a message must stay as it is."""
        tenant = self.tenant_of(row.account)
        return any(hold.covers(row.destination, row.account, tenant, row.accepted_at) for hold in self.holds)

    def is_held_case(self, case: CaseRow) -> bool:
        """Whether a case must stay as it is."""
        return self._held(case.number, case.tenant, case.opened_at)

    def _held(self, number: str, tenant: str, at: int) -> bool:
        return any(not hold.account and hold.covers(number, "", tenant, at) for hold in self.holds)

    # erasure

    async def erase(self, number: str, by: str, purpose: str) -> dict[str, Any]:
        """Erase a person; tells what was erased, what stays and why."""
        told: Counter[str] = Counter()
        async with self.housekeeping:
            ids = await self.ledger.read(numbers.messages_to, number)
            await self._messages(number, told)
            await self._consents(number, by, told)
            await self._replies(number, told)
            await self._records(number, by, told)
            entries = await self.ledger.read(rows.suppressions_of, number)
            told["suppressions_kept"] = len(entries)
            await self._lifted(number, told)
            await self._calls(number, told)
            await self._strays(number, told)
            told["receipts_waiting"] = await self.ledger.read(numbers.waiting_about, ids)
            copies = await self._copies()
            subject = numbers.key_of(self.vault, "", number) if self.vault is not None else "a number"
            await self.audit.at_once(by, "erase", subject, json.dumps(told), purpose=purpose)
        return {**told, "backups": copies}

    async def _messages(self, number: str, told: Counter[str]) -> None:
        ids = await self.ledger.read(numbers.messages_to, number)
        for start in range(0, len(ids), SLICE):
            batch = Batch()
            pairs: list[tuple[MessageRow, MessageRow]] = []
            for row in await self.ledger.messages(ids[start : start + SLICE]):
                if row.destination != number:
                    continue
                if self.is_held(row):
                    told["messages_held"] += 1
                elif not State(row.state).final:
                    told["messages_under_way"] += 1
                else:
                    told["messages"] += 1
                    pairs.append((row, without_person(row)))
                    batch.changes.revise(pairs[-1][1])
            if pairs:
                gone = [row.id for row, _ in pairs]
                self.numbering.forget(gone)
                for name, values in await self.ledger.read(numbers.forgotten, gone):
                    batch.changes.add(name, values)
            await self.attesting.erasing(pairs, batch)
            await self.committer.commit(batch, must=True)

    async def _consents(self, number: str, by: str, told: Counter[str]) -> None:
        """Every line about the person loses its text and salt, the one that says so included."""
        now = int(self.clocks.wall())
        lost: dict[str, list[int]] = {}
        lines = await self.ledger.read(rows.consents_of, number, None)
        held = {row.tenant for row in lines if self._held(number, row.tenant, row.recorded_at * 1000)}
        batch = Batch()
        scopes: dict[tuple[str, str, str], None] = {}
        ended: set[str] = set()
        for row in lines:
            event = kept(row).event
            if row.tenant in held or event is None:
                told["consents_held"] += row.tenant in held
                continue
            told["consents"] += 1
            scopes[event.tenant, event.program, event.category] = None
            if event.kind in ENDS:
                ended.add(event.tenant)
            lost.setdefault(row.tenant, []).append(row.position)
        for tenant, program, category in scopes:
            event = ConsentEvent(tenant, program, category, number, EventKind.ERASED, now, now)
            link = self.people.record(event, batch)
            lost[tenant].append(link.position)
        forget(self.audit, by, lost, (), batch)
        for tenant in sorted(ended):
            self._keep_out(number, tenant, batch, told)
        await self.committer.commit(batch, must=True)

    def _keep_out(self, number: str, tenant: str, batch: Batch, told: Counter[str]) -> None:
        """Who has taken back a consent is not written to again because nobody knows of it any more."""
        key = ListKey(ListType.CATEGORY_OPTOUT, Scope(tenant, "", "promotional"), "privacy")
        if not self.people.is_on(key, number):
            self.people.suppress(key, number, batch, by="operator", evidence="kept at erasure")
            told["suppressions_added"] += 1

    async def _lifted(self, number: str, told: Counter[str]) -> None:
        """What is on no list any more keeps nobody from being written to."""
        batch = Batch()
        for row in await self.ledger.read(lifted_of, number):
            if self._held(number, row.tenant, row.lifted_at):
                told["lifted_held"] += 1
                continue
            told["lifted"] += 1
            batch.changes.add("forget_lifted", row[: len(PLACE)])
        await self.committer.commit(batch, must=True)

    async def _calls(self, number: str, told: Counter[str]) -> None:
        """Calls that were given up go; those that wait are still owed to the other system."""
        found = await self.ledger.read(calls_with, number)
        dead = [row for row in found if row.dead]
        told["calls_waiting"] = len(found) - len(dead)
        if any(hold.number in ("", number) for hold in self.holds):
            told["calls_held"] = len(dead)
        elif dead:
            told["calls"] = await self.webhooks.drop(dead)

    async def _strays(self, number: str, told: Counter[str]) -> None:
        """Receipts that matched no message and replies that are nobody's go; not while a message is under way
        that one of them may be about, nor parts of a reply whose others may still come.
        """
        found = await self.ledger.read(numbers.strays_about, number)
        held = any(hold.number in ("", number) for hold in self.holds)
        stay = held or told["messages_under_way"]
        gone = [] if stay else [row for row in found if row.carrier_message_id != PART]
        told["strays"], told["strays_waiting"] = len(gone), len(found) - len(gone)
        batch = Batch()
        self.inbound.drop(gone, batch)
        await self.committer.commit(batch, must=True)

    async def _replies(self, number: str, told: Counter[str]) -> None:
        batch = Batch()
        for case in await self.ledger.read(rows.cases_of, number):
            if self.is_held_case(case):
                told["replies_held"] += 1
            elif case.closed_at is None:
                told["replies_open"] += 1
            else:
                told["replies"] += 1
                batch.changes.add("amend_case", (case.tenant, "", "", case.id))
        await self.committer.commit(batch, must=True)

    async def _records(self, number: str, by: str, told: Counter[str]) -> None:
        lost: list[int] = []
        for record in await self.ledger.read(records.records_of, number):
            if self._held(number, "", record.at) or record.act in ("hold", "lift_hold"):
                told["records_held"] += 1
                continue
            told["records"] += 1
            lost.append(record.position)
        batch = Batch()
        forget(self.audit, by, {}, lost, batch)
        await self.committer.commit(batch, must=True)

    async def _copies(self) -> list[dict[str, Any]]:
        """The copies of the store that were made, as far as they are on record."""
        found = await self.ledger.read(records.latest, 100, "backup")
        return [{"at": row.at, "file": json.loads(row.entry or "{}").get("subject", "")} for row in found]

    # objection

    async def object(self, number: str, tenant: str, by: str, evidence: str) -> None:
        """No promotion of this tenant to this person any more."""
        batch = Batch()
        key = ListKey(ListType.CATEGORY_OPTOUT, Scope(tenant, "", "promotional"), "privacy")
        self.people.suppress(key, number, batch, by="operator", evidence=evidence)
        self.audit.record(batch, by, "object", tenant, evidence, number=number)
        await self.committer.commit(batch, must=True)


def without_person(row: MessageRow) -> MessageRow:
    """A message that says what was decided and what became of it, and nothing of whom or what."""
    decision = json.loads(row.decision or "{}")
    decision = {name: value for name, value in decision.items() if name in ("verdict", "generation", "words")}
    if "words" in decision:
        decision["words"] = [
            {name: value for name, value in word.items() if name in KEPT_WORDS} for word in decision["words"]
        ]
    text = json.dumps({**decision, "erased": True}, ensure_ascii=False, separators=(",", ":"))
    return row._replace(destination=NOBODY, pdu=b"", decision=text)
