"""The record of edits of sensitive words, on both databases: in order, and in force after a restart."""

from __future__ import annotations

from threading import Event

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread

from gateway.filters import automaton, foundry
from gateway.filters.entries import Entry, Severity
from gateway.filters.sensitive import SensitiveWords
from gateway.filters.words import WordList
from gateway.relay.batch import Committer, Outgoing
from gateway.relay.clocks import Clocks, monotonic
from gateway.relay.wording import Wish, Wording
from gateway.store.rows import Changes, StoreUnavailable
from gateway.store.words import edits_after, last_edits

NOW = 1_790_000_000.0


def wording(store) -> Wording:
    """The words of a node that has just started, with one list."""
    clocks = Clocks(monotonic(reactor), lambda: NOW)
    made = Wording(store.ledger, Committer(store.journal, Outgoing()), reactor, clocks)
    words = WordList.of([Entry("casino", Severity.REJECT, file="a.txt", line=1)])
    made.adopt({"words": SensitiveWords(words)})
    return made


def hits(made: Wording, text: str) -> list[str]:
    assert made.filter is not None
    return [hit.entry.place for hit in made.filter.words.scan(text, now=NOW)]


def add(word: str) -> Wish:
    return Wish("add", {"word": word, "severity": "reject"})


@pytest_twisted.ensureDeferred
async def test_edits_are_in_force_again_after_a_restart(place, open_at):
    store = open_at(place.url)
    made = wording(store)
    await made.start()
    done = await made.edit([add("lottery"), Wish("remove", {"word": "Casino"})], "Ann", "a complaint")
    assert ([edit.id for edit in done.edits], done.refused) == ([1, 2], ())
    assert hits(made, "lottery casino") == ["edit:1"]
    await store.close()
    store = open_at(place.url)
    again = wording(store)
    assert hits(again, "lottery casino") == ["a.txt:1"]
    await again.start()
    assert hits(again, "lottery casino") == ["edit:1"]
    done = await again.edit([Wish("restore", {"word": "casino"})], "Bob", "")
    assert [edit.id for edit in done.edits] == [3]
    rows = await store.ledger.read(last_edits, 10)
    told = [(row.id, row.action, row.word_key, row.made_by, row.reason, row.made_at) for row in rows]
    at = int(NOW * 1000)
    assert told == [
        (3, "restore", "casino", "Bob", "", at),
        (2, "remove", "casino", "Ann", "a complaint", at),
        (1, "add", "lottery", "Ann", "a complaint", at),
    ]
    assert [row.id for row in await store.ledger.read(last_edits, 10, "casino")] == [3, 2]
    assert [row.id for row in await store.ledger.read(edits_after, 1, 1)] == [2]


@pytest_twisted.ensureDeferred
async def test_edits_at_the_same_moment_are_all_in_force(place, open_at):
    made = wording(open_at(place.url))
    await made.start()
    one, other = (Deferred.fromCoroutine(made.edit([add(word)], "Ann", "")) for word in ("lottery", "poker"))
    await gatherResults([one, other])
    assert hits(made, "poker lottery") == ["edit:2", "edit:1"]


@pytest_twisted.ensureDeferred
async def test_what_makes_no_sense_is_told_and_the_rest_is_done(sqlite_place, open_at):
    made = wording(open_at(sqlite_place.url))
    await made.start()
    wishes = [
        Wish("remove", {"word": "poker"}),
        add("poker"),
        Wish("severity", {"word": "poker", "severity": "warn"}),
        Wish("restore", {"word": "casino"}),
        Wish("remove", {"word": "casino", "scope": "tenant:Shop"}),
        add("!"),
    ]
    done = await made.edit(wishes, "Ann", "")
    assert [(edit.id, edit.action) for edit in done.edits] == [(1, "add"), (2, "severity")]
    assert done.refused == (
        (0, "no entry has the word 'poker'"),
        (3, "nothing was done to 'casino' that could be undone"),
        (4, "no entry has the word 'casino' in scope tenant:Shop"),
        (5, "the word has neither letter nor digit"),
    )
    assert made.counts == {"add": 1, "severity": 1}


@pytest_twisted.ensureDeferred
async def test_nothing_is_in_force_that_is_not_on_record(sqlite_place, open_at):
    store = open_at(sqlite_place.url)
    made = wording(store)
    await made.start()
    made.last = -1
    await made.edit([add("lottery")], "Ann", "")
    made.last = -1  # the number is taken: the store refuses the row
    with pytest.raises(StoreUnavailable):
        await made.edit([add("poker")], "Ann", "")
    assert hits(made, "lottery poker") == ["edit:0"]


@pytest_twisted.ensureDeferred
async def test_a_stored_edit_that_makes_no_sense_any_more_is_left_out(sqlite_place, open_at):
    store = open_at(sqlite_place.url)
    made = wording(store)
    await made.start()
    await made.edit([add("lottery")], "Ann", "")
    row = (2, 0, "Ann", "", "add", "poker", '{"word":"poker","severity":"fatal"}')
    changes = Changes()
    changes.add("word_edit", row)
    await store.journal.commit(changes)
    again = wording(store)
    await again.start()
    assert hits(again, "lottery poker") == ["edit:1"]
    done = await again.edit([add("poker")], "Ann", "")
    assert [edit.id for edit in done.edits] == [3]


@pytest_twisted.ensureDeferred
async def test_worn_words_are_gathered_while_they_are_edited(sqlite_place, open_at, monkeypatch):
    monkeypatch.setattr(automaton, "SHARD", 2)
    monkeypatch.setattr(automaton, "FRESH", 2)
    monkeypatch.setattr(foundry, "ELSEWHERE", 3)
    made = wording(open_at(sqlite_place.url))
    await made.start()
    words = ["lottery", "poker", "betting", "jackpot", "roulette", "blackjack", "tombola", "bingo"]
    gathered, go_on = Event(), Event()

    def beside(work, *arguments):
        def slowly(*arguments):
            result = work(*arguments)
            if work.__name__ == "gathered":
                gathered.set()
                assert go_on.wait(60)
            return result

        return Wording.beside(made, slowly, *arguments)

    made.beside = beside
    for word in words:
        await made.edit([add(word)], "Ann", "")
        if made.renewing.locked:
            break
    assert made.filter is not None
    before = made.filter.words.automaton
    assert before.worn
    await deferToThread(gathered.wait, 60)
    await made.edit(
        [add("keno"), Wish("remove", {"word": "poker"}), Wish("remove", {"word": "casino"})], "A", ""
    )
    assert hits(made, "keno poker lottery casino") == [f"edit:{made.last - 2}", "edit:1"]
    go_on.set()
    async with made.renewing:
        pass
    after = made.filter.words.automaton
    assert made.counts["compacted"] == 1
    assert after.shards[0].words == [word for shard in before.shards for word in shard.words]
    assert hits(made, "keno poker lottery casino") == [f"edit:{made.last - 2}", "edit:1"]
    await made.edit([Wish("restore", {"word": "poker"})], "Ann", "")
    assert hits(made, "poker") == ["edit:2"]
