"""Lists from files and from the web: looked at by the clock, believed or not, kept over restarts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from people_house import NOON, people_generation
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from web_lists import Asked, Web

from gateway.filters import lastgood
from gateway.filters.known import Known
from gateway.filters.listed import read_lists
from gateway.relay.alarms import Alarms
from gateway.relay.clocks import Clocks
from gateway.relay.feeds import Feed, Feeds
from gateway.settings.keys import new_keyring, write_keys
from gateway.settings.models import Generation

NUMBERS = [f"86199123{n:05}" for n in range(1000)]
HOUR = 3600.0


class Served:
    """A text with its ETag."""

    def __init__(self, *numbers: str) -> None:
        self.text = "\n".join(numbers) + "\n"

    def __call__(self, asked: Asked) -> None:
        tag = f'"{hash(self.text):x}"'
        if asked.path.endswith(".sha256"):
            asked.say(200, hashlib.sha256(self.text.encode()).hexdigest().encode() + b"  list\n")
        elif asked.headers["If-None-Match"] == tag:
            asked.say(304)
        else:
            asked.say(200, self.text.encode(), etag=tag)


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web(Served(*NUMBERS))
    yield server
    server.close()


class Lists:
    """Feeds without a node around them; each restart knows nothing but what is on disk."""

    def __init__(self, directory: Path, **entry: Any) -> None:
        self.directory = directory
        self.wall = NOON
        self.entry = entry
        self.start()

    def generation(self, **changes: Any) -> Generation:
        entry = {"name": "dnd", "type": "carrier_dnd", **self.entry, **changes}
        return people_generation(lists=[entry], state=self.directory / "state")

    def start(self) -> None:
        self.known = Known()
        self.clock = Clock()
        clocks = Clocks(self.clock, lambda: self.wall)
        self.alarms = Alarms(clocks)
        self.feeds = Feeds(self.known, self.alarms, clocks, in_thread=maybeDeferred)
        self.lists: Any = {}
        self.reload()
        self.feeds.start()

    def reload(self, **changes: Any) -> None:
        generation = self.generation(**changes)
        self.lists = read_lists(generation, self.lists)
        self.feeds.adopt(self.lists, self.known, generation.node)

    def pass_by(self, seconds: float) -> None:
        """So much time goes by, and what is due is done."""
        self.wall += seconds
        self.clock.advance(1.0)

    @property
    def alarm(self) -> str:
        """What is said of the one alarm that is open."""
        return "".join(alarm.text for alarm in self.alarms.open.values())

    @property
    def feed(self) -> Feed:
        (feed,) = self.feeds.feeds.values()
        return feed

    def refresh(self, **options: Any) -> dict[str, Any]:
        done: list[dict[str, Any]] = []
        Deferred.fromCoroutine(self.feeds.refresh(self.feed, **options)).addCallback(done.append)
        return done[0]

    def stops(self, number: str) -> bool:
        return self.known.suppressions.find(number, "Shop", "offers", "promotional", self.wall) is not None

    @property
    def size(self) -> int:
        (numbers,) = self.known.suppressions.lists.values()
        return len(numbers)


def test_a_list_is_fetched_when_the_node_starts_and_then_by_the_clock(web: Web, tmp_path: Path) -> None:
    lists = Lists(tmp_path, url=web.url(), every=HOUR)
    assert not lists.stops(NUMBERS[0])
    lists.pass_by(0)
    assert lists.stops(NUMBERS[0])
    web.answer = Served(*NUMBERS[1:], "8619912399999")
    lists.pass_by(HOUR - 1)
    assert lists.stops(NUMBERS[0])
    lists.pass_by(2)
    assert not lists.stops(NUMBERS[0])
    assert lists.stops("8619912399999")
    assert lists.feed.counts == {"taken": 2}


def test_what_has_not_changed_is_not_sent_again_nor_after_a_restart(web: Web, tmp_path: Path) -> None:
    lists = Lists(tmp_path, url=web.url(), every=HOUR)
    lists.pass_by(0)
    lists.pass_by(2 * HOUR)
    lists.start()
    lists.pass_by(2 * HOUR)
    assert lists.feed.counts == {"unchanged": 1}
    assert lists.stops(NUMBERS[0])
    assert [("If-None-Match" in headers) for _, headers, _ in web.asked] == [False, True, True]


def test_a_suspicious_shrink_is_not_taken_but_told_and_a_person_may_accept_it(
    web: Web, tmp_path: Path
) -> None:
    lists = Lists(tmp_path, url=web.url(), every=HOUR)
    lists.pass_by(0)
    web.answer = Served(*NUMBERS[:700])
    lists.pass_by(2 * HOUR)
    assert lists.size == 1000
    assert "lost 300 of 1000" in lists.alarm
    lists.start()
    assert (lists.size, lists.stops(NUMBERS[999])) == (1000, True)
    told = lists.refresh(accept_shrink=True)
    assert (told["outcome"], told["removed"], lists.size) == ("taken", 300, 700)
    lists.start()
    assert lists.size == 700


def test_how_much_it_may_shrink_is_settable(web: Web, tmp_path: Path) -> None:
    lists = Lists(tmp_path, url=web.url(), every=HOUR, shrink=0.5)
    lists.pass_by(0)
    web.answer = Served(*NUMBERS[:700])
    lists.pass_by(2 * HOUR)
    assert lists.size == 700


def test_a_restart_does_not_need_the_source(web: Web, tmp_path: Path) -> None:
    lists = Lists(tmp_path, url=web.url(), every=HOUR)
    lists.pass_by(0)
    web.close()
    lists.start()
    assert lists.stops(NUMBERS[0])
    lists.pass_by(2 * HOUR)
    assert lists.stops(NUMBERS[0])
    assert web.url() in lists.alarm


def page(asked: Asked) -> None:
    asked.say(200, b"<html>\n<p>Sorry</p>\n</html>\n")


def halves(asked: Asked) -> None:
    asked.say(200, "\n".join(NUMBERS[:990]).encode(), length=1 << 20)


def elsewhere(asked: Asked) -> None:
    asked.say(302, location="file:///etc/passwd")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda asked: asked.say(500), "answers 500"),
        (lambda asked: asked.say(200, b""), "it is empty"),
        (page, "most lines are not understood"),
        (halves, "it ended after"),
        (elsewhere, "302"),
        (lambda asked: asked.say(200, b"8" * 20_000), "longer than 15000 octets"),
        (lambda asked: asked.say(200, b"\xff\xfe8619912340001\n" * 900), "UnicodeDecodeError"),
    ],
)
def test_whatever_comes_instead_the_last_good_one_stays(
    web: Web, tmp_path: Path, answer: Any, said: str
) -> None:
    lists = Lists(tmp_path, url=web.url(), every=HOUR, largest=15_000)
    lists.pass_by(0)
    web.answer = answer
    lists.pass_by(2 * HOUR)
    assert lists.size == 1000
    assert said in lists.feed.error
    assert not list((tmp_path / "state" / "lists").glob("*.part"))


def test_a_failing_source_is_asked_again_soon_and_told_once(web: Web, tmp_path: Path) -> None:
    lists = Lists(tmp_path, url=web.url(), every=24 * HOUR)
    lists.pass_by(0)
    web.answer = lambda asked: asked.say(503)
    for _ in range(5):
        lists.pass_by(lists.feed.due - lists.wall + 1)
    assert lists.feed.counts == {"taken": 1, "failed": 5}
    assert "answers 503" in lists.alarm
    web.answer = Served(*NUMBERS)
    lists.pass_by(HOUR)
    assert (lists.feed.error, lists.alarm) == ("", "")


def test_the_checksum_must_fit(web: Web, tmp_path: Path) -> None:
    lists = Lists(tmp_path, url=web.url(), checksum=True)
    lists.pass_by(0)
    assert lists.size == 1000

    def wrong(asked: Asked) -> None:
        asked.say(200, b"0" * 64 if asked.path.endswith(".sha256") else b"8619912340001\n")

    web.answer = wrong
    assert "its SHA-256 is" in lists.refresh()["error"]


def test_the_password_goes_to_the_first_host_only(web: Web, tmp_path: Path) -> None:
    other = Web(Served(*NUMBERS))
    web.answer = lambda asked: asked.say(302, location=other.url())
    lists = Lists(tmp_path, url=web.url(), authorization="Bearer secret")
    lists.pass_by(0)
    other.close()
    assert lists.size == 1000
    assert web.asked[0][1]["Authorization"] == "Bearer secret"
    assert "Authorization" not in other.asked[0][1]


def test_at_a_time_of_day(web: Web, tmp_path: Path) -> None:
    lists = Lists(tmp_path, url=web.url(), at="03:30")
    lists.pass_by(0)
    due = lists.feed.due
    assert (due % 86_400, 0 < due - lists.wall <= 86_400) == (3.5 * HOUR, True)


def test_a_file_is_looked_at_every_minute_and_refused_lines_are_told(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("name,Number,until\nx,8619912340001,\ny,nonsense,\nz,8619912340002,2026-11-21\n")
    lists = Lists(tmp_path, file=file, format="csv")
    assert lists.stops("8619912340001")
    assert lists.stops("8619912340002")
    assert [line.line for line in lists.feed.listed.refused] == [3]
    lists.pass_by(0)
    file.write_text("number\n8619912340001\n8619912340003\n")
    lists.pass_by(61)
    assert lists.stops("8619912340003")
    file.unlink()
    lists.start()
    assert lists.stops("8619912340003")
    assert "cannot be read" in lists.feed.error


def test_a_file_that_never_was_there_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        Lists(tmp_path, file=tmp_path / "none.txt")


def test_a_damaged_last_good_one_is_told(web: Web, tmp_path: Path) -> None:
    lists = Lists(tmp_path, url=web.url(), every=HOUR)
    lists.pass_by(0)
    (kept,) = (tmp_path / "state" / "lists").glob("*.list")
    kept.write_bytes(kept.read_bytes()[:-5])
    lists.start()
    assert "cannot be read" in lists.alarm
    lists.pass_by(0)
    assert lists.stops(NUMBERS[0])


def test_what_is_kept_is_encrypted_by_the_newest_key(web: Web, tmp_path: Path) -> None:
    keys = tmp_path / "state.keys"
    ring = new_keyring()
    write_keys(keys, ring)
    web.answer = Served("8619912399999")
    lists = Lists(tmp_path, url=web.url(), every=HOUR)
    lists.pass_by(0)
    (kept,) = (tmp_path / "state" / "lists").glob("*.list")
    assert b"numberset" not in kept.read_bytes()
    assert b"read_at" not in kept.read_bytes()
    assert lastgood.version(kept) == 1
    lists.start()
    assert lists.stops("8619912399999")
    write_keys(keys, ring.rotated())
    lists.pass_by(2 * HOUR)
    assert lists.feed.counts == {"unchanged": 1}
    assert lastgood.version(kept) == 2
    octets = kept.read_bytes()
    kept.write_bytes(octets[:40] + bytes((octets[40] ^ 1,)) + octets[41:])
    lists.start()
    assert "was changed or moved" in lists.alarm
    kept.write_bytes(octets)
    keys.unlink()
    lists.start()
    assert "its key is not there" in lists.alarm


def test_what_was_kept_before_there_were_keys_is_read_and_encrypted(web: Web, tmp_path: Path) -> None:
    lists = Lists(tmp_path, url=web.url(), every=HOUR)
    lists.pass_by(0)
    (kept,) = (tmp_path / "state" / "lists").glob("*.list")
    assert lastgood.version(kept) == 0
    write_keys(tmp_path / "state.keys", new_keyring())
    lists.start()
    assert lists.stops(NUMBERS[0])
    lists.pass_by(2 * HOUR)
    assert lastgood.version(kept) == 1


def test_a_reload_does_not_lose_what_was_fetched(web: Web, tmp_path: Path) -> None:
    lists = Lists(tmp_path, url=web.url(), every=HOUR)
    lists.pass_by(0)
    web.answer = Served(*NUMBERS, "8619912399999")
    lists.pass_by(2 * HOUR)
    lists.reload(every=2 * HOUR)
    assert lists.stops("8619912399999")
    assert lists.feed.counts == {"taken": 2}


def test_messages_wait_for_a_list_that_never_could_be_read(web: Web, tmp_path: Path) -> None:
    lists = Lists(tmp_path, url=web.url())
    suppressions = lists.known.suppressions
    assert suppressions.awaited("Shop", "offers", "promotional") is not None
    assert suppressions.awaited("Bank", "account", "otp") is None  # such a list lets codes pass
    lists.pass_by(0)
    assert suppressions.awaited("Shop", "offers", "promotional") is None


def test_unless_the_list_says_otherwise(web: Web, tmp_path: Path) -> None:
    lists = Lists(tmp_path, url=web.url(), unread="pass")
    assert lists.known.suppressions.awaited("Shop", "offers", "promotional") is None
