"""The sensitive words of a running node: edits of them, kept in step with the store.

An edit is made beside the traffic: a thread builds the words anew by difference, the store takes the record,
and only then are they in force, so that nothing acts that is not on record. Whatever changes the words has
`changing`, since each change begins from what the one before gave, and has it for some milliseconds. What
takes longer, a reload or the gathering of what many edits left, has `renewing`: it is made while edits go on,
and given those edits just before it is put in force.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from gateway.filters.edits import Edit
from gateway.filters.sensitive import SensitiveWords
from gateway.filters.verdict import Filter
from gateway.filters.wordfields import Fields
from gateway.filters.words import WordList, let_go
from gateway.relay.batch import Batch, Committer
from gateway.relay.clocks import Clocks
from gateway.store.ledger import Ledger
from gateway.store.rows import StoreUnavailable
from gateway.store.words import WordEditRow, edits_after

log = Logger(__name__)

PAGE = 5000
T = TypeVar("T")


class Wish(NamedTuple):
    """What somebody wants edited."""

    action: str
    fields: Fields


class Done(NamedTuple):
    """The edits that were made, and the wishes that make no sense: their places, and why."""

    edits: tuple[Edit, ...]
    refused: tuple[tuple[int, str], ...]


class Wording:
    """The words of the filter in force, and the edits of them."""

    def __init__(self, ledger: Ledger, committer: Committer, reactor: Any, clocks: Clocks) -> None:
        self.ledger = ledger
        self.committer = committer
        self.reactor = reactor
        self.clocks = clocks
        self.changing = DeferredLock()
        self.renewing = DeferredLock()
        self.recent: list[Edit] = []
        """Edits made while something is renewed."""
        self.filter: SensitiveWords | None = None
        self.aside: SensitiveWords | None = None
        """The filter of a canary: what is edited meanwhile holds for it too."""
        self.last = 0
        self.counts: Counter[str] = Counter()
        self._tidying = False

    def adopt(self, filters: Mapping[str, Filter]) -> None:
        """Go by the filters of a new generation."""
        found, before = filters.get(SensitiveWords.name), self.filter
        self.filter = found if isinstance(found, SensitiveWords) else None
        shared = before is not None and self.filter is not None and self.filter.words.shares(before.words)
        if before is not None and not shared:
            self._let_go([before.words])

    def _let_go(self, box: list[WordList]) -> None:
        gone = self.beside(let_go, box)
        gone.addErrback(lambda failure: log.failure("old words were not let go", failure))

    async def start(self) -> None:
        """Put in force what was edited before. Nobody may be listened to before."""
        filter = self.filter
        if filter is None:
            return
        edits: list[Edit] = []
        while rows := await self.ledger.read(edits_after, self.last, PAGE):
            edits += await self.beside(sound, rows)
            self.last = rows[-1].id
        if edits:
            filter.words = await self.beside(filter.words.edited, edits)
            log.info("{count} edits of sensitive words are in force", count=len(edits))

    async def catch_up(self, filters: Mapping[str, Filter]) -> None:
        """Give new filters the edits that were made since those that they were made with. Whoever asks has
        `renewing` since before they were made, and `changing` until they are in force.
        """
        found = filters.get(SensitiveWords.name)
        if isinstance(found, SensitiveWords):
            missing = [edit for edit in self.recent if edit.id > found.words.edits.last]
            if missing:
                found.words = await self.beside(found.words.edited, missing)
        self.recent.clear()

    async def edit(self, wishes: Sequence[Wish], by: str, why: str) -> Done:
        """Make edits, in their order: on record and in force when this returns.

        Raises StoreUnavailable when the store did not take them; then none is in force.
        """
        async with self.changing:
            filter = self.filter
            if filter is None:
                raise StoreUnavailable("the node has no filter of sensitive words")
            first = Edit(self.last + 1, self.clocks.now_ms(), by, why, "", {})
            words, done = await self.beside(edited, filter.words, wishes, first)
            if done.edits:
                await self._commit(done.edits)
                filter.words = words
                if self.aside is not None:
                    self.aside.words = await self.beside(self.aside.words.edited, done.edits)
                self.last = done.edits[-1].id
                self.recent += done.edits if self.renewing.locked else ()
                self.counts.update(edit.action for edit in done.edits)
                log.info(
                    "{count} edits of sensitive words by {by}, the last is {last}",
                    count=len(done.edits),
                    by=by,
                    last=done.edits[-1].id,
                )
        self.tidy()
        return done

    def tidy(self) -> None:
        """Gather the words in one automaton if they are worn: many edits left several, or more is dead in
        them than lives.
        """
        if self._tidying or self.filter is None or not self.filter.words.automaton.worn:
            return
        self._tidying = True
        tidied = Deferred.fromCoroutine(self._tidy())
        tidied.addErrback(lambda failure: log.failure("the sensitive words were not tidied", failure))
        tidied.addBoth(self._tidied)

    def _tidied(self, _: object) -> None:
        self._tidying = False

    async def _tidy(self) -> None:
        async with self.renewing:
            filter = self.filter
            if filter is None or not filter.words.automaton.worn:
                return
            box = [filter.words]
            base = await self.beside(box[0].gathered)
            async with self.changing:
                filter.words = await self.beside(filter.words.upon, base, box[0])
                self.recent.clear()
            self.counts["compacted"] += 1
            await self.beside(box.clear)  # the old automaton: its end takes a while, too

    async def _commit(self, edits: Sequence[Edit]) -> None:
        batch = Batch()
        failures: list[str] = []
        batch.failed.append(lambda: failures.append("the store did not take them"))
        for edit in edits:
            batch.changes.add("word_edit", tuple(row_of(edit)))
        await self.committer.commit(batch, must=False)
        if failures:
            raise StoreUnavailable(failures[0])

    def beside(self, work: Callable[..., T], *arguments: Any) -> Deferred[T]:
        """Work in a thread, beside the traffic."""
        made: Deferred[T] = deferToThreadPool(self.reactor, self.reactor.getThreadPool(), work, *arguments)
        return made


def edited(words: WordList, wishes: Sequence[Wish], first: Edit) -> tuple[WordList, Done]:
    """The words after what is wished, as far as it makes sense. The edits are numbered from that of `first`
    on, whose time, author and reason are theirs.
    """
    edits: list[Edit] = []
    refused: list[tuple[int, str]] = []
    fresh: dict[str, set[str]] = {}
    for index, wish in enumerate(wishes):
        edit = first._replace(id=first.id + len(edits), action=wish.action, fields=wish.fields)
        try:
            edit.check()
            _check_effect(words, edit, fresh.setdefault(edit.key, set()))
        except ValueError as error:
            refused.append((index, str(error)))
        else:
            fresh[edit.key].add(edit.action)
            edits.append(edit)
    return words.edited(edits) if edits else words, Done(tuple(edits), tuple(refused))


def _check_effect(words: WordList, edit: Edit, fresh: set[str]) -> None:
    """Raises ValueError for one that would do nothing; `fresh` is what was done to the word just before."""
    if fresh or edit.action == "add":
        return
    if edit.action == "restore":
        overrides = words.edits.overridden.get(edit.key, {})
        if not overrides or (edit.scope and edit.scope not in overrides):
            raise ValueError(f"nothing was done to '{edit.word}' that could be undone")
        return
    scopes = {words.kinds[row].scope for row in words.rows_of(edit.key)}
    if not scopes or (edit.scope and edit.scope not in scopes):
        of = f" in scope {edit.scope}" if edit.scope else ""
        raise ValueError(f"no entry has the word '{edit.word}'{of}")


def edit_of(row: WordEditRow) -> Edit:
    """An edit as it was stored."""
    return Edit(row.id, row.made_at, row.made_by, row.reason, row.action, json.loads(row.fields))


def sound(rows: Sequence[WordEditRow]) -> list[Edit]:
    """The edits of some rows; one that makes no sense any more, by other limits than it was made under, is
    told and left out.
    """
    edits = []
    for edit in map(edit_of, rows):
        try:
            edit.check()
            edits.append(edit)
        except ValueError as error:
            log.warn("edit {id} of sensitive words is left out: {error}", id=edit.id, error=str(error))
    return edits


def row_of(edit: Edit) -> WordEditRow:
    """An edit as it is stored."""
    fields = json.dumps(edit.fields, ensure_ascii=False, separators=(",", ":"))
    return WordEditRow(edit.id, edit.at, edit.by, edit.why, edit.action, edit.key, fields)


def learn_words(connection: Connection, filters: Mapping[str, Filter]) -> None:
    """Put in force what the store knows of edits, for who looks at it beside the node."""
    filter = filters.get(SensitiveWords.name)
    if not isinstance(filter, SensitiveWords):
        return
    edits: list[Edit] = []
    last = 0
    while rows := edits_after(connection, last, PAGE):
        edits += sound(rows)
        last = rows[-1].id
    if edits:
        filter.words = filter.words.edited(edits)
