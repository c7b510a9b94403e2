"""Feeds: the lists of people.yaml, looked at when it is time, read in a thread, put in force when believed.

One is read at a time. What is taken is on disk before it is in force; what is not believed, or cannot be had,
leaves the last good one in force and raises the alarm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from gateway.filters.known import Known
from gateway.filters.listed import Listed, Lists, is_kept, keep, put_in_force
from gateway.filters.numbersets import compare
from gateway.filters.suppression import ListKey
from gateway.relay.alarms import Alarms
from gateway.relay.clocks import Clocks
from gateway.relay.fetching import NotFetched, refreshed
from gateway.settings.models import Node

log = Logger(__name__)

INTERVAL = 1.0
ALARM = "list not refreshed"
AGAIN, AGAIN_MOST = 60.0, 3600.0  # seconds after a failure: the first, the longest pause


@dataclass(slots=True)
class Feed:
    """One list and how its refreshes went. Moments are unix seconds, 0.0 for never."""

    listed: Listed
    due: float = 0.0
    looked_at: float = 0.0
    failures: int = 0
    error: str = ""
    counts: Counter[str] = field(default_factory=Counter)


class Unknown(ValueError):
    """There is no list of this name."""


class Feeds:
    """All lists of the generation in force."""

    def __init__(
        self, known: Known, alarms: Alarms, clocks: Clocks, in_thread: Callable[..., Any] = deferToThread
    ) -> None:
        self.known = known
        self.alarms = alarms
        self.clocks = clocks
        self.in_thread = in_thread
        self.node = Node()
        self.feeds: dict[ListKey, Feed] = {}
        self._stopped = False
        self._one = DeferredLock()
        self._loop = LoopingCall(self._turn)
        self._loop.clock = clocks.timer  # type: ignore[assignment]

    def adopt(self, lists: Lists, known: Known, node: Node) -> None:
        """Put the lists of a generation in force. What a feed has read since stays."""
        self.known, self.node = known, node
        now = self.clocks.wall()
        feeds = {}
        for key, listed in lists.items():
            feed = self.feeds.get(key)
            if feed is None:
                feed = Feed(listed, due=_next(listed, now) if listed.numbers is not None else 0.0)
                if listed.settings.file is not None:
                    feed.due = 0.0  # what was just read is to be kept
            else:
                if listed.read_at <= feed.listed.read_at:
                    listed = _as_read(feed.listed, listed)
                feed.due = 0.0 if listed.settings.file is not None else min(feed.due, _next(listed, now))
            feed.listed, feed.error = listed, listed.problem
            feeds[key] = feed
            self._tell(feed)
        self.feeds = feeds
        for remark in self._put():
            log.warn("{remark}", remark=remark)

    def start(self) -> None:
        """Begin to look."""
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> None:
        """Look no more; what is being fetched is abandoned."""
        self._stopped = True
        if self._loop.running:
            self._loop.stop()

    def _turn(self) -> None:
        if self._one.locked:
            return
        now = self.clocks.wall()
        for feed in self.feeds.values():
            if feed.due <= now:
                Deferred.fromCoroutine(self.refresh(feed)).addErrback(
                    lambda failure: log.failure("a list could not be refreshed", failure)
                )
                return

    def named(self, name: str) -> list[Feed]:
        """The feeds of this name. Raises Unknown."""
        found = [feed for feed in self.feeds.values() if feed.listed.settings.name == name]
        if not found:
            names = ", ".join(dict.fromkeys(feed.listed.settings.name for feed in self.feeds.values()))
            raise Unknown(f"people.yaml names no list '{name}'; there are: {names or 'none'}")
        return found

    async def refresh(self, feed: Feed, *, accept_shrink: bool = False) -> dict[str, Any]:
        """Look at the source of a list now: what became of it."""
        await self._one.acquire()
        try:
            return await self._refresh(feed, accept_shrink)
        finally:
            self._one.release()

    async def _refresh(self, feed: Feed, accept_shrink: bool) -> dict[str, Any]:
        before = feed.listed
        now = feed.looked_at = self.clocks.wall()
        try:
            listed = await self.in_thread(self._read, before, self.node, now, accept_shrink)
        except (NotFetched, OSError) as error:
            return self._failed(feed, "failed", str(error))
        if self.feeds.get(before.key) is not feed or feed.listed is not before:
            return self._told(feed, "overtaken")  # by a reload
        if listed.problem:
            return self._failed(feed, "refused", listed.problem)
        feed.listed, feed.error, feed.failures = listed, "", 0
        self._tell(feed)
        feed.due = _next(listed, now, after=now)
        if listed.numbers is before.numbers:
            return self._told(feed, "unchanged")
        for remark in self._put():
            log.warn("{remark}", remark=remark)
        self.known.changes += 1
        assert listed.numbers is not None
        added = removed = 0
        if before.numbers is not None:
            difference = compare(before.numbers, listed.numbers)
            added, removed = difference.added, difference.removed
        else:
            added = len(listed.numbers)
        log.info(
            "list {name}: {size} entries, {added} added, {removed} removed",
            name=listed.settings.name,
            size=len(listed.numbers),
            added=added,
            removed=removed,
        )
        return self._told(feed, "taken", added=added, removed=removed)

    def _read(self, before: Listed, node: Node, now: float, accept_shrink: bool) -> Listed:
        """In a thread: the list as it is now, kept on disk if it has changed."""
        listed = refreshed(before, node.state, now, lambda: self._stopped, accept_shrink=accept_shrink)
        if not listed.problem and (listed.numbers is not before.numbers or not is_kept(listed, node)):
            keep(listed, node)
        return listed

    def _put(self) -> list[str]:
        lists = {key: feed.listed for key, feed in self.feeds.items()}
        return list(put_in_force(lists, self.known))

    def _failed(self, feed: Feed, outcome: str, problem: str) -> dict[str, Any]:
        """Not taken: the next look is soon, the more often it fails the later; told when it begins."""
        feed.error = problem
        self._tell(feed)
        pause = min(AGAIN * 2 ** min(feed.failures, 10), AGAIN_MOST, feed.listed.settings.pause)
        feed.failures += 1
        feed.due = self.clocks.wall() + pause
        return self._told(feed, outcome)

    def _tell(self, feed: Feed) -> None:
        """Raise the alarm about a list, or end it."""
        name = feed.listed.settings.name
        if feed.error:
            held = f"; what to do: look at its source, then `gateway suppress refresh {name}`"
            self.alarms.alarm(ALARM, name, feed.error + held)
        else:
            self.alarms.recovered(ALARM, name)

    def _told(self, feed: Feed, outcome: str, **more: int) -> dict[str, Any]:
        feed.counts[outcome] += 1
        listed = feed.listed
        refused = [list(line) for line in listed.refused]
        return {"outcome": outcome, **self.shown(feed), **more, "refused_lines": refused}

    def shown(self, feed: Feed) -> dict[str, Any]:
        """One list for people."""
        listed, key = feed.listed, feed.listed.key
        return {
            "name": listed.settings.name,
            "type": str(key.type),
            **key.scope._asdict(),
            "source": listed.settings.source,
            "entries": None if listed.numbers is None else len(listed.numbers),
            "read_at": _moment(listed.read_at),
            "age": None if listed.numbers is None else round(self.clocks.wall() - listed.read_at),
            "looked_at": _moment(feed.looked_at),
            "next": _moment(feed.due),
            "refused": listed.refused_count,
            "error": feed.error,
        }


def _as_read(held: Listed, now: Listed) -> Listed:
    """What a feed has read, under the settings of a new generation."""
    return replace(held, settings=now.settings)


def _next(listed: Listed, now: float, after: float | None = None) -> float:
    """When a list is to be looked at next, after it was at `after` (or when it was read)."""
    last = listed.read_at if after is None else after
    settings = listed.settings
    if settings.at is None:
        return last + settings.pause
    hour, minute = map(int, settings.at.split(":"))
    moment = datetime.fromtimestamp(last, UTC)
    when = moment.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (when if when > moment else when + timedelta(days=1)).timestamp()


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds else ""
