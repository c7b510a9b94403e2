"""Canaries: a candidate generation decides for a share of the recipients, until it is promoted or withdrawn.

Filters and routes are the candidate's; accounts, carriers, doors and what counts people stay those of the
generation in force. While there is no canary, nothing asks for one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from gateway.filters.catalogue import make_filters
from gateway.filters.chain import Chain, Mode
from gateway.filters.chained import chained, persons_of
from gateway.filters.directives import Directed
from gateway.filters.protecting import AGAIN
from gateway.filters.sensitive import SensitiveWords
from gateway.filters.verdict import Filter
from gateway.interpreter import beside_traffic
from gateway.relay.batch import Batch
from gateway.relay.book import Entry
from gateway.relay.canary import Canary
from gateway.relay.judging import ChainOf
from gateway.relay.node import Relay
from gateway.routing.router import Router
from gateway.settings.archive import pack
from gateway.settings.holder import Generations
from gateway.settings.models import Generation
from gateway.store.history import CANARY

log = Logger(__name__)

KIND = "canary_withdrawn"


class Canaries:
    """At most one canary of a running node. `filters` and `keep` are those of the node: its filters in force,
    and what stores a generation with its cause and packed texts.
    """

    def __init__(
        self,
        relay: Relay,
        generations: Generations,
        filters: Callable[[], dict[str, Filter]],
        keep: Callable[[Generation, str, bytes], None],
    ) -> None:
        self.relay = relay
        self.generations = generations
        self.filters = filters
        self.keep = keep
        self.last: dict[str, Any] | None = None  # the one before, as it ended
        self._hooks: Any = None

    @property
    def canary(self) -> Canary | None:
        """The one that runs."""
        return self.relay.judging.canary

    async def start(
        self,
        directory: Path,
        share: float,
        accounts: frozenset[str],
        by: str,
        worse: float | None,
        least: int,
    ) -> Canary:
        """Let the configuration in a directory decide for a share. Raises SettingsError and ValueError with
        what is wrong with it.
        """
        async with self.relay.wording.renewing:
            if self.canary is not None:
                raise ValueError("a canary runs already: promote it or withdraw it first")
            generation, filters, router, packed = await beside_traffic(lambda: self._made(directory))
            self._check(generation, accounts)
            now = self.relay.clocks.now_ms()
            canary = Canary(generation, filters, router, share, accounts, now, by, worse, least)
            canary.chain_of = self._chains(generation, filters)
            canary.again_of = self._chains(
                generation, {name: each for name, each in filters.items() if name in AGAIN}
            )
            said = f"{CANARY} for {share:.2%} of the recipients"
            async with self.relay.wording.changing:
                await self.relay.templating.catch_up(filters)
                self.generations.last = generation.number
                self.keep(generation, said, packed)
                self.take_up(canary)
            if self.last is not None:
                self.relay.alarms.recovered(KIND, f"generation {self.last['generation']}", "another canary")
        await self.relay.audit.at_once(by, "canary_start", f"generation {generation.number}", said)
        log.info("generation {number} is a {said}", number=generation.number, said=said)
        return canary

    async def withdraw(self, by: str, why: str = "", act: str = "canary_withdraw") -> dict[str, Any]:
        """Let the generation in force decide for everybody again; what had come of the canary. Raises
        ValueError if none runs.
        """
        canary = self.canary
        if canary is None:
            raise ValueError("no canary runs")
        self._put_down()
        self.last = canary.document() | {"ended": act, "why": why}
        await self.relay.audit.at_once(by, act, f"generation {canary.generation.number}", why)
        log.info("the canary {number} has ended: {why}", number=canary.generation.number, why=why or act)
        return self.last

    def _made(self, directory: Path) -> tuple[Generation, dict[str, Filter], Router, bytes]:
        generation = self.generations.read_from(directory)
        filters = make_filters(generation, self.filters())
        router = Router.of(generation)
        router.put_aside(f"generation {generation.number}")
        return generation, filters, router, pack(generation.texts)

    def _check(self, candidate: Generation, accounts: frozenset[str]) -> None:
        """Refuse what only a generation in force could try. Raises ValueError."""
        in_force = self.relay.generation
        if unknown := sorted(accounts - in_force.accounts.keys()):
            raise ValueError(f"no account {unknown[0]!r} is configured")
        if new := sorted(candidate.carriers.keys() - in_force.carriers.keys()):
            raise ValueError(
                f"carrier {new[0]!r} is not in force: a canary tries filters and routes, "
                "so bring new carriers in by a reload first, without a route"
            )

    def _chains(self, generation: Generation, filters: dict[str, Filter]) -> ChainOf:
        made: dict[tuple[str, str, bool], Chain] = {}
        sections, judging, steering = generation.filters, self.relay.judging, self.relay.steering

        def chain_of(account: str, category: str) -> Chain:
            stopping = bool(steering.directives.stopping)
            chain = made.get((account, category, stopping))
            if chain is None:
                judged = chained(generation, filters, account, category)
                directed = ((steering.filter, Mode.ENFORCE),) if stopping else ()
                chain = made[account, category, stopping] = Chain(
                    (*directed, *judged),
                    lambda name, message, error: judging.failed(
                        name,
                        message,
                        error,
                        name == Directed.name or sections.section(name).fails == "closed",
                    ),
                    persons_of(filters),
                )
            return chain

        return chain_of

    def take_up(self, canary: Canary) -> None:
        """From now on it decides for its share; what waits is routed anew."""
        book = self.relay.book
        accepted, ended = self._hooks = book.accepted, book.ended

        def count_accepted(entry: Entry) -> None:
            accepted(entry)
            if (tally := canary.tally(entry.message)) is not None:
                tally.accepted += 1

        def count_ended(entry: Entry, batch: Batch) -> None:
            ended(entry, batch)
            if (tally := canary.tally(entry.message)) is not None:
                tally.end(entry)
                if canary.worse is not None:
                    batch.after.append(lambda: self._look_at(canary))

        book.accepted, book.ended = count_accepted, count_ended
        self._decide_by(canary)

    def _put_down(self) -> None:
        book = self.relay.book
        book.accepted, book.ended = self._hooks
        self._decide_by(None)

    def _decide_by(self, canary: Canary | None) -> None:
        relay = self.relay
        relay.judging.canary = relay.dispatch.placing.canary = canary
        words = canary.filters.get(SensitiveWords.name) if canary is not None else None
        relay.wording.aside = words if isinstance(words, SensitiveWords) else None
        relay.dispatch.reroute(relay.dispatch.router, relay.generation.number)

    def _look_at(self, canary: Canary) -> None:
        """Withdraw a canary on whose side too much is lost."""
        if self.canary is not canary or not canary.too_bad:
            return
        why = f"{canary.own.lost:.1%} were not delivered on its side, and {canary.rest.lost:.1%} on the other"
        self.relay.alarms.alarm(KIND, f"generation {canary.generation.number}", why)
        ending = self.withdraw("the node", why)
        Deferred.fromCoroutine(ending).addErrback(
            lambda failure: log.failure("the canary's end is not on record", failure)
        )
