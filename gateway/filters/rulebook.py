"""The rules that hold for one recipient and one category, out of all packs, and what they say of the hour.

A book is built once for a generation, or once for each tenant that has hours of its own, and never changes;
it remembers what it has resolved. Not shared between threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple, TypeVar

from gateway.filters.calendars import Calendar, Day
from gateway.filters.packs import SECTIONS, CalendarRef, Pack, Rule, WindowRule
from gateway.filters.windows import Layer, Span, Window, WindowSet, intersect, merge, opening

ANY = "*"
R = TypeVar("R", bound=Rule)
Calendars = Mapping[tuple[str, str], Calendar]
"""By ISO country and region."""

TenantWindows = Mapping[str, tuple[Window, ...]]
"""Windows that a tenant sets for rules, by name of the rule (`US/texas`)."""


class Ruled(NamedTuple):
    """A rule, the pack it stands in, and its place as file:line."""

    rule: Rule
    pack: str
    place: str

    @property
    def name(self) -> str:
        """The rule as records call it: `US/texas`."""
        return f"{self.pack}/{self.rule.rule}"


class PlacedPack(NamedTuple):
    """A pack and the places of its rules, by section and index."""

    pack: Pack
    places: Mapping[tuple[str, int], str]

    def ruled(self) -> list[Ruled]:
        """All rules that stand in the pack."""
        return [
            Ruled(rule, self.pack.pack, self.places.get((section, index), ""))
            for section in SECTIONS
            for index, rule in enumerate(getattr(self.pack, section))
        ]


class Hours(NamedTuple):
    """What quiet hours say of a message.

    `opens` is the unix second from which it may be sent: now, later, or None when it cannot be sent in time.
    `closed` names the rules that keep it from being sent now. `doubtful`: with all rules it could not be sent
    in time, but those that stand against `opens` are unsure ones, so that it is to be sent then with a
    warning.
    """

    opens: float | None
    closed: tuple[Ruled, ...] = ()
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """All that holds for one category in one country and region."""

    pack: Pack | None
    rules: tuple[Ruled, ...] = ()
    hours: WindowSet | None = None
    """All window rules together; None when there are none."""
    sure_hours: WindowSet | None = None
    """Those among them that may refuse."""
    alone: tuple[tuple[Ruled, WindowSet], ...] = ()
    """Each window rule by itself, to tell which one is closed."""
    shadows: tuple[tuple[Ruled, WindowSet], ...] = ()
    """Each window rule in shadow; the others know nothing of it."""

    def of(self, kind: type[R], at: float) -> list[tuple[R, Ruled]]:
        """The rules of one kind in force on the UTC date of a unix second. Windows go by the recipient's
        date.
        """
        day = datetime.fromtimestamp(at, UTC).date()
        return [
            (ruled.rule, ruled)
            for ruled in self.rules
            if isinstance(ruled.rule, kind) and ruled.rule.holds(day)
        ]

    def when(self, zones: tuple[str, ...], now: float, deadline: float) -> Hours:
        """May a message to someone in `zones` be sent now, or when before its `deadline` (unix seconds)?

        Raises ValueError without a zone, unless no window rule holds.
        """
        if self.hours is None:
            return Hours(now)
        opens = opening(self.hours, zones, now)
        if opens == now:
            return Hours(now)
        closed = tuple(ruled for ruled, windows in self.alone if opening(windows, zones, now) != now)
        if opens is not None and opens < deadline:
            return Hours(opens, closed)
        sure = now if self.sure_hours is None else opening(self.sure_hours, zones, now)
        if sure is not None and sure < deadline:
            return Hours(sure, closed, doubtful=True)
        return Hours(None, closed)


class RuleBook:
    """All packs.

    `calendars` override the library's. `windows` are a tenant's, and must have been checked by
    `refused_windows`.
    """

    def __init__(
        self,
        packs: Iterable[PlacedPack],
        calendars: Calendars | None = None,
        windows: TenantWindows | None = None,
    ) -> None:
        self.packs = {placed.pack.pack: placed for placed in packs}
        self._by_country = {
            country: name for name, placed in self.packs.items() for country in placed.pack.countries
        }
        self._calendars = dict(calendars or {})
        self._made: dict[CalendarRef, Calendar] = {}
        self._windows = dict(windows or {})
        self._resolved: dict[tuple[str, str, str], Rules] = {}

    def for_tenant(self, windows: TenantWindows) -> RuleBook:
        """The book of a tenant with hours of its own."""
        return RuleBook(self.packs.values(), self._calendars, windows)

    def pack(self, country: str) -> Pack | None:
        """The pack for an ISO country, "" for none known; else the one for `*`, if there is one."""
        name = self._by_country.get(country) or self._by_country.get(ANY)
        return self.packs[name].pack if name else None

    def regions(self) -> dict[str, str]:
        """The prefixes of all packs and their regions, for numbers.Numbering."""
        return {
            prefix: region
            for placed in self.packs.values()
            for region, prefixes in placed.pack.area_codes.items()
            for prefix in prefixes
        }

    def zones(self, country: str, zones: tuple[str, ...]) -> tuple[str, ...]:
        """The zones of a number, or its pack's default when it tells none; () when nobody knows."""
        if zones:
            return zones
        pack = self.pack(country)
        return (pack.zone,) if pack and pack.zone else ()

    def calendars(self) -> list[Calendar]:
        """The calendars in use, to be loaded ahead and asked for gaps."""
        refs = {rule.calendar for placed in self.packs.values() for rule in placed.pack.windows}
        return [self._calendar(ref) for ref in refs if ref is not None]

    def gaps(self, today: date) -> list[str]:
        """What is not known yet of the days to come, for people to see to: no reason to stop."""
        return [
            f"rules: the working days that {calendar.country} swaps in {year} are not known yet: "
            "until they are, every weekend of that year counts as one"
            for calendar in self.calendars()
            for year in calendar.gaps(today)
        ]

    def rules(self, country: str, region: str, category: str) -> Rules:
        """What holds for a category of messages to a number of this country and region ("" for unknown)."""
        key = (country, region, category)
        found = self._resolved.get(key)
        if found is None:
            found = self._resolved[key] = self._resolve(*key)
        return found

    def all_rules(self, name: str) -> list[Ruled]:
        """The rules of a pack, with those of the pack it extends that it does not give anew."""
        placed = self.packs[name]
        own = placed.ruled()
        if placed.pack.extends is None:
            return own
        anew = {(type(ruled.rule), ruled.rule.rule) for ruled in own}
        inherited = self.all_rules(placed.pack.extends)
        return [ruled for ruled in inherited if (type(ruled.rule), ruled.rule.rule) not in anew] + own

    def refused_windows(self, windows: TenantWindows) -> dict[str, str]:
        """What of a tenant's windows is not allowed, and why, by name of the rule.

        A rule may be made tighter, and wider only as far as its `widest` goes.
        """
        rules = {
            ruled.name: ruled.rule
            for placed in self.packs.values()
            for ruled in placed.ruled()
            if isinstance(ruled.rule, WindowRule)
        }
        refused = {}
        for name, wanted in windows.items():
            rule = rules.get(name)
            if rule is None:
                refused[name] = f"no window rule is called '{name}'"
            elif not covers(rule.windows(), wanted) and not covers(rule.widest_windows(), wanted):
                wider = "than its `widest`" if rule.widest else "than it is"
                refused[name] = f"'{name}' may be made tighter, but not wider {wider}"
        return refused

    def _resolve(self, country: str, region: str, category: str) -> Rules:
        pack = self.pack(country)
        if pack is None:
            return Rules(None)
        rules = tuple(ruled for ruled in self.all_rules(pack.pack) if ruled.rule.concerns(region, category))
        layers = [
            (ruled, self._layer(ruled, ruled.rule)) for ruled in rules if isinstance(ruled.rule, WindowRule)
        ]
        shadows = [layer for layer in layers if layer[0].rule.shadow]
        layers = [layer for layer in layers if not layer[0].rule.shadow]
        sure = [layer for ruled, layer in layers if ruled.rule.enforced]
        return Rules(
            pack,
            rules,
            WindowSet(layer for _, layer in layers) if layers else None,
            WindowSet(sure) if sure else None,
            tuple((ruled, WindowSet([layer])) for ruled, layer in layers),
            tuple((ruled, WindowSet([layer])) for ruled, layer in shadows),
        )

    def _layer(self, ruled: Ruled, rule: WindowRule) -> Layer:
        calendar = self._calendar(rule.calendar) if rule.calendar else None
        return Layer(self._windows.get(ruled.name, rule.windows()), calendar, rule.since, rule.until)

    def _calendar(self, ref: CalendarRef) -> Calendar:
        known = self._calendars.get((ref.country, ref.region))
        if known is not None and not (ref.holidays or ref.workdays):
            return known
        if ref not in self._made:
            self._made[ref] = Calendar(ref.country, ref.region, ref.holidays, ref.workdays)
        return self._made[ref]


def covers(outer: tuple[Window, ...], inner: tuple[Window, ...]) -> bool:
    """Whether whatever `inner` opens, on every kind of day, `outer` opens too."""
    for day in Day:
        wanted = _open_from(inner, day)
        if intersect(wanted, _open_from(outer, day)) != wanted:
            return False
    return True


def _open_from(windows: tuple[Window, ...], day: Day) -> list[Span]:
    """The minutes from midnight of a kind of day on that its own windows open."""
    return merge([(start, end if end > start else end + 1440) for days, start, end in windows if day in days])
