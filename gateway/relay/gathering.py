"""Gathering: segments of long texts wait for each other; the verdict falls when the last is in and covers
all.

Each segment is stored and answered by itself. None leaves before the verdict. A text that never becomes
whole is refused after a stated time, unless its segments were those of a text that was judged lately, sent
again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred

from gateway.filters.chain import Judgement
from gateway.filters.review import approval_of
from gateway.filters.verdict import REASONS
from gateway.message import joined
from gateway.relay.batch import Batch, Committer, run_steps
from gateway.relay.book import Book, Entry
from gateway.relay.clocks import Clocks
from gateway.relay.judging import Judging, refusal
from gateway.relay.multipart import Group, Groups
from gateway.store.rows import State

INCOMPLETE = refusal("gateway", "long text never complete", REASONS["incomplete_long_text"])
TOO_LONG = refusal("gateway", "long text too long", REASONS["content_blocked"])

NEVER = -1  # changes: what was judged by a text of before is asked again before it leaves
LONGEST_TEXT = 65_536
"""Octets that all segments of a text may have, some twice as many as 255 short messages hold."""


class Gathering:
    """Moves segments between the groups (which are pure) and the book."""

    def __init__(
        self, groups: Groups, book: Book, judging: Judging, committer: Committer, clocks: Clocks
    ) -> None:
        self.groups = groups
        self.book = book
        self.judging = judging
        self.committer = committer
        self.clocks = clocks
        self._postponed: Batch | None = None

    # after a start

    def postpone(self) -> None:
        """Let what comes wait, until `go_on`: the segments that came before are being read."""
        self._postponed = Batch()

    def postponed(self, step: Callable[[], None]) -> bool:
        """Whether a step waits for those, which then is taken when they are known."""
        if self._postponed is None:
            return False
        self._postponed.after.append(step)
        return True

    def go_on(self) -> None:
        """The segments that came before are known."""
        postponed, self._postponed = self._postponed, None
        if postponed is not None:
            run_steps(postponed, stored=True)

    # gathering

    def accept(self, entry: Entry, batch: Batch) -> None:
        """A new segment: stored with the batch, judged when its text is whole on disk."""
        now = self.clocks.now_ms()
        evicted = self.groups.add(entry, now)
        group = self.groups.group_of(entry)
        entry.state = State.GATHERING
        entry.deadline = min(group.deadline, entry.message.expires_at)
        entry.message.segment_of = group.first_id
        entry.decision = '{"verdict": "gathering"}'
        self.book.accept(entry, batch)
        batch.after.append(lambda: self._arrived(group))
        batch.failed.append(lambda: self.groups.discard(entry))
        for other in evicted:
            batch.after.append(partial(self.give_up, other))
            batch.failed.append(partial(self.give_up, other))

    def again(self, entry: Entry) -> None:
        """A stored segment (after a restart, or released from a deferral) waits for its siblings once
        more. What has to give way to it leaves the memory: a start need not end a million of them first.
        """
        entry.stored = True
        evicted = self.groups.add(entry, self.clocks.now_ms())
        self._arrived(self.groups.group_of(entry))
        for other in evicted:
            for segment in other.parts.values():
                self.book.release(segment.message.id)

    def late(self, entry: Entry, batch: Batch) -> bool:
        """The deadline of a segment that is in the store is over. One that had left the memory is refused.
        Another waits as long as its group, which has begun anew with the last start; the store is told, so
        that others come to be looked at. False if nothing is to be done here.
        """
        if self._postponed is not None:
            return False
        group = self.groups.held(entry)
        if group is None:
            self.judging.settle(entry, INCOMPLETE, batch)
        elif group.deadline > self.clocks.now_ms():
            self.book.move(entry, State.GATHERING, group.deadline, batch)
        else:
            return False
        return True

    def release(self, entry: Entry, batch: Batch) -> None:
        """A deferred segment is due: its text is judged again when all of it is."""
        deadline = self.clocks.now_ms() + self.groups.timeout_ms
        self.book.move(entry, State.GATHERING, deadline, batch)
        batch.after.append(lambda: self.again(entry))

    def _arrived(self, group: Group) -> None:
        if not group.complete or not self.groups.holds(group):
            return
        self.groups.remove(group)
        entries = group.in_order()
        if group.octets > LONGEST_TEXT:
            self.settle(entries, TOO_LONG)
            return
        approval = approval_of(entries[0].decision)
        judgement = self.judging.judge(joined([entry.message for entry in entries]), approval)
        self.groups.judged(group, judgement, self.clocks.now_ms())
        self.settle(entries, judgement)

    def give_up(self, group: Group) -> None:
        """A group whose time is over, or that had to give way."""
        known = self.groups.verdict_for(group)
        if not isinstance(known, Judgement) or known.rewritten:  # what was rewritten left as other octets
            self.settle(group.in_order(), INCOMPLETE)
        else:
            entries = group.in_order()
            self.settle(entries, known)
            for entry in entries:  # the verdict is of another time: people may have said something since
                entry.judged_on = NEVER

    def overdue(self) -> None:
        """Settle the groups whose time is over."""
        for group in self.groups.overdue(self.clocks.now_ms()):
            self.give_up(group)

    def settle(self, entries: list[Entry], judgement: Judgement) -> Deferred[None]:
        """Bring the messages of one text, gathered or held, to what its verdict means; fires when that is
        on disk.
        """
        batch = Batch()
        for entry in entries:
            if entry.stored and entry.state in (State.GATHERING, State.HELD):
                self.judging.settle(entry, judgement, batch)
        part = entries[0].message.part if entries else None
        if part is not None and len(entries) == part.total:
            self.judging.pass_on(joined([entry.message for entry in entries]), entries[0].state, batch)
        batch.after.append(self.judging.dispatch.pump)
        return self.committer.commit(batch, must=True)
