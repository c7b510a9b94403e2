"""What a cluster of nodes does under 100,000 messages a second, as a simulation of its queues.

    python benchmarks/simulate_cluster.py [--rate 100000] [--nodes 12] [--databases 20] [--brokers 4]
        [--message 66] [--away 0.2] [--gather 10] [--seconds 10] [--lose 5] [--seed 1] [--sweep 8,10,12]

Bundles of messages go through the reactors of nodes, the group commits of databases and the brokers that
carry bundles between nodes. What each costs is in `Costs`, where it is said whence it is; `--message` is what
a node's reactor spends on a message, in microseconds. One node is lost at `--lose` (0: none). Prints how busy
each kind of part was, the latencies before, while and after it was lost, and what was in doubt; `--sweep` is
for several numbers of nodes. The same seed gives the same figures. docs/scale.md says what it leaves out.
"""

from __future__ import annotations

import argparse
import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from random import Random

TICK = 0.002  # seconds: what a node's clients send in this time is one bundle
US = 1e-6


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds; per message or row unless said."""

    message: float = 66 * US  # of the reactor: what 15,000 messages a second leave it
    hand_off: float = 3 * US  # of a message within a bundle that is published or taken
    publish: float = 61 * US  # of a bundle: measured for RabbitMQ by pika
    row: float = 16.3 * US  # of PostgreSQL: 61,300 rows a second by binary COPY
    change: float = (
        30 * US
    )  # of a row that is updated or deleted: an insert and two changes measured 70 to 93
    commit: float = 1.0e-3  # of a transaction, its fsync included
    floor: float = 2.0e-3  # between the begin of one commit and that of the next
    broker: float = 83 * US  # of a bundle: a confirmed publish and its consumption, 12,053 a second
    confirm: float = 0.5e-3  # until a publish is confirmed, quiet
    carrier: float = 5e-3  # until a carrier answers
    delivery: float = 1.0  # until its receipt comes
    notice: float = 2.0  # until clients and carriers of a lost node have bound elsewhere
    lease: float = 5.0  # until another node takes what a lost one had accepted

    @property
    def accept(self) -> float:
        """Decode, judge, answer: a profile of the whole way has half of the reactor's time there."""
        return self.message * 0.5

    @property
    def send(self) -> float:
        """To the carrier, and its answer."""
        return self.message * 0.23

    @property
    def receipt(self) -> float:
        """The carrier's receipt, and the one to the client."""
        return self.message * 0.27


class Clock:
    """Runs events in order of time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def after(self, delay: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + delay, next(self._order), event))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, event = heapq.heappop(self._events)
            event()


class Server:
    """One thread that works in order of arrival."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.busy = 0.0
        self.alive = True
        self._running = False
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()

    def do(self, work: float, then: Callable[[], None]) -> None:
        self._waiting.append((work, then))
        self._next()

    def _next(self) -> None:
        if self.alive and self._waiting and not self._running:
            work, then = self._waiting.popleft()
            self._running = True
            self.busy += work
            self.clock.after(work, lambda then=then: self._done(then))  # type: ignore[misc]

    def _done(self, then: Callable[[], None]) -> None:
        self._running = False
        if self.alive:
            then()
            self._next()


class Database:
    """One writer that commits what has gathered while the last commit ran."""

    def __init__(self, clock: Clock, costs: Costs) -> None:
        self.clock, self.costs = clock, costs
        self.busy, self.rows = 0.0, 0
        self._gathered: list[Callable[[], None]] = []
        self._work = 0.0
        self._running = False

    def write(self, inserts: int, changes: int, then: Callable[[], None]) -> None:
        """Rows in one batch; `then` after its commit."""
        self._gathered.append(then)
        self._work += inserts * self.costs.row + changes * self.costs.change
        self.rows += inserts + changes
        if not self._running:
            self._commit()

    def _commit(self) -> None:
        gathered, self._gathered = self._gathered, []
        took, self._work = self.costs.commit + self._work, 0.0
        self._running = True
        self.busy += took
        self.clock.after(took, lambda: self._committed(gathered))
        self.clock.after(max(took, self.costs.floor), self._free)

    def _committed(self, those: Iterable[Callable[[], None]]) -> None:
        for then in those:
            then()

    def _free(self) -> None:
        self._running = False
        if self._gathered:
            self._commit()


@dataclass(slots=True)
class Bundle:
    """Messages that go together: how many, when they were submitted, from where, of which partition."""

    size: int
    at: float
    home: int
    database: int
    sent: bool = False  # marked before the octets go: what is lost after it is in doubt


@dataclass(slots=True)
class Tally:
    """What was seen, by the second of submission."""

    responses: list[tuple[float, float, int]] = field(default_factory=list)  # submitted, seconds, messages
    receipts: list[tuple[float, float, int]] = field(default_factory=list)
    submitted: int = 0
    doubtful: int = 0
    taken_over: int = 0
    handed_off: int = 0
    bundles: int = 0


class Cluster:
    """The parts, and the way of a bundle through them."""

    def __init__(self, shape: argparse.Namespace, costs: Costs) -> None:
        self.shape, self.costs = shape, costs
        self.random = Random(shape.seed)
        self.clock = Clock()
        self.nodes = [Server(self.clock) for _ in range(shape.nodes)]
        self.databases = [Database(self.clock, costs) for _ in range(shape.databases)]
        self.brokers = [Server(self.clock) for _ in range(shape.brokers)]
        self.tally = Tally()
        self.under_way: dict[int, dict[int, Bundle]] = {node: {} for node in range(shape.nodes)}
        self._ids = count()
        self._leaving: dict[tuple[int, int], list[tuple[Bundle, Callable[[], None]]]] = {}

    # the load

    def begin(self) -> None:
        """Every node's clients send; one node is lost."""
        each = self.shape.rate * TICK / self.shape.nodes
        for node in range(self.shape.nodes):
            self.clock.after(self.random.random() * TICK, lambda node=node: self._submit(node, each, 0.0))  # type: ignore[misc]
        if self.shape.lose:
            self.clock.after(self.shape.lose, lambda: self._lose(0))

    def _submit(self, node: int, each: float, owed: float) -> None:
        """One tick of the clients that were of `node` at first; when it is lost they send to all others."""
        owed += each * self.random.uniform(0.5, 1.5)
        at = node
        if not self.nodes[node].alive:
            if self.clock.now < self.shape.lose + self.costs.notice:
                at = -1  # they wait, and come with what has gathered
            else:
                at = self.random.randrange(1, len(self.nodes))
        if at >= 0 and owed >= 1:
            size = min(int(owed), 200)
            owed -= size
            bundle = Bundle(size, self.clock.now, at, self.random.randrange(len(self.databases)))
            self.tally.submitted += size
            self._accept(at, bundle)
        if self.clock.now + TICK < self.shape.seconds:
            self.clock.after(TICK, lambda: self._submit(node, each, owed))

    # the way

    def _accept(self, node: int, bundle: Bundle) -> None:
        work = bundle.size * self.costs.accept
        self.nodes[node].do(work, lambda: self._write(bundle, 1, 0, lambda: self._accepted(node, bundle)))

    def _accepted(self, node: int, bundle: Bundle) -> None:
        if not self.nodes[node].alive:
            self._inherit(bundle)
            return
        self.tally.responses.append((bundle.at, self.clock.now - bundle.at, bundle.size))
        away = sum(self.random.random() < self.shape.away for _ in range(bundle.size))
        if bundle.size - away:
            self._send(node, Bundle(bundle.size - away, bundle.at, node, bundle.database))
        if away:
            other = self._another(node)
            part = Bundle(away, bundle.at, node, bundle.database)
            self._hand_off(node, other, part, lambda: self._send(other, part))

    def _send(self, node: int, bundle: Bundle) -> None:
        """To a carrier that is bound at this node. The mark rides with the acceptance: a slot is free."""
        key = next(self._ids)
        self.under_way[node][key] = bundle
        work = bundle.size * self.costs.send

        def written() -> None:
            bundle.sent = True
            self.clock.after(self.costs.carrier, answered)

        def answered() -> None:
            if self.under_way[node].pop(key, None) is None:
                return  # the node was lost meanwhile
            self._write(bundle, 0, 1, lambda: None)
            self.clock.after(self.costs.delivery, lambda: self._receipt(self._living(node), bundle))

        self.nodes[node].do(work, written)

    def _receipt(self, node: int, bundle: Bundle) -> None:
        """The end of the message and the receipt for the client in one commit, then to the client's node."""
        came = self.clock.now

        def committed() -> None:
            home = self._living(bundle.home)
            if home == node:
                relayed()
            else:
                self._hand_off(node, home, bundle, relayed)

        def relayed() -> None:
            self.tally.receipts.append((bundle.at, self.clock.now - came, bundle.size))
            self._write(bundle, 0, 1, lambda: None)  # it leaves the outbox

        work = bundle.size * self.costs.receipt
        self.nodes[node].do(work, lambda: self._write(bundle, 1, 1, committed))

    def _write(self, bundle: Bundle, inserts: int, changes: int, then: Callable[[], None]) -> None:
        self.databases[bundle.database].write(inserts * bundle.size, changes * bundle.size, then)

    # between nodes

    def _hand_off(self, node: int, other: int, bundle: Bundle, then: Callable[[], None]) -> None:
        """What goes to the same node within the gathering time is one bundle of the broker."""
        waiting = self._leaving.setdefault((node, other), [])
        waiting.append((bundle, then))
        if len(waiting) == 1:
            self.clock.after(self.shape.gather / 1000, lambda: self._publish(node, other))

    def _publish(self, node: int, other: int) -> None:
        those = self._leaving.pop((node, other))
        size = sum(bundle.size for bundle, _ in those)
        self.tally.handed_off += size
        self.tally.bundles += 1
        broker = self.brokers[(node * 7919 + other) % len(self.brokers)]
        work = self.costs.publish + size * self.costs.hand_off

        def taken() -> None:
            living = self._living(other)
            self.nodes[living].do(work, lambda: [then() for _, then in those])  # type: ignore[arg-type]

        def published() -> None:
            self.clock.after(self.costs.confirm, lambda: broker.do(self.costs.broker, taken))

        self.nodes[self._living(node)].do(work, published)

    def _another(self, node: int) -> int:
        other = self.random.randrange(len(self.nodes) - 1)
        return self._living(other if other < node else other + 1)

    def _living(self, node: int) -> int:
        return node if self.nodes[node].alive else self.random.randrange(1, len(self.nodes))

    # a node is lost

    def _lose(self, node: int) -> None:
        self.nodes[node].alive = False
        lost, self.under_way[node] = self.under_way[node], {}
        for bundle in lost.values():
            if bundle.sent:
                self.tally.doubtful += bundle.size
            else:
                self._inherit(bundle)

    def _inherit(self, bundle: Bundle) -> None:
        """Accepted and not yet sent: another node reads it when the lease is over."""
        self.tally.taken_over += bundle.size
        heir = self.random.randrange(1, len(self.nodes))
        self.clock.after(self.costs.lease, lambda: self._send(heir, bundle))


def percentile(values: list[tuple[float, float, int]], share: float) -> float:
    """Of latencies weighted by messages, in milliseconds."""
    ordered = sorted((seconds, size) for _, seconds, size in values)
    wanted = share * sum(size for _, size in ordered)
    for seconds, size in ordered:
        wanted -= size
        if wanted <= 0:
            return seconds * 1000
    return float("nan")


def simulated(shape: argparse.Namespace, costs: Costs) -> Cluster:
    """A cluster that has run its time, and a little longer to end what was under way."""
    cluster = Cluster(shape, costs)
    cluster.begin()
    cluster.clock.run(shape.seconds)
    return cluster


def busiest(parts: Iterable[Server | Database], seconds: float) -> str:
    shares = [part.busy / seconds for part in parts]
    return f"{100 * sum(shares) / len(shares):.0f}% (most {100 * max(shares):.0f}%)"


def tell(cluster: Cluster) -> None:
    """Print what came of it."""
    shape, tally, seconds = cluster.shape, cluster.tally, cluster.shape.seconds
    rows = sum(database.rows for database in cluster.databases)
    print(
        f"{shape.rate:,} messages/s, {shape.nodes} nodes, {shape.databases} databases,"
        f" {shape.brokers} brokers, {shape.message:.0f} us a message"
    )
    print(f"  away {shape.away:.0%}, gathered {shape.gather} ms, {seconds} s, seed {shape.seed}")
    print(
        f"  busy: nodes {busiest(cluster.nodes, seconds)}, databases {busiest(cluster.databases, seconds)}, "
    )
    print(f"        brokers {busiest(cluster.brokers, seconds)}")
    print(f"  rows/s {rows / seconds:,.0f}, handed off {tally.handed_off / seconds:,.0f} messages/s")
    print(f"  in {tally.bundles / seconds:,.0f} bundles/s of {tally.handed_off / max(1, tally.bundles):.1f}")
    lose, back = shape.lose or seconds, (shape.lose or seconds) + cluster.costs.notice
    spans = (("before", 1.0, lose), ("while it is noticed", lose, back), ("after", back, seconds - 1.5))
    for name, begin, end in spans if shape.lose else (("all the time", 1.0, seconds - 1.5),):
        answers = [one for one in tally.responses if begin <= one[0] < end]
        receipts = [one for one in tally.receipts if begin <= one[0] < end]
        told = [
            f"p50 {percentile(those, 0.5):.1f}, p99 {percentile(those, 0.99):.1f} ms"
            for those in (answers, receipts)
        ]
        print(f"  {name:<20} response {told[0]}; receipt {told[1]}")
    if shape.lose:
        print(f"  in doubt {tally.doubtful} messages, taken over by others {tally.taken_over}")


def main() -> None:
    """Simulate once, or over a number of nodes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=12)
    parser.add_argument("--databases", type=int, default=20)
    parser.add_argument("--brokers", type=int, default=4)
    parser.add_argument("--message", type=float, default=66, help="microseconds of a reactor for a message")
    parser.add_argument("--away", type=float, default=0.2, help="share whose carrier is bound elsewhere")
    parser.add_argument("--gather", type=float, default=10, help="milliseconds before a bundle leaves")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--lose", type=float, default=5, help="when a node is lost; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sweep", default="", help="numbers of nodes, as 12,16,20,24")
    shape = parser.parse_args()
    for nodes in map(int, shape.sweep.split(",")) if shape.sweep else (shape.nodes,):
        tell(
            simulated(argparse.Namespace(**vars(shape) | {"nodes": nodes}), Costs(message=shape.message * US))
        )


if __name__ == "__main__":
    main()
