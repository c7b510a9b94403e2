"""The one place that knows everyone: builds the parts of a node, starts and stops them in order."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from OpenSSL import SSL, crypto
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Site

from gateway.canaries import Canaries
from gateway.control.asked import Question, rollback
from gateway.control.canary import CanaryCommands
from gateway.control.explaining import explaining
from gateway.control.site import control_site
from gateway.explain import DryRun
from gateway.filters.catalogue import make_filters
from gateway.filters.verdict import Filter
from gateway.generations import History, UnknownGeneration
from gateway.interpreter import beside_traffic, settle_garbage_collector, settle_memory, thrifty_memory
from gateway.relay.clocks import Clocks
from gateway.relay.forgetting import BY
from gateway.relay.node import Relay
from gateway.routing.router import Router
from gateway.settings.archive import pack
from gateway.settings.holder import Generations
from gateway.settings.models import Generation, Node
from gateway.settings.problems import SettingsError
from gateway.store.engine import Store, open_store, store_url
from gateway.store.opening import (
    KEYS,
    SEALED,
    Keys,
    check,
    keep_fresh,
    keyring_of,
    keys_for,
    wholly_sealed,
)
from gateway.store.retention import Purge
from gateway.store.rotation import in_use
from gateway.store.rows import Changes, StoreLocked, StoreUnavailable
from gateway.watching import Watch

log = Logger(__name__)

PURGE_INTERVAL = 600.0
ROOM = 1000  # listening sockets' queue of connections


class CannotListen(Exception):
    """A listener's port is taken, or its key cannot be read."""


class Gateway:
    """One node. `directory` holds its configuration; raises SettingsError or ValueError if that cannot be
    used.
    """

    def __init__(self, directory: Path, environ: Mapping[str, str], reactor: Any, clocks: Clocks) -> None:
        thrifty_memory()
        self.reactor = reactor
        self.clocks = clocks
        self.generations = Generations(directory, environ, clocks.wall)
        self.store_url = store_url(self.generation.node, self.generation.directory)
        self.filters: dict[str, Filter] = make_filters(self.generation)
        self.ports: list[Any] = []
        self.store: Store
        self.relay: Relay
        self.history: History
        self.canaries: Canaries
        self.watch = Watch(directory, lambda: self.generation, self.reload, clocks.timer)
        self.opened = self.started = self.ready = False
        self.problems: tuple[str, ...] = ()
        self._purging = LoopingCall(self._purge)
        self._purging.clock = clocks.timer  # type: ignore[assignment]

    @property
    def generation(self) -> Generation:
        """The generation in force."""
        return self.generations.current

    async def start(self) -> None:
        """Open the store, learn what clients may be served by, listen, and recover the rest beside the
        traffic.
        """
        node = self.generation.node
        keys = keys_for(node, self.generation.directory)
        self.store = open_store(
            self.store_url, self.reactor, clock=self.clocks.timer, node=node.name, vault=keys.vault
        )
        self.opened = True
        await self._settle_keys(keys)
        self.history = History(self.store, self.generation.directory, self.generation.directory / node.state)
        await self.history.begin(self.generations)
        self.relay = Relay(self.generation, self.store, self.reactor, self.clocks)
        self.relay.adopt(self.generation, self.filters)
        await self.relay.start()
        self.canaries = Canaries(self.relay, self.generations, lambda: self.filters, self.history.keep)
        self.started = True
        for listener in node.listeners:
            self.ports.append(await self._listen(listener.endpoint, self.relay.server))
        if node.control:
            self.ports.append(await self._listen(node.control, self._control()))
        self.watch.start()
        self._purging.start(PURGE_INTERVAL, now=False)
        settle_garbage_collector()
        settle_memory()
        self.ready = True
        log.info(
            "node {node} is ready, generation {generation}", node=node.name, generation=self.generation.number
        )
        await self.relay.recover()

    async def _settle_keys(self, keys: Keys) -> None:
        """See that the keys are the store's, and keep those that are new. Raises StoreUnavailable."""
        known = await self.store.ledger.read(check, keys)
        if keys.vault is None:
            log.warn("encryption is off: numbers and texts are stored as they are")
            return
        if keys.fresh:
            keep_fresh(keys)
            log.warn(
                "new keys for the store are in {file}: without them nobody can read it, so keep a copy "
                "elsewhere",
                file=str(keys.file),
            )
        if keys.vault.sealing:
            keys.vault.strict = await self.store.ledger.read(wholly_sealed)
        changes = Changes()
        if not known and keys.vault.sealing:
            changes.add("count", (KEYS, keys.vault.keyring.fingerprint))
        if known and not keys.vault.sealing and await self.store.ledger.read(wholly_sealed):
            changes.add("count", (SEALED, 0))  # from now on there may be rows as they are
        await self.store.journal.commit(changes)

    async def _listen(self, endpoint: str, factory: Any) -> Any:
        try:
            port = await serverFromString(self.reactor, endpoint).listen(factory)
        except (CannotListenError, OSError, ValueError, SSL.Error, crypto.Error) as error:
            raise CannotListen(f"{endpoint}: {error}") from error
        log.info("listening on {endpoint}", endpoint=endpoint)
        return port

    def _control(self) -> Site:
        site = control_site(self)
        root: Any = site.resource
        root.putChild(b"rollback", Question(lambda asked: rollback(self, asked)))
        root.putChild(b"canary", CanaryCommands(self).site())
        root.putChild(b"explain", Question(explaining(lambda at: self._dry_run(at).explain, self._look)))
        return site

    async def _look(self, account: str, source: str, to: str, text: str) -> None:
        """Have outside services asked about a number, if the account's messages of that kind are."""
        message = self._dry_run().message(account, source, to, text)
        if message is not None:
            await self.relay.protection.lookups.look(message)

    def _dry_run(self, at: float | None = None) -> DryRun:
        """By the generation in force, with the carriers as they are; as if it were another moment."""
        placing, judging = self.relay.dispatch.placing, self.relay.judging
        clocks = self.clocks if at is None else Clocks(self.clocks.timer, lambda: at)
        view = replace(placing.view, now=clocks.wall)
        detour, router = placing.detour, placing.router
        return DryRun(self.generation, self.filters, clocks, judging.chain_of, view, detour, router)

    async def stop(self) -> None:
        """Listen no more, end the sessions, and close the store when what was under way is in it."""
        self.ready = False
        self.watch.stop()
        if self._purging.running:
            self._purging.stop()
        for port in self.ports:
            await _done(port.stopListening())
        if self.started:
            await self.relay.stop()
        if self.opened:
            await self.store.close()
        log.info("stopped")

    # configuration

    async def reload(self, by: str = "the node") -> tuple[str, ...]:
        """Read the configuration anew; swapped whole, or not at all: then the problems are returned."""
        return await self._take(self.generations.read, "reload", by)

    async def rollback(self, number: int, by: str) -> tuple[str, ...] | None:
        """Put the texts of an earlier generation in force as a new one; None if it is not known.

        The files of the configuration stay as they are: the next reload takes them.
        """
        try:
            directory = await self.history.laid_out(number)
        except UnknownGeneration:
            return None
        except (StoreUnavailable, ValueError) as error:
            return (str(error),)
        home = self.history.directory
        return await self._take(
            lambda: self.generations.read_from(directory, home), f"rollback to {number}", by
        )

    async def promote(self, by: str) -> tuple[int, tuple[str, ...]]:
        """Put the texts of the canary in force as a new generation; its number, and the problems if they were
        not taken. Raises ValueError if no canary runs.
        """
        canary = self.canaries.canary
        if canary is None:
            raise ValueError("no canary runs")
        tried = canary.generation

        def read() -> Generation:
            generation = self.generations.read_from(tried.directory)
            if generation.digest != tried.digest:
                raise ValueError(f"{tried.directory} has changed since the canary began: start it anew")
            return generation

        problems = await self._take(read, f"promoted from {tried.number}", by)
        if not problems and self.canaries.canary is canary:
            await self.canaries.withdraw(by, act="canary_promote")
        return self.generation.number, problems

    async def _take(self, read: Callable[[], Generation], cause: str, by: str) -> tuple[str, ...]:
        """Put what is read in force, or nothing: then the problems are returned. One at a time; words and
        templates may be edited meanwhile.
        """
        async with self.relay.wording.renewing:
            problems = await self._take_alone(read, cause, by)
        self.relay.wording.tidy()
        return problems

    async def _take_alone(self, read: Callable[[], Generation], cause: str, by: str) -> tuple[str, ...]:
        try:
            generation, filters, router, packed = await beside_traffic(lambda: self._made(read))
        except SettingsError as error:
            self.problems = tuple(map(str, error.problems))
        except ValueError as error:
            self.problems = tuple(str(error).splitlines())
        else:
            self.problems = ()
            self.relay.alarms.recovered("configuration", "files", "they are valid again")
            before = self.generation
            async with self.relay.wording.changing:
                await self.relay.templating.catch_up(filters)
                self.generations.swap(generation)
                self.history.keep(generation, cause, packed)
                self.filters = filters
                self.relay.adopt(generation, filters, router)
            self.relay.connect()
            self._say_what_waits(before.node, generation.node)
            self.relay.audit.at_once(by, "reload", f"generation {generation.number}", cause)
            log.info("generation {number} is in force", number=generation.number)
            return ()
        self.relay.alarms.alarm("configuration", "files", f"not taken: {'; '.join(self.problems[:3])}")
        log.error("the configuration was not taken: {problems}", problems="; ".join(self.problems))
        return self.problems

    @staticmethod
    def _say_what_waits(before: Node, after: Node) -> None:
        for key in ("name", "state", "store", "listeners", "control", "logs.format", "backlog", "encryption"):
            value = attrgetter(key)
            if value(before) != value(after):
                log.warn("{key} of gateway.yaml has changed: it takes effect at the next start", key=key)

    def _made(self, read: Callable[[], Generation]) -> tuple[Generation, dict[str, Filter], Router, bytes]:
        generation = read()
        filters = make_filters(generation, self.filters)
        return generation, filters, Router.of(generation), pack(generation.texts)

    # retention

    def _purge(self) -> Deferred[None]:
        purging = Deferred.fromCoroutine(self.purge())
        return purging.addCallbacks(lambda _: None, self._purge_failed)

    @staticmethod
    def _purge_failed(failure: Failure) -> None:
        if failure.check(StoreUnavailable):
            log.warn("the purge was cut short: {error}", error=failure.getErrorMessage())
        else:
            log.failure("the purge failed", failure)

    async def purge(self, *, dry: bool = False, by: str = BY) -> dict[str, Any]:
        """Do away with what is past its retention, and put on record what that was; `dry` only counts it.

        Raises StoreUnavailable; what was done stays done.
        """
        privacy = self.relay.privacy
        held = (privacy.is_held, privacy.is_held_case) if privacy.holds else ()
        removing = privacy.attesting.removing
        store = self.store
        drop_calls = self.relay.protection.webhooks.drop
        purge = Purge(
            store.journal,
            store.ledger,
            self.clocks.timer,
            *held,
            removing=removing,
            drop_calls=drop_calls,
            keeping=privacy.keeping(),
            dry=dry,
        )
        async with privacy.housekeeping:
            keep = self.generation.node.retention
            purged = await purge.run(keep, self.clocks.now_ms())
            lines = await privacy.forgetting.run(keep, at_once=by != BY, dry=dry)
        found = {**asdict(purged), "outbox": sum(purged.outbox.values()), **lines}
        found["held"] = purged.held + lines["held"]
        if dry:
            return found
        for name, count in purged.outbox.items():
            account = self.relay.accounts.get(name)
            if account is not None:
                account.outbox.expired(count)
        if any(count for kind, count in found.items() if kind not in ("held", "kept")):
            await self.relay.audit.at_once(by, "purge", detail=json.dumps(found))
        log.info("purged: {purged}", purged=repr(purged))
        return found

    # keys

    async def turn_keys(self, by: str) -> int:
        """Read the keys of the store anew, and seal everything by the newest behind the traffic; its version.

        Raises StoreUnavailable if there are none, or others.
        """
        generation, vault = self.generation, self.store.vault
        keyring = await deferToThread(keyring_of, generation.node, self.history.directory)
        if vault is None or keyring is None:
            raise StoreUnavailable("this node runs without keys: see encryption in gateway.yaml")
        if keyring.fingerprint != vault.keyring.fingerprint:
            raise StoreUnavailable("these are the keys of another store")
        lost = vault.keyring.versions.keys() - keyring.versions.keys()
        if lost and await self.store.ledger.read(in_use) & lost:
            raise StoreUnavailable(f"key versions {sorted(lost)} are gone, and rows still need them")
        await self.relay.audit.at_once(by, "rotate", f"key version {keyring.current}")
        self.relay.privacy.resealing.turn(keyring)
        return keyring.current


async def _done(result: Any) -> None:
    if isinstance(result, Deferred):
        await result


def run(gateway: Gateway) -> int:
    """Run until SIGINT or SIGTERM; SIGHUP reloads. Returns the exit code."""
    reactor = gateway.reactor
    code = 0
    stopping = False

    async def start() -> None:
        nonlocal code
        try:
            await gateway.start()
        except (StoreLocked, StoreUnavailable, CannotListen) as error:
            if not stopping:
                log.critical("the node cannot start: {error}", error=str(error))
                code = 1
        except Exception:
            log.failure("the node could not start")
            code = 1
        if code and not stopping:
            await stop()

    async def stop() -> None:
        nonlocal stopping
        stopping = True
        try:
            await gateway.stop()
        except Exception:
            log.failure("the node did not stop cleanly")
        reactor.stop()

    def on_stop(*_: object) -> None:
        if not stopping:
            reactor.callFromThread(lambda: Deferred.fromCoroutine(stop()))

    def on_reload(*_: object) -> None:
        reactor.callFromThread(lambda: Deferred.fromCoroutine(gateway.reload()))

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(start()))
    signal.signal(signal.SIGINT, on_stop)
    signal.signal(signal.SIGTERM, on_stop)
    signal.signal(signal.SIGHUP, on_reload)
    reactor.run(installSignalHandlers=False)
    return code
