"""The relay of one node, put together: every part, and the hooks by which they know of each other."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import DeferredLock, gatherResults
from twisted.logger import Logger

from gateway.filters.chain import Chain, Mode
from gateway.filters.chained import chained, persons_of
from gateway.filters.directives import Directed
from gateway.filters.protecting import AGAIN
from gateway.filters.verdict import Filter, Verdict
from gateway.message import Message
from gateway.relay.accounts import ENDED, Account, Accounts
from gateway.relay.alarms import Alarms
from gateway.relay.alerts import Alerts
from gateway.relay.attesting import Attesting
from gateway.relay.auditing import Audit
from gateway.relay.batch import Batch, Committer, Outgoing
from gateway.relay.binding import Binding
from gateway.relay.book import Book, Entry
from gateway.relay.carrier import Carrier
from gateway.relay.clocks import Clocks
from gateway.relay.dispatch import Dispatch
from gateway.relay.following import Following
from gateway.relay.gathering import Gathering
from gateway.relay.ids import Ids
from gateway.relay.inbound import Inbound
from gateway.relay.judging import Judging
from gateway.relay.lookout import Lookout
from gateway.relay.multipart import Groups
from gateway.relay.numbering import Numbering
from gateway.relay.outbind import Outbinds
from gateway.relay.outbox import Outbox
from gateway.relay.privacy import Privacy
from gateway.relay.protection import Protection
from gateway.relay.queries import Queries
from gateway.relay.recover import Recovery, Stopped, restore
from gateway.relay.replies import Replies
from gateway.relay.resealing import Resealing
from gateway.relay.reviewing import Reviewing
from gateway.relay.server import Server
from gateway.relay.spending import Spending
from gateway.relay.steering import Steering
from gateway.relay.submits import Submits
from gateway.relay.sweep import Sweep
from gateway.relay.tell import USUAL, intermediate_row, receipt_row
from gateway.relay.templating import Templating
from gateway.relay.tracing import Tracing
from gateway.relay.traffic import Traffic
from gateway.relay.uplinks import Uplinks
from gateway.relay.wording import Wording
from gateway.routing.router import Router
from gateway.settings.models import Generation, Node
from gateway.smpp.constants import MessageState
from gateway.smpp.protocol import Ticker
from gateway.smpp.receipts import Receipt
from gateway.store.engine import Store
from gateway.store.rows import MessageRow, OutboxRow

log = Logger(__name__)


class Relay:
    """All parts of one node between its listeners and its carriers. `filters` makes the filters of a
    generation.
    """

    def __init__(self, generation: Generation, store: Store, reactor: Any, clocks: Clocks) -> None:
        self.reactor = reactor
        self.clocks = clocks
        self.store = store
        self.generation = generation
        node = generation.node
        self.alarms = Alarms(clocks)
        self.outgoing = Outgoing()
        self.committer = Committer(store.journal, self.outgoing)
        self.audit = Audit(store.ledger, self.committer, clocks)
        self.ids = Ids(store.ledger, "message")
        self.outbox_seqs = Ids(store.ledger, "outbox")
        self.stray_seqs = Ids(store.ledger, "stray")
        self.ticker = Ticker(clocks.timer)
        self.tracing = Tracing(self.ticker, clocks)
        self.accounts = Accounts()
        self.book = Book(store.ledger, self._restore)
        self.dispatch = Dispatch(self.book, self.committer, clocks, node.backlog.memory)
        self.judging = Judging(self.book, self.dispatch, clocks)
        self.gathering = Gathering(Groups(), self.book, self.judging, self.committer, clocks)
        self.replies = Replies(self.accounts, self.outbox_seqs, self.stray_seqs, clocks)
        self.inbound = Inbound(self.book, self.replies, self.committer, self.stray_seqs, clocks)
        self.alerts = Alerts(self.replies, self.outgoing)
        self.traffic = Traffic(
            self.book, self.dispatch, self.inbound, self.alerts, self.committer, self.outgoing, clocks
        )
        self.reviewing = Reviewing(self.book, self.judging, self.gathering, clocks)
        self.queries = Queries(self.book, self.judging, self.gathering, self.committer, clocks)
        self.sweep = Sweep(
            self.book, self.judging, self.gathering, self.traffic, self.replies, self.committer, clocks
        )
        self._make_doors(node, reactor, clocks)
        self.protection = self._make_protection(generation, store)
        self.steering = Steering(
            store.ledger, self.book, self.judging, self.gathering, self.protection, self.audit
        )
        self.lookout = Lookout(self)
        self.protection.breaking.hasten = self.steering.hasten = self.sweep.hasten
        self.steering.changed = lambda: self._chains.clear()
        self.dispatch.stopped = self.steering.stops
        self.sweep.besides = self.protection.consenting.expire
        self.wording = Wording(store.ledger, self.committer, reactor, clocks)
        self.templating = Templating(self.wording)
        self.protection.lookups.release = self.sweep.hasten
        self.privacy = self._make_privacy(store, clocks)
        self.uplinks = Uplinks(self.dispatch, self.traffic, reactor, self.ticker)
        self.recovery = self._make_recovery(store)
        self.filters: dict[str, Filter] = {}
        self.committer.follow = Following(self.book, self.dispatch, self.inbound, self.submits, clocks)
        self.book.ended = self._ended
        self.book.accepted = self._accepted
        self.inbound.told = self._told
        self.adopt(generation, {})

    def _make_protection(self, generation: Generation, store: Store) -> Protection:
        return Protection(
            generation,
            store.ledger,
            self.ids,
            self.book,
            self.dispatch,
            self.judging,
            self.replies,
            self.inbound,
            self.accounts,
            self.alarms,
            self.committer,
            self.reactor,
            self.clocks,
        )

    def _make_recovery(self, store: Store) -> Recovery:
        return Recovery(
            store.ledger,
            self.book,
            self.accounts,
            self.dispatch,
            self.gathering,
            self.inbound,
            self.replies,
            self.committer,
        )

    def _make_doors(self, node: Node, reactor: Any, clocks: Clocks) -> None:
        """What clients meet: who may bind, what they may submit, the server, and the calls to them."""
        self.spending = Spending(
            self.store.ledger, self.accounts, self.dispatch.placing, self.committer, self.alarms, clocks
        )
        self.submits = Submits(
            self.ids,
            self.book,
            self.judging,
            self.gathering,
            self.spending,
            clocks,
            self.congestion,
            self.queries.replace_present,
        )
        self.binding = Binding(self.accounts, clocks, reactor, node.name, node.limits)
        self.server = Server(
            node,
            self.binding,
            self.submits,
            self.queries,
            self.dispatch,
            self.committer,
            self.outgoing,
            self.ticker,
            clocks,
        )
        self.outbinds = Outbinds(self.accounts, self.server, reactor, clocks)

    def _make_privacy(self, store: Store, clocks: Clocks) -> Privacy:
        """What protects the stored rows of people; it works behind the traffic."""
        housekeeping = DeferredLock()
        vault, ledger, committer = store.vault, store.ledger, self.committer
        return Privacy(
            ledger,
            committer,
            self.protection,
            self.audit,
            vault,
            self.accounts.tenant_of,
            Numbering(ledger, committer, self.accounts.tenants, clocks),
            Resealing(ledger, self.book, committer, vault, housekeeping, clocks),
            Attesting(ledger, committer, self.audit, housekeeping, clocks),
            housekeeping,
            clocks,
        )

    # generations

    def adopt(self, generation: Generation, filters: dict[str, Filter], router: Router | None = None) -> None:
        """Put a generation in force: accounts, carriers and routes, and filters by name in the order of
        judgement.
        """
        self.generation = generation
        self._logs_messages = generation.node.logs.per_message
        self.filters = filters
        self._chains: dict[tuple[str, str, bool], Chain] = {}
        self._close_removed(generation)
        for name, account_settings in generation.accounts.items():
            account = self.accounts.get(name)
            if account is None:
                outbox = Outbox(name, self.store.ledger, self.committer, self.outgoing, self.clocks)
                self.accounts.put(Account(name, account_settings, outbox, self.clocks))
            else:
                account.configure(account_settings)
        for name, carrier_settings in generation.carriers.items():
            carrier = self.dispatch.carriers.get(name)
            if carrier is None:
                self.dispatch.carriers[name] = Carrier(name, carrier_settings, self.clocks, self.outgoing)
            else:
                carrier.configure(carrier_settings)
        node = generation.node
        self.server.node = node
        self.binding.limits = node.limits
        self.gathering.groups.configure(node.multipart)
        self.replies.outbox_ms = int(node.retention.outbox * 1000)
        self.replies.timeout_ms = int(node.multipart.timeout * 1000)
        self.judging.generation = generation.number
        self.judging.chain_of = self._chain
        self.judging.again_of = self._again
        self.protection.adopt(generation, filters)
        self.wording.adopt(filters)
        self.templating.adopt(filters)
        self.book.left = self.spending.counts_waiting()
        self.lookout.adopt(node)
        self.dispatch.reroute(router or Router.of(generation), generation.number)
        if self.steering.directives.all:
            self.steering.apply()  # to carriers that are new, and to other routes

    def _close_removed(self, generation: Generation) -> None:
        """Accounts that are configured no more may not bind; what is open of theirs still goes its way."""
        for account in self.accounts:
            account.removed = account.name not in generation.accounts
            if account.removed:
                for client in list(account.sessions):
                    client.protocol.close()

    def _chain(self, name: str, category: str) -> Chain:
        """The filters of an account, in the modes that its settings name for a category."""
        chain = self._chains.get((name, category, False))
        if chain is None:
            filters = chained(self.generation, self.filters, name, category)
            if self.steering.directives.stopping:
                filters = ((self.steering.filter, Mode.ENFORCE), *filters)
            chain = self._chains[name, category, False] = Chain(
                filters, self._failed, persons_of(self.filters)
            )
        return chain

    def _failed(self, name: str, message: Message, error: Exception) -> Verdict:
        closed = name == Directed.name or self.generation.filters.section(name).fails == "closed"
        return self.judging.failed(name, message, error, closed)

    def _again(self, name: str, category: str) -> Chain:
        """Those filters of an account that are asked again of what has waited."""
        again = self._chains.get((name, category, True))
        if again is None:
            filters = tuple(each for each in self._chain(name, category).filters if each[0].name in AGAIN)
            again = self._chains[name, category, True] = Chain(filters, self._failed)
        return again

    # starting and stopping

    async def start(self) -> None:
        """Learn what is to be known before clients are listened to. No carrier is called before `recover`."""
        for ids in (self.ids, self.outbox_seqs, self.stray_seqs):
            await ids.start()
        await self.audit.start()
        await self.protection.start()
        await self.wording.start()
        await self.templating.start()
        await self.steering.start()
        await self.spending.start()
        await self.recovery.begin()
        await self.submits.recall(self.accounts)
        self.binding.start()
        self.ticker.start()
        self.outbinds.start()

    async def recover(self) -> None:
        """Learn what carriers are to be called for, call them, and learn the rest beside the traffic."""
        try:
            await self.recovery.identify()
            self.steering.resume_purges()
            await self.recovery.read(self.privacy.start)
            self.sweep.start()
            self.lookout.start()
            self.uplinks.begin(self.generation.carriers)
            await self.recovery.recollect(tiers=self.protection.people.persons.tiers.any)
            self.protection.learn()
        except Stopped:
            pass

    def connect(self) -> None:
        """Call the carriers of the generation in force."""
        self.uplinks.connect(self.generation.carriers)

    async def stop(self) -> None:
        """Stop taking, let what is under way be answered, unbind everybody."""
        self.binding.draining = True
        self.recovery.stopped = True
        self.privacy.stop()
        self.steering.stopped = True
        self.dispatch.paused = True
        self.server.close_all()
        self.sweep.stop()
        self.lookout.stop()
        self.outbinds.stop()
        self.tracing.stop()
        stopping = [*self.uplinks.stop(), self.protection.stop()]
        await gatherResults(stopping, consumeErrors=True)
        self.binding.stop()
        self.ticker.stop()

    # hooks

    @property
    def loading(self) -> list[str]:
        """What is not all in memory yet after a start; see `recover`."""
        return [*self.recovery.loading, *sorted(self.protection.people.known.loading)]

    def congestion(self) -> int:
        """congestion_state, 0 to 100 (SMPP 5.0, section 4.8.4.18): how full the backlog in memory is."""
        return min(100, 100 * self.dispatch.waiting // self.dispatch.memory)

    def oldest_waiting(self) -> float:
        """Age in seconds of the oldest message in the lanes."""
        oldest = self.dispatch.lanes.oldest()
        return 0.0 if oldest is None else max(0.0, (self.clocks.now_ms() - oldest) / 1000)

    def _restore(self, row: MessageRow) -> Entry:
        entry = restore(row, self.accounts)
        entry.message.tier = self.judging.tier_of(entry.message)
        return entry

    def _accepted(self, entry: Entry) -> None:
        message = entry.message
        self.replies.writers.wrote(message)
        if self._logs_messages:
            log.info(
                "message {id} of {account} to {destination}: {state}",
                id=message.client_id,
                account=message.account,
                destination=message.destination,
                state=entry.state.name,
            )

    def _ended(self, entry: Entry, batch: Batch) -> None:
        """A message has reached its end: its client is told in the same commit, if it asked."""
        account = self.accounts.get(entry.message.account)
        self.protection.ended(entry, batch)
        if entry.spent is not None:
            self.spending.ended(entry, batch)
        if not entry.message.client_id:
            return
        dates = USUAL if account is None else account.dates
        row = receipt_row(entry, dates, self.outbox_seqs, entry.done_at or 0, self.replies.outbox_ms)
        if account is not None:
            account.counts[ENDED[entry.state]] += 1
        if self._logs_messages:
            log.info("message {id} ended {state}", id=entry.message.client_id, state=entry.state.name)
        if row is not None:
            self._put_out(row, account, batch)

    def _told(self, entry: Entry, receipt: Receipt, batch: Batch) -> None:
        """A carrier says how far a message is: passed on if its client asked for that."""
        account = self.accounts.get(entry.message.account)
        dates = USUAL if account is None else account.dates
        state = receipt.state if receipt.state is not None else MessageState.ENROUTE
        now = self.clocks.now_ms()
        row = intermediate_row(entry, dates, self.outbox_seqs, now, self.replies.outbox_ms, state)
        if row is not None:
            self._put_out(row, account, batch)

    @staticmethod
    def _put_out(row: OutboxRow, account: Account | None, batch: Batch) -> None:
        """Store what a client is to be told, and offer it; one that is configured no more may come back."""
        batch.changes.enqueue(row)
        if account is not None:
            batch.told.append((account.outbox, row))
