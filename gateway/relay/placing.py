"""Which carrier a message goes by now: the router's rule, what the carriers say of themselves, and what ties
a message to one of them.

Three things tie: the other segments of its text went by that carrier; its route keeps a recipient on one; or
the carrier's policy says that after what happened no other may have it (`Entry.only`). The first two hold
while the carrier is merely busy, the third always.
"""

from __future__ import annotations

import random
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.message import Message
from gateway.relay.book import Entry
from gateway.relay.carrier import Carrier, Slot
from gateway.relay.clocks import Clocks
from gateway.relay.counters import Counts
from gateway.relay.trail import Shadows, add_step
from gateway.routing.choosing import BUSY, Health, Pick, View
from gateway.routing.numbering import kind_of
from gateway.routing.quality import Quality
from gateway.routing.router import Router, Rule
from gateway.store.rows import State

if TYPE_CHECKING:
    from gateway.relay.canary import Canary

Detour = Callable[[Entry, Rule | None], Rule | None]
"""Of a message and its rule: the rule by which it goes instead."""

TEXTS = 20_000
"""Long texts whose carrier is remembered."""

USABLE = BUSY | {Health.READY, Health.SUSPECT}


class Placing:
    """The carriers by name, the router in force, and whose turn it is."""

    def __init__(self, clocks: Clocks) -> None:
        self.clocks = clocks
        self.carriers: dict[str, Carrier] = {}
        self.router = Router(())
        self.canary: Canary | None = None
        self.turns: Counter[str] = Counter()
        self.quality = Quality()
        self.counts: Counts[tuple[str, str, str]] = Counts()
        """Messages given to a carrier: by route, its mode, and carrier."""
        self.view = View(
            self.health,
            self._why,
            free=self._free,
            quality=self.quality.score,
            turn=self.turns.__getitem__,
            chance=random.random,
            now=clocks.wall,
        )
        self.detour: Detour | None = None
        """Leads messages elsewhere than their rule, while an admin wants that."""
        self._texts: OrderedDict[int, str] = OrderedDict()
        self._first: dict[str, Pick] = {}
        self._tied: dict[tuple[str, str, bool], Rule] = {}

    def router_of(self, message: Message) -> Router:
        """The router that decides for a message."""
        canary = self.canary
        return canary.router if canary is not None and canary.takes(message) else self.router

    def generation_of(self, message: Message, in_force: int) -> int:
        """The number of the generation that decides for a message."""
        canary = self.canary
        return canary.generation.number if canary is not None and canary.takes(message) else in_force

    def use(self, router: Router) -> None:
        """Go by another router."""
        self.router = router
        self._tied.clear()

    def rule(self, entry: Entry) -> Rule | None:
        """The rule for a message now; where something ties it, the rule of its lane for that carrier."""
        message = entry.message
        router = self.router if self.canary is None else self.router_of(message)
        rule = router.choose(message, self.clocks.wall())
        if self.detour is not None:
            rule = self.detour(entry, rule)
        return None if rule is None else self.tied(entry, rule)

    def tied(self, entry: Entry, rule: Rule) -> Rule:
        """A rule, or the same for one carrier alone where something ties the message to it."""
        if entry.only and entry.only in rule.carriers:
            return self._by(rule, entry.only, strict=True)
        if rule.by:
            return rule
        text = entry.message.segment_of
        if text is not None and (carrier := self._texts.get(text)) in rule.carriers:
            return self._by(rule, carrier or "", strict=False)
        if rule.choice.sticky:
            chooser = self.router_of(entry.message).chooser
            for name in chooser.order(rule.choice, entry.message.destination, self.view):
                if self.health(name) in USABLE:
                    return self._by(rule, name, strict=False)
        return rule

    def _by(self, rule: Rule, carrier: str, *, strict: bool) -> Rule:
        if rule.by == carrier and rule.strict is strict:
            return rule
        key = rule.lane, carrier, strict
        tied = self._tied.get(key)
        if tied is None:
            tied = self._tied[key] = rule.for_one(carrier, strict)
        return tied

    def reserve(self, entry: Entry, rule: Rule) -> tuple[Pick, Slot | None]:
        """Who takes a message now, and a slot of theirs."""
        at_once = self._at_once(entry, rule)
        if at_once is not None:
            return at_once
        pick = self._pick(entry, rule)
        slot = self.carriers[pick.carrier].reserve() if pick.carrier else None
        if slot is not None:
            assert pick.carrier
            for choice in rule.choice.turning:
                if pick.carrier in choice.reached:
                    self.turns[choice.name] += 1
            if entry.message.segment_of is not None:
                self._remember(entry.message.segment_of, pick.carrier)
        return pick, slot

    def _at_once(self, entry: Entry, rule: Rule) -> tuple[Pick, Slot] | None:
        """The first carrier and a slot of it, if neither the rule nor the carrier has anything to weigh."""
        message = entry.message
        if not rule.choice.plain or rule.by or entry.refused_by or message.segment_of is not None:
            return None
        router = self.router if self.canary is None else self.router_of(message)
        if router.chooser.priced:
            return None
        name = rule.choice.reached[0]
        carrier = self.carriers.get(name)
        slot = None if carrier is None else carrier.at_once()
        if slot is None:
            return None
        pick = self._first.get(name)
        if pick is None:
            pick = self._first[name] = Pick(name)
        return pick, slot

    def shadows(self, entry: Entry, rule: Rule) -> Shadows:
        """By which carriers rules in shadow would have sent a message that goes by a rule now."""
        message = entry.message
        router = self.router_of(message)
        if not router.has_shadows:
            return ()
        found = router.shadowed(message, self.clocks.wall(), rule)
        pick = router.chooser.pick
        return tuple(
            (each.name, pick(each.choice, message.destination, self.view).carrier or "") for each in found
        )

    def given(self, entry: Entry, rule: Rule, pick: Pick, in_force: int) -> None:
        """A message is given to a carrier: counted by its rule, and by those in shadow, and on its trail."""
        router, generation = self.router, in_force
        if self.canary is not None:
            router, generation = self.router_of(entry.message), self.generation_of(entry.message, in_force)
        shadows = self.shadows(entry, rule) if router.has_shadows else ()
        self.counts[rule.name, "enforce", pick.carrier or ""] += 1
        for name, carrier in shadows:
            self.counts[name, "shadow", carrier] += 1
        add_step(entry, generation, rule.name, pick, shadows)

    def _pick(self, entry: Entry, rule: Rule) -> Pick:
        chooser, digits = self.router_of(entry.message).chooser, entry.message.destination
        if rule.by:
            health = self.health(rule.by)
            if health in (Health.READY, Health.SUSPECT):
                return Pick(rule.by, (), chooser.price(rule.by, digits, self.clocks.wall()))
            if rule.strict or health in BUSY:
                return Pick(None, ((rule.by, self._why(rule.by, health)),))
        return chooser.pick(rule.choice, digits, self.view, entry.refused_by)

    def _remember(self, text: int, carrier: str) -> None:
        self._texts[text] = carrier
        if len(self._texts) > TEXTS:
            self._texts.popitem(last=False)

    def ended(self, entry: Entry) -> None:
        """A message has reached its end: it counts for the quality of its carrier, where a route goes by
        that.
        """
        router = self.router if self.canary is None else self.router_of(entry.message)
        if not router.chooser.by_quality or entry.carrier is None or entry.sent_at is None:
            return
        if entry.state in (State.DELIVERED, State.UNDELIVERABLE, State.EXPIRED, State.REJECTED):
            seconds = ((entry.done_at or entry.sent_at) - entry.sent_at) / 1000
            country = kind_of(entry.message.destination).country
            self.quality.ended(entry.carrier, country, entry.state is State.DELIVERED, seconds)

    def health(self, name: str) -> Health:
        """The health of a carrier, as a choice asks for it."""
        carrier = self.carriers.get(name)
        return Health.DOWN if carrier is None else carrier.health()

    def _why(self, name: str, health: Health) -> str:
        carrier = self.carriers.get(name)
        word: str = health.value
        return word if carrier is None else carrier.why(health)

    def _free(self, name: str) -> float:
        carrier = self.carriers.get(name)
        return 0.0 if carrier is None else carrier.free_share()
