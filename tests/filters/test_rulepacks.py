"""The shipped packs, what they resolve to, and what is said of bad ones."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.filters.calendars import Calendar
from gateway.filters.numbers import Numbering
from gateway.filters.packs import SECTIONS, CapRule, ConsentRule, ReplyRule, SenderRule, TextRule, WindowRule
from gateway.filters.replywords import ReplyClass, ReplyWords, word_rules
from gateway.filters.rulebook import RuleBook, covers
from gateway.filters.rulepacks import load_packs, read_packs
from gateway.filters.windows import window

RULES = Path(__file__).parents[2] / "config" / "rules"
NEVER = 1e12
NOON = 1795233600.0  # 2026-11-21
PARIS, NEW_YORK, CHICAGO, SHANGHAI = "Europe/Paris", "America/New_York", "America/Chicago", "Asia/Shanghai"


def at(zone: str, text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


class TestShipped:
    def test_the_countries(self, book: RuleBook) -> None:
        assert set(book.packs) == {"CN", "US", "IN", "GB", "EU", "FR", "CA", "AU", "SG", "other"}
        for country, name in [("PR", "US"), ("DE", "EU"), ("RE", "FR"), ("BR", "other"), ("", "other")]:
            pack = book.pack(country)
            assert pack is not None
            assert pack.pack == name

    def test_every_rule_names_its_source_and_a_sure_one_where_it_can_be_read(self, book: RuleBook) -> None:
        for name, placed in book.packs.items():
            for ruled in book.all_rules(name):
                assert ruled.place.startswith("rules/")
                assert ruled.rule.source, ruled.name
            for section in SECTIONS:
                for rule in getattr(placed.pack, section):
                    told = [placed.pack.sources[source] for source in rule.source]
                    sure = any(one.startswith("http") for one in told)
                    assert sure or rule.sure == "C", (name, rule.rule)

    def test_only_the_promotional_wait(self, book: RuleBook) -> None:
        night = at(SHANGHAI, "2026-03-10T22:00:00")
        for category in ("otp", "transactional", "service", "government"):
            assert book.rules("CN", "", category).when((SHANGHAI,), night, NEVER).opens == night
        hours = book.rules("CN", "", "promotional").when((SHANGHAI,), night, NEVER)
        assert hours.opens == at(SHANGHAI, "2026-03-11T08:00:00")
        assert [ruled.name for ruled in hours.closed] == ["CN/promotional-hours"]
        assert hours.closed[0].place.startswith("rules/CN.yaml:")

    def test_the_states(self, book: RuleBook) -> None:
        numbering = Numbering(book.regions())
        assert numbering.place("13055550123").region == "FL"
        assert (
            numbering.place("17875550123")[:2] == ("US", "PR")
            or numbering.place("17875550123").region == "PR"
        )
        now = at(CHICAGO, "2026-03-15T09:30:00")
        texas = book.rules("US", "TX", "promotional").when((CHICAGO,), now, NEVER)
        assert texas.opens == at(CHICAGO, "2026-03-15T12:00:00")
        assert [ruled.name for ruled in texas.closed] == ["US/texas"]
        assert book.rules("US", "IL", "promotional").when((CHICAGO,), now, NEVER).opens == now

    def test_an_unknown_state_is_under_the_rules_of_all(self, book: RuleBook) -> None:
        now = at(NEW_YORK, "2026-03-15T12:30:00")
        assert book.rules("US", "NY", "promotional").when((NEW_YORK,), now, NEVER).opens == now
        unknown = book.rules("US", "", "promotional").when((NEW_YORK,), now, NEVER)
        assert unknown.opens == at(NEW_YORK, "2026-03-16T10:00:00")

    def test_pennsylvania_rests_on_sundays_from_october(self, book: RuleBook) -> None:
        rules = book.rules("US", "PA", "promotional")
        before, after = at(NEW_YORK, "2026-10-11T12:00:00"), at(NEW_YORK, "2026-10-18T12:00:00")
        assert rules.when((NEW_YORK,), before, NEVER).opens == before
        assert rules.when((NEW_YORK,), after, NEVER).opens == at(NEW_YORK, "2026-10-19T08:00:00")

    def test_saturday_evening_in_france(self, book: RuleBook) -> None:
        rules = book.rules("FR", "", "promotional")
        evening = at(PARIS, "2026-07-11T20:30:00")
        monday = at(PARIS, "2026-07-13T08:00:00")
        waits = rules.when((PARIS,), evening, NEVER)
        assert waits.opens == monday
        assert [ruled.name for ruled in waits.closed] == ["FR/decent-hours"]
        late = at(PARIS, "2026-07-13T22:00:00")
        assert rules.when((PARIS,), late, NEVER).opens == at(PARIS, "2026-07-15T08:00:00")

    def test_an_unsure_window_never_refuses(self, book: RuleBook) -> None:
        rules = book.rules("FR", "", "promotional")
        evening = at(PARIS, "2026-07-11T20:30:00")
        doubtful = rules.when((PARIS,), evening, evening + 3600)
        assert (doubtful.opens, doubtful.doubtful) == (evening, True)
        night = at(PARIS, "2026-07-11T22:30:00")
        refused = rules.when((PARIS,), night, night + 3600)
        assert (refused.opens, refused.doubtful) == (None, False)
        early = at(SHANGHAI, "2026-03-10T21:00:00")
        china = book.rules("CN", "", "promotional").when((SHANGHAI,), early, early + 3600)
        assert (china.opens, china.doubtful) == (early, True)

    def test_france_keeps_what_it_does_not_give_anew(self, book: RuleBook) -> None:
        names = [ruled.name for ruled in book.rules("FR", "", "promotional").rules]
        assert "EU/express-or-customer" in names
        assert "EU/decent-hours" not in names

    def test_kinds_of_rules(self, book: RuleBook) -> None:
        now = at(SHANGHAI, "2026-10-10T12:00:00")
        china, canada = book.rules("CN", "", "otp"), book.rules("CA", "", "promotional")
        assert [rule.rule for rule, _ in china.of(CapRule, now)] == [
            "one-time-codes",
            "one-time-codes-of-all",
            "same-text",
        ]
        assert canada.of(ConsentRule, now)[0][0].bases["implied_purchase"] == 24
        assert book.rules("IN", "", "promotional").of(SenderRule, now)[0][0].allowed == ("registered",)
        assert len(book.rules("CN", "", "promotional").of(TextRule, now)) == 2

    def test_revoke_all_comes_into_force_on_its_day(self, book: RuleBook) -> None:
        rules = book.rules("US", "NY", "promotional")
        for day, name in [("2027-01-30T12:00:00", "opt-out"), ("2027-01-31T12:00:00", "opt-out-of-all")]:
            replies = [rule.rule for rule, _ in rules.of(ReplyRule, at("UTC", day))]
            assert (name in replies, len({"opt-out", "opt-out-of-all"} & set(replies))) == (True, 1)

    def test_zones_fall_back_on_the_pack(self, book: RuleBook) -> None:
        assert book.zones("CN", ()) == (SHANGHAI,)
        assert book.zones("US", ()) == ()
        assert book.zones("US", (CHICAGO,)) == (CHICAGO,)

    def test_calendars(self, book: RuleBook) -> None:
        assert [calendar.country for calendar in book.calendars()] == ["FR"]
        override = Calendar("FR", holidays=[date(2026, 7, 13)])
        other, _ = load_packs(RULES, {("FR", ""): override})
        assert other is not None
        assert other.calendars() == [override]

    def test_what_is_not_known_of_next_year_is_told(self) -> None:
        text = PACK + (
            "windows:\n  - rule: a\n    sure: S\n    authority: law\n    calendar: {country: CN}\n"
            '    open: [{from: "08:00", to: "21:00"}]\n'
        )
        book, problems = read_packs([("a.yaml", text)])
        assert book is not None, problems
        (calendar,) = book.calendars()
        year = next(year for year in range(2026, 2100) if calendar.gaps(date(year, 12, 20)))
        (told,) = book.gaps(date(year, 12, 20))
        assert f"CN swaps in {year + 1} are not known yet" in told
        assert book.gaps(date(year, 9, 20)) == []

    def test_a_country_without_any_pack(self) -> None:
        rules = RuleBook([]).rules("BR", "", "promotional")
        assert rules.pack is None
        assert rules.when((), 5.0, 6.0).opens == 5.0


class TestTenantWindows:
    def test_tighter_always_and_wider_where_the_pack_says_so(self, book: RuleBook) -> None:
        wanted = {
            "CN/promotional-hours": (window("daily", "08:00", "22:00"),),
            "US/federal-hours": (window("mon-fri", "10:00", "18:00"),),
            "FR/carriers-block": (window("daily", "08:00", "20:00"),),
            "US/texas": (window("daily", "09:00", "21:00"),),
            "US/mars": (window("daily", "09:00", "21:00"),),
        }
        assert book.refused_windows(wanted) == {
            "FR/carriers-block": "'FR/carriers-block' may be made tighter, but not wider than it is",
            "US/texas": "'US/texas' may be made tighter, but not wider than it is",
            "US/mars": "no window rule is called 'US/mars'",
        }
        beyond = {"CN/promotional-hours": (window("daily", "07:00", "21:00"),)}
        assert "than its `widest`" in book.refused_windows(beyond)["CN/promotional-hours"]

    def test_they_take_the_place_of_the_rules(self, book: RuleBook) -> None:
        tenant = book.for_tenant({"CN/promotional-hours": (window("daily", "08:00", "22:00"),)})
        evening = at(SHANGHAI, "2026-03-10T21:30:00")
        assert tenant.rules("CN", "", "promotional").when((SHANGHAI,), evening, NEVER).opens == evening
        assert book.rules("CN", "", "promotional").when((SHANGHAI,), evening, NEVER).opens != evening

    def test_covers(self) -> None:
        night = (window("daily", "22:00", "06:00"),)
        assert covers(night, (window("sat", "23:00", "05:00"),))
        assert not covers(night, (window("sat", "21:00", "05:00"),))
        assert not covers((window("mon-fri", "08:00", "20:00"),), (window("sat", "09:00", "10:00"),))
        assert covers(
            (window("daily", "08:00", "12:00"), window("daily", "12:00", "20:00")),
            (window("mon", "09:00", "19:00"),),
        )


PACK = """pack: XX
version: 2026-01-01
countries: [XX]
"""


class TestProblems:
    @pytest.mark.parametrize(
        ("text", "line", "column", "message"),
        [
            ("pack: *x", 1, 7, "not YAML"),
            ("version: 2026-01-01\ncountries: [XX]\n", 1, 1, "required key 'pack' is missing"),
            (PACK + "colour: red\n", 4, 1, "unknown key 'colour'"),
            (PACK + "zone: Mars/Olympus\n", 4, 7, "is no time zone"),
            (PACK + "extends: YY\n", 4, 10, "no pack is called 'YY'"),
            (PACK + "extends: XX\n", 4, 10, "extends itself"),
            (
                PACK + 'windows:\n  - {rule: a, sure: S, authority: law, open: [{from: "8", to: "21:00"}]}\n',
                5,
                47,
                "'8' is no time of day",
            ),
            (
                PACK + "windows:\n  - {rule: a, sure: X, authority: law, open: []}\n",
                5,
                21,
                "'X' is not possible: use 'S' or 'C'",
            ),
            (
                PACK + "caps:\n  - {rule: a, sure: S, authority: law, key: [recipient], limits: [3/week]}\n",
                5,
                67,
                "must be a duration",
            ),
            (
                PACK + "senders:\n  - {rule: a, sure: S, authority: law, source: [xyz], allowed: [number]}\n",
                5,
                49,
                "no source 'xyz' is listed",
            ),
            (
                PACK + "senders:\n  - {rule: a, sure: S, authority: law, regions: [ZZ], allowed: [number]}\n",
                5,
                50,
                "no area codes of 'ZZ'",
            ),
            (
                PACK + "texts:\n  - {rule: a, sure: S, authority: law, what: x, pattern: '['}\n",
                5,
                58,
                "is not a regular expression",
            ),
            (
                PACK + "texts:\n  - {rule: a, sure: S, authority: law, what: x}\n",
                5,
                5,
                "either a pattern or any_of",
            ),
            (
                PACK + "windows:\n  - rule: a\n    sure: S\n    authority: law\n    calendar: {country: QQ}\n"
                '    open: [{from: "08:00", to: "21:00"}]\n',
                8,
                15,
                "no holidays are known for QQ",
            ),
        ],
    )
    def test_each_has_its_place(self, text: str, line: int, column: int, message: str) -> None:
        book, problems = read_packs([("rules/XX.yaml", text)])
        assert book is None
        found = [(problem.file, problem.line, problem.column) for problem in problems]
        assert ("rules/XX.yaml", line, column) in found
        assert message in str(problems)

    def test_doubled_names(self) -> None:
        rule = "  - {rule: a, sure: S, authority: law, allowed: [number]}\n"
        book, problems = read_packs([("a.yaml", PACK + "senders:\n" + rule + rule), ("b.yaml", PACK)])
        assert book is None
        assert [problem.message for problem in problems] == [
            "a rule 'a' is already given above",
            "'XX' is already in a.yaml",
            "'XX' is already in a.yaml",
        ]

    def test_all_files_are_told_of(self) -> None:
        _, problems = read_packs([("a.yaml", "x: 1"), ("b.yaml", "[")])
        assert {problem.file for problem in problems} == {"a.yaml", "b.yaml"}


def test_windows_name_their_widest(book: RuleBook) -> None:
    for name in book.packs:
        for ruled in book.all_rules(name):
            if isinstance(ruled.rule, WindowRule) and ruled.rule.widest:
                assert covers(ruled.rule.widest_windows(), ruled.rule.windows())


WORDS = {
    "CN": ("是", "不"),
    "US": ("yes", "no"),
    "GB": ("yes", "no"),
    "CA": ("oui", "non"),
    "FR": ("oui", "non"),
    "DE": ("ja", "nein"),
    "ES": ("sí", "no"),
    "PT": ("sim", "não"),
    "AU": ("yes", "no"),
    "IN": ("yes", "no"),
    "SG": ("yes", "no"),
    "BR": ("yes", "no"),
}


def readings(book: RuleBook, country: str) -> ReplyWords:
    return ReplyWords(word_rules(book.rules(country, "", "promotional").of(ReplyRule, NOON)))


def test_every_pack_has_words_to_agree_and_to_refuse_and_all_of_them_are_unsure(book: RuleBook) -> None:
    for country, (yes, no) in WORDS.items():
        words = readings(book, country)
        for text, kind in ((yes, ReplyClass.CONFIRM), ("Y", ReplyClass.CONFIRM), (no, ReplyClass.REFUSE)):
            found = words.read(text)
            assert found is not None, (country, text)
            assert found.kind is kind, (country, text)
        for rule, _ in book.rules(country, "", "promotional").of(ReplyRule, NOON):
            assert rule.kind not in ("confirm", "refuse") or not rule.enforced


def test_one_letter_opts_out_only_in_china(book: RuleBook) -> None:
    countries = {country for placed in book.packs.values() for country in placed.pack.countries}
    letters = {
        country: {
            letter
            for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
            if (found := readings(book, country).read(letter)) is not None
            and found.kind is ReplyClass.OPT_OUT
        }
        for country in (countries - {"*"}) | {"BR"}
    }
    assert letters.pop("CN") == {"R", "T", "N"}
    assert not any(letters.values()), letters
