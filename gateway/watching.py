"""Looks whether the files of the configuration have changed, where gateway.yaml asks for that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from gateway.relay.clocks import Timer
from gateway.settings.models import FILES, Generation

log = Logger(__name__)

INTERVAL = 1.0

Signature = dict[str, tuple[int, int, int]]


class Watch:
    """Calls `reload` when files have changed and then stood still for one look.

    An editor writes a file in steps, and an admin several files: half of a change is never read.
    """

    def __init__(
        self,
        directory: Path,
        generation: Callable[[], Generation],
        reload: Callable[[], Awaitable[object]],
        timer: Timer,
    ) -> None:
        self.directory = directory
        self.generation = generation
        self.reload = reload
        self._known: Generation | None = None
        self._taken: Signature = {}
        self._seen: Signature = {}
        self._looking = LoopingCall(self._look)
        self._looking.clock = timer  # type: ignore[assignment]

    def start(self) -> None:
        """Begin to look, every second."""
        self._looking.start(INTERVAL)

    def stop(self) -> None:
        """Look no more."""
        if self._looking.running:
            self._looking.stop()

    def _look(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.look()).addErrback(
            lambda failure: log.failure("the files of the configuration could not be watched", failure)
        )

    async def look(self) -> None:
        """One look at all files."""
        generation = self.generation()
        if not generation.node.watch:
            self._known = None
            return
        now = await deferToThread(signature, self.directory, {*FILES, *generation.texts})
        if generation is not self._known:
            self._known = generation
            same = await deferToThread(self._is_of, generation)
            self._taken = now if same else {}
        before, self._seen = self._seen, now
        if now == before and now != self._taken:
            self._taken = now
            await self.reload()

    def _is_of(self, generation: Generation) -> bool:
        """Whether nothing is to be read: the files are the generation's, or it was put in force without
        them, by going back to an earlier one.
        """
        if generation.directory != self.directory:
            return True
        there = {name for name in FILES if (self.directory / name).exists()} | generation.texts.keys()
        try:
            return {name: (self.directory / name).read_bytes() for name in there} == generation.texts
        except OSError:
            return False


def signature(directory: Path, names: set[str]) -> Signature:
    """What is seen of files without reading them; those that are not there are left out."""
    seen = {}
    for name in sorted(names):
        try:
            stat = (directory / name).stat()
        except OSError:
            continue
        seen[name] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return seen
