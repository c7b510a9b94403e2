"""Everything that protects people, put together for one node: what is known, heard, counted, answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.logger import Logger

from gateway.filters.capped import Capped
from gateway.filters.known import CONSENTS, COUNTS, Known
from gateway.filters.lookup import Lookup
from gateway.filters.persons import Persons
from gateway.filters.suppressed import Suppressed
from gateway.filters.tiers import NONE
from gateway.filters.verdict import Filter
from gateway.message import Message
from gateway.relay.accounts import Accounts
from gateway.relay.alarms import Alarms
from gateway.relay.batch import Batch, Committer
from gateway.relay.book import Book, Entry
from gateway.relay.breaking import Breaking
from gateway.relay.cases import Cases
from gateway.relay.clocks import Clocks
from gateway.relay.codes import Codes
from gateway.relay.consenting import Consenting
from gateway.relay.counting import Counting
from gateway.relay.dispatch import Dispatch
from gateway.relay.ends import Ends
from gateway.relay.feeds import Feeds
from gateway.relay.hearing import Hearing
from gateway.relay.housekeeping import Housekeeping
from gateway.relay.ids import Ids
from gateway.relay.importing import Importing
from gateway.relay.inbound import Inbound
from gateway.relay.judging import Judging
from gateway.relay.lookups import Lookups
from gateway.relay.people import People
from gateway.relay.recover import restore
from gateway.relay.replies import Replies
from gateway.relay.requesting import Requesting
from gateway.relay.speaking import Speaker
from gateway.relay.webhooks import Webhooks
from gateway.settings.models import Generation
from gateway.settings.models import People as Settings
from gateway.smpp.text import DefaultAlphabet
from gateway.store.ledger import Ledger
from gateway.store.rows import MessageRow

log = Logger(__name__)


class Protection:
    """The people side of a node."""

    def __init__(
        self,
        generation: Generation,
        ledger: Ledger,
        ids: Ids,
        book: Book,
        dispatch: Dispatch,
        judging: Judging,
        replies: Replies,
        inbound: Inbound,
        accounts: Accounts,
        alarms: Alarms,
        committer: Committer,
        reactor: Any,
        clocks: Clocks,
    ) -> None:
        self.accounts = accounts
        self.committer = committer
        self._learning: Deferred[None] = succeed(None)
        self._capped = _CappedKinds(judging)
        self.alarms = alarms
        self.judging = judging
        self.case_ids = Ids(ledger, "case", 1000)
        self.call_ids = Ids(ledger, "call", 10_000)
        self.people = People(ledger, clocks, Persons(replace(generation, people=Settings())), Known())
        self.housekeeping = Housekeeping(lambda: self.people.known, clocks)
        self.lookups = Lookups(reactor, alarms, clocks)
        self.feeds = Feeds(self.people.known, alarms, clocks)
        self.counting = Counting(ledger, clocks, self._capped)
        self.speaker = Speaker(ids, book, dispatch, clocks)
        self.webhooks = Webhooks(ledger, committer, self.call_ids, alarms, reactor, clocks)
        self.ends = Ends(ledger, committer, self.webhooks, accounts, clocks)
        self.breaking = Breaking(self.people, judging, self.webhooks, alarms, clocks)
        self.cases = Cases(self.case_ids, self.speaker, self.webhooks, self.breaking, alarms, clocks)
        self.consenting = Consenting(self.people, self.webhooks, clocks)
        self.importing = Importing(self.people, self.consenting, self.webhooks, committer, clocks)
        self.requesting = Requesting(self.people, self.consenting, self.speaker, judging, book, accounts, ids)
        self.hearing = Hearing(
            self.people,
            self.speaker,
            self.cases,
            self.consenting,
            self.requesting,
            self.webhooks,
            replies.writers,
            clocks,
        )
        judging.known = self.people.known
        judging.passed = self.counting.count
        judging.awaits = self.lookups.wait
        dispatch.may_leave = judging.may_leave
        dispatch.may_read = lambda: CONSENTS not in self.people.known.loading
        dispatch.stopped = self.breaking.stops
        replies.heard = self.hearing.hear
        self.dispatch = dispatch
        replies.alphabet = self._alphabet
        replies.handset = self.hearing.handset = self._handset
        codes = Codes(self.people, self.breaking, self.webhooks)
        dispatch.retrying.said_no = codes.refused
        inbound.refused = codes.receipt
        self.inbound = inbound

    def adopt(self, generation: Generation, filters: Mapping[str, Filter]) -> None:
        """Go by the filters and settings of a new generation."""
        suppressed, capped = filters.get(Suppressed.name), filters.get(Capped.name)
        if isinstance(suppressed, Suppressed):
            self.people.persons, self.people.known = suppressed.persons, suppressed.known
            self.judging.known = suppressed.known
            self.people.known.breakers.configure(suppressed.persons.people.breakers)
            self.feeds.adopt(suppressed.lists, suppressed.known, generation.node)
            self.people.known.changes += 1
        lookup = filters.get(Lookup.name)
        self.lookups.adopt(lookup if isinstance(lookup, Lookup) else None, self.people.known)
        self._capped.clear()
        self.counting.capped = capped if isinstance(capped, Capped) else None
        persons = self.people.persons
        people = persons.people
        self.judging.tier_of = persons.tier if persons.tiers.any else _no_tier
        writers = self.hearing.attribution.writers
        writers.program_of, writers.rules = persons.program, people.rules is not None
        self.cases.configure(people.captures)
        self.ends.configure(people.webhooks.values())
        self.webhooks.configure(people.webhooks, generation.node.alarms.webhook_down)
        self.speaker.patience_ms = int(people.replies.within * 1000)

    async def start(self) -> None:
        """Learn from the store what was known. Nobody may be listened to before. The consents and the counts
        are left to `learn`; until they are known what goes by them waits.
        """
        for ids in (self.case_ids, self.call_ids):
            await ids.start()
        await self.people.load()
        await self.cases.restore(self.people.ledger)
        await self.breaking.restore(self.people.ledger)
        await self.webhooks.start()
        await self.ends.start()
        self.feeds.start()
        self.housekeeping.start()
        await self.counting.begin()
        self.people.known.loading.add(COUNTS)

    def learn(self) -> None:
        """Begin to learn the consents and the counts, beside the traffic and after what a start waits for."""
        self._learning = Deferred.fromCoroutine(self._learn())
        self._learning.addErrback(lambda failure: log.failure("what is known could not be loaded", failure))

    async def _learn(self) -> None:
        await self.people.load_consents()
        if not self.people.stopped:
            batch = Batch()
            self.hearing.catch_up(batch)
            self.committer.commit(batch, must=True)
            self.dispatch.pump()
            await self.counting.restore(self._entry)
        if not self.counting.stopped:
            self.people.known.loading.discard(COUNTS)
            self.people.known.changes += 1

    def stop(self) -> Deferred[Any]:
        """Call no more webhooks, fetch no more lists, ask nobody."""
        self.feeds.stop()
        self.housekeeping.stop()
        self.people.stopped = self.counting.stopped = True
        return gatherResults([self.webhooks.stop(), self.lookups.stop(), self._learning])

    def ended(self, entry: Entry, batch: Batch) -> None:
        """A message has ended."""
        if entry.message.counted_at:
            self.counting.ended(entry)
        if self.people.known.breakers.rules:
            self.breaking.ended(entry, batch)
        if not self.ends.off:
            self.ends.ended(entry, batch)

    def counts(self) -> dict[str, int]:
        """Everything that was done, for the metrics."""
        cases = {f"case:{name}": count for name, count in self.cases.counts.items()}
        return {
            **self.people.counts,
            **self.hearing.counts,
            **{f"request:{name}": count for name, count in self.consenting.counts.items()},
            **{f"tidied:{name}": count for name, count in self.housekeeping.counts.items()},
            **self.speaker.counts,
            **cases,
        }

    def _alphabet(self, name: str) -> DefaultAlphabet | None:
        """What a carrier's data_coding 0 means; None where its configuration does not say."""
        carrier = self.dispatch.carriers.get(name)
        return None if carrier is None else carrier.settings.rewrite.charset.default

    def _handset(self, name: str, number: str, ton: int) -> tuple[str, int]:
        carrier = self.dispatch.carriers.get(name)
        return (number, ton) if carrier is None else carrier.adapter.handset(number, ton)

    def _entry(self, row: MessageRow) -> Entry:
        return restore(row, self.accounts)


class _CappedKinds(dict[tuple[str, str], bool]):
    """Whether the messages of an account and a category are judged by the filter of frequency."""

    def __init__(self, judging: Judging) -> None:
        self.judging = judging

    def __missing__(self, kind: tuple[str, str]) -> bool:
        names = [filter.name for filter, _ in self.judging.chain_of(*kind).filters]
        capped = self[kind] = Capped.name in names
        return capped


def _no_tier(message: Message) -> int:
    return NONE
