"""Generations that came into force: their numbers go on over restarts, and each can come back."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from gateway.settings.archive import lay_out, pack, unpack
from gateway.settings.holder import Generations
from gateway.settings.models import Generation
from gateway.store import history
from gateway.store.engine import Store
from gateway.store.history import GenerationRow
from gateway.store.rows import Changes, StoreUnavailable

log = Logger(__name__)


class UnknownGeneration(Exception):
    """No generation of that number is kept."""


class History:
    """Keeps each generation in the store; `directory` is that of the configuration, `state` of the state."""

    def __init__(self, store: Store, directory: Path, state: Path) -> None:
        self.store = store
        self.directory = directory
        self.state = state

    async def begin(self, generations: Generations) -> None:
        """Number the first generation after the last one of the store; the same texts have the same number.

        Raises StoreUnavailable.
        """
        last = await self.store.ledger.read(history.last_generation)
        if last is not None:
            same = last.digest == generations.current.digest and not last.cause.startswith(history.CANARY)
            generations.renumber(last.number if same else last.number + 1)
            if same:
                return
        await self.store.journal.commit(
            _changes(generations.current, "start", pack(generations.current.texts))
        )

    def keep(self, generation: Generation, cause: str, packed: bytes) -> None:
        """Store a generation before anything that it decides: the journal keeps the order. `packed` are its
        texts as one zip, which a thread had better make of long lists.
        """
        stored: Deferred[None] = self.store.journal.commit(_changes(generation, cause, packed), must=True)
        stored.addErrback(
            lambda failure: log.failure("generation {number} was not kept", failure, number=generation.number)
        )

    async def laid_out(self, number: int) -> Path:
        """A directory with the files of a generation. Raises UnknownGeneration, StoreUnavailable."""
        row: GenerationRow | None = await self.store.ledger.read(history.get_generation, number)
        if row is None:
            raise UnknownGeneration(f"no generation {number} is kept")
        target = self.state / "generations" / str(number)
        try:
            await deferToThread(lambda: lay_out(unpack(row.files), self.directory, target))
        except OSError as error:
            raise StoreUnavailable(f"{target}: {error.strerror}") from error
        return target


def _changes(generation: Generation, cause: str, packed: bytes) -> Changes:
    row = GenerationRow(
        generation.number,
        generation.digest,
        int(generation.loaded_at * 1000),
        cause,
        packed,
    )
    changes = Changes()
    changes.add("generation", tuple(row))
    return changes
