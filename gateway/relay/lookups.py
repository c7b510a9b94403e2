"""Look-ups: outside services are asked about numbers, many in one question, while the messages wait on disk.

A message is deferred first, and asked about when that is on disk. When the answer is there, or the deadline
has passed without one, it is judged again. Were the node to die in between, the message would be due a
moment after its deadline, and be judged and asked about anew: so nothing is lost, and nothing sent twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from io import BytesIO
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool, ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers

from gateway.filters.answers import CLEAR, FAILED, Answers, question, understood
from gateway.filters.circuit import Position
from gateway.filters.known import Known
from gateway.filters.lookup import Lookup
from gateway.message import Message
from gateway.relay.alarms import Alarms
from gateway.relay.batch import Batch
from gateway.relay.clocks import Clocks
from gateway.settings.protection import LookupService

log = Logger(__name__)

SOON_MS = 60_000  # a message that may leave later is asked about then
LONGEST = 1 << 22  # octets of an answer
ALARM = "look-up fails"

Release = Callable[[Sequence[int]], Coroutine[Any, Any, None]]
"""Has deferred messages judged again, by their ids."""


class Asked:
    """A number that is to be asked about: since when, for which messages, and who else waits."""

    __slots__ = ("ids", "since", "waiters")

    def __init__(self, since: float) -> None:
        self.since = since
        self.ids: list[int] = []
        self.waiters: list[Deferred[None]] = []


class Desk:
    """The questions to one service."""

    def __init__(self, service: LookupService, answers: Answers, lookups: Lookups) -> None:
        self.service = service
        self.answers = answers
        self.lookups = lookups
        self.clocks = lookups.clocks
        self.counts: Counter[str] = Counter()
        self._queue: dict[int, Asked] = {}
        self._on_the_way: dict[int, Asked] = {}
        self._questions = 0
        self._timer: Any = None

    def configure(self, service: LookupService) -> None:
        """The settings of a new generation."""
        self.service = service
        self.answers.most = service.cache
        circuit = self.answers.circuit
        circuit.failures, circuit.pause = service.failures, service.pause

    def stop(self) -> None:
        """Ask no more; who waits is asked about after the next start."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._queue.clear()

    def put(self, number: int) -> Asked | None:
        """Have it asked about a number; None if too many wait."""
        asked = self._on_the_way.get(number) or self._queue.get(number)
        if asked is None:
            if len(self._queue) >= self.service.waiting:
                self.counts["overflow"] += 1
                return None
            asked = self._queue[number] = Asked(self.clocks.timer.seconds())
            if len(self._queue) >= self.service.batch:
                self._pump()
            self._wake(self.service.gather)
        return asked

    def _wake(self, seconds: float) -> None:
        timer = self._timer
        if timer is not None and timer.active():
            if timer.getTime() <= self.clocks.timer.seconds() + seconds:
                return
            timer.cancel()
        self._timer = self.clocks.timer.callLater(seconds, self._pump)

    def _pump(self) -> None:
        """Send what may be sent; what has waited past the deadline fails."""
        now = self.clocks.timer.seconds()
        late = [number for number, asked in self._queue.items() if now - asked.since >= self.service.deadline]
        if late:
            self._settle({number: self._queue.pop(number) for number in late}, {}, "late")
        circuit = self.answers.circuit
        while self._queue and self._questions < self.service.at_once:
            if circuit.refuses(self.clocks.wall()):
                self._settle(self._taken(len(self._queue)), {}, "refused")
                return
            if not circuit.may_ask(self.clocks.wall()):
                break  # the trial is on its way
            asked = self._taken(self.service.batch)
            self._on_the_way |= asked
            self._questions += 1
            Deferred.fromCoroutine(self._question(asked)).addErrback(
                lambda failure: log.failure("a look-up failed", failure)
            )
        if self._queue:
            oldest = next(iter(self._queue.values())).since
            self._wake(max(0.01, oldest + self.service.deadline - now))

    def _taken(self, most: int) -> dict[int, Asked]:
        numbers = [number for number, _ in zip(self._queue, range(most), strict=False)]
        return {number: self._queue.pop(number) for number in numbers}

    async def _question(self, asked: dict[int, Asked]) -> None:
        oldest = next(iter(asked.values())).since
        left = max(0.05, oldest + self.service.deadline - self.clocks.timer.seconds())
        found: dict[int, str] = {}
        circuit = self.answers.circuit
        try:
            found = dict(understood(await self.lookups.ask(self.service, question(asked), left), asked))
            if not found:
                raise ValueError("it answers about none of the numbers")
        except Exception as error:  # whatever the network does, or the service says
            circuit.failed(self.clocks.wall())
            if circuit.position is Position.OPEN:
                said = f"{self.service.url} does not answer ({type(error).__name__}: {error})"
                what = "promotional messages that need it are refused, others go by `fails`"
                self.lookups.alarms.alarm(ALARM, self.service.name, f"{said}; {what}")
        else:
            circuit.succeeded()
            self.lookups.alarms.recovered(ALARM, self.service.name)
        self._questions -= 1
        for number in asked:
            del self._on_the_way[number]
        self._settle(asked, found, "failed")
        self._pump()

    def _settle(self, asked: dict[int, Asked], found: dict[int, str], otherwise: str) -> None:
        """Remember the answers, and have those judged again who wait for them."""
        service, now = self.service, self.clocks.wall()
        ids: list[int] = []
        for number, one in asked.items():
            answer = found.get(number, FAILED)
            if answer == FAILED:
                outcome, good = otherwise, service.failed
            elif answer == CLEAR:
                outcome, good = CLEAR, service.clear
            else:
                outcome, good = "listed", service.listed
            self.answers.put(number, answer, now + good)
            self.counts[outcome] += 1
            ids += one.ids
            for waiter in one.waiters:
                waiter.callback(None)
        if ids:
            Deferred.fromCoroutine(self.lookups.release(ids)).addErrback(
                lambda failure: log.failure("answered messages could not be judged again", failure)
            )


class Lookups:
    """All services of the generation in force. `release` has messages judged again."""

    def __init__(self, reactor: Any, alarms: Alarms, clocks: Clocks) -> None:
        self.alarms = alarms
        self.clocks = clocks
        self.release: Release = _nobody
        self.desks: dict[str, Desk] = {}
        self._filter: Lookup | None = None
        self._pool = HTTPConnectionPool(reactor)
        self._agent = Agent(reactor, connectTimeout=5.0, pool=self._pool)

    def adopt(self, filter: Lookup | None, known: Known) -> None:
        """Go by the services of a new generation."""
        self._filter = filter
        services = filter.settings.services if filter is not None else ()
        desks = {}
        for service in services:
            desk = self.desks.get(service.name)
            if desk is None:
                desk = Desk(service, known.answers(service.name), self)
            desk.configure(service)
            desks[service.name] = desk
        self.desks = desks

    def wait(self, message: Message, due: int, batch: Batch) -> None:
        """A message is deferred until it is answered: ask when that is on disk."""
        if due - self.clocks.now_ms() < SOON_MS:
            batch.after.append(partial(self._put, message))

    def _put(self, message: Message) -> None:
        if self._filter is None:
            return
        for service, number in self._filter.unanswered(message, self.clocks.wall()):
            desk = self.desks.get(service.name)
            asked = desk.put(number) if desk is not None else None
            if asked is not None:
                asked.ids.append(message.id)

    async def look(self, message: Message) -> list[dict[str, str]]:
        """Ask about a message that nobody sends, and say what is known then."""
        if self._filter is None:
            return []
        for service, number in self._filter.unanswered(message, self.clocks.wall()):
            asked = self.desks[service.name].put(number)
            if asked is not None:
                answered: Deferred[None] = Deferred()
                asked.waiters.append(answered)
                await answered
        return self._filter.shown(message, self.clocks.wall())

    def stop(self) -> Deferred[Any]:
        """Ask no more, and close the connections."""
        for desk in self.desks.values():
            desk.stop()
        closed: Deferred[Any] = self._pool.closeCachedConnections()
        return closed

    async def ask(self, service: LookupService, body: bytes, seconds: float) -> bytes:
        """One question: the answer's body. Raises whatever goes wrong."""
        headers = {"content-type": ["application/json"], "accept": ["application/json"]}
        if service.authorization is not None:
            headers["authorization"] = [service.authorization.get_secret_value()]
        producer: Any = FileBodyProducer(BytesIO(body))
        ends = self.clocks.timer.seconds() + seconds
        url = service.url.encode()
        request: Deferred[Any] = self._agent.request(b"POST", url, Headers(headers), producer)
        request.addTimeout(seconds, self.clocks.timer)  # type: ignore[arg-type]
        response = await request
        reading = Body(response)
        left = max(0.01, ends - self.clocks.timer.seconds())
        answer = await reading.done.addTimeout(left, self.clocks.timer)  # type: ignore[arg-type]
        if response.code != 200:
            raise ValueError(f"it answers {response.code}")
        return answer


class Body(Protocol):
    """The body of an answer, no longer than LONGEST."""

    def __init__(self, response: Any) -> None:
        self.done: Deferred[bytes] = Deferred(lambda _: self._abort())
        self._pieces: list[bytes] = []
        self._length = 0
        response.deliverBody(self)

    def dataReceived(self, data: bytes) -> None:
        """Some of it."""
        self._pieces.append(data)
        self._length += len(data)
        if self._length > LONGEST:
            self._abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """All of it, or the connection is gone."""
        if self.done.called:
            return
        if self._length > LONGEST:
            self.done.errback(ValueError(f"its answer is longer than {LONGEST} octets"))
        elif reason.check(ResponseDone, PotentialDataLoss):  # whether it is whole, the JSON tells
            self.done.callback(b"".join(self._pieces))
        else:
            self.done.errback(reason)

    def _abort(self) -> None:
        transport: Any = self.transport
        if transport is not None:
            transport.loseConnection()


async def _nobody(ids: Sequence[int]) -> None:
    return None
