"""The machine of orders sees what it is there for: the gateway is broken in one place after the other, and
each time the machine sees an offer leave that should not have, in an order of its own rules that is harmless
to a gateway that is whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from people_house import SHOP
from people_machine import HANDSETS, LEGAL, NEWS, RIVAL, Offers

from gateway.filters import consent
from gateway.filters.capped import Capped
from gateway.filters.chain import ALLOWED
from gateway.filters.consent import ConsentEvent, ConsentState, EventKind
from gateway.filters.consented import Consented
from gateway.filters.consents import Consents
from gateway.filters.known import CONSENTS
from gateway.filters.quiet import Quiet
from gateway.filters.suppressed import Suppressed
from gateway.relay import hearing
from gateway.relay.batch import Batch
from gateway.relay.feeds import Feeds
from gateway.relay.hearing import Hearing
from gateway.relay.judging import Judging
from gateway.relay.people import People
from gateway.relay.replies import Replies
from gateway.relay.sweep import Sweep

Patch = pytest.MonkeyPatch
Breaks = Callable[[Patch], None]
Order = Callable[[Offers], object]
ONE, TWO = HANDSETS
MUTATIONS: list[tuple[Breaks, Order]] = []


def mutation(order: Order) -> Callable[[Breaks], Breaks]:
    """A way to break the gateway, and the order of events that shows it."""

    def decorate(breaks: Breaks) -> Breaks:
        MUTATIONS.append((breaks, order))
        return breaks

    return decorate


@mutation(lambda offers: offers.hold_up(ONE, SHOP, 20, ["withdraw"]))
def what_waits_for_a_carrier_is_not_asked_about_again(patch: Patch) -> None:
    patch.setattr(Judging, "may_leave", lambda self, entry, now: True)


def obey_later(patch: Patch) -> None:
    """An opt-out is obeyed in a batch of its own, after the one that it came in."""
    obey = Hearing._opt_out

    def later(self: Hearing, heard: Any, reading: Any, batch: Batch) -> None:
        def late() -> None:
            own = Batch()
            obey(self, heard, reading, own)
            self.speaker.dispatch.committer.commit(own, must=True)

        batch.after.append(late)

    patch.setattr(Hearing, "_opt_out", later)


@mutation(lambda offers: (offers.stop_and_crash(ONE, SHOP, True), offers.submit(ONE, SHOP, 1)))
def an_opt_out_is_answered_before_it_is_on_disk(patch: Patch) -> None:
    obey_later(patch)


@mutation(lambda offers: offers.stop_and_submit_at_once(ONE, SHOP, True))
def an_opt_out_is_heeded_only_when_it_is_on_disk(patch: Patch) -> None:
    obey_later(patch)
    patch.setattr(Judging, "may_leave", lambda self, entry, now: True)


@mutation(lambda offers: offers.over_a_restart(ONE, SHOP, "list", False))
def a_restart_forgets_the_lists(patch: Patch) -> None:
    async def nothing(self: People) -> None:
        """Load none."""

    patch.setattr(People, "_load_suppressions", nothing)


@mutation(lambda offers: offers.over_a_restart(ONE, SHOP, "withdraw", False))
def a_restart_forgets_what_was_withdrawn(patch: Patch) -> None:
    async def grants_alone(self: People) -> None:
        take = Consents.take
        with pytest.MonkeyPatch.context() as within:
            grants = lambda of, scope, number, kind, *more: (  # noqa: E731
                kind in consent.GRANTS and take(of, scope, number, kind, *more)
            )
            within.setattr(Consents, "take", grants)
            await load(self)

    load = People.load_consents
    patch.setattr(People, "load_consents", grants_alone)


@mutation(lambda offers: offers.order(ONE, SHOP, ["list", "start"]))
def start_lifts_the_list_of_a_court(patch: Patch) -> None:
    obey = Hearing._opt_in

    def more(self: Hearing, heard: Any, reading: Any, batch: Batch) -> bool:
        self.people.known.suppressions.discard(LEGAL, heard.digits)
        return obey(self, heard, reading, batch)

    patch.setattr(Hearing, "_opt_in", more)


@mutation(lambda offers: offers.lapse(ONE, SHOP))
def an_import_forgets_when_a_consent_ends(patch: Patch) -> None:
    take = Consents.take

    def endless(self: Consents, scope: int, number: str, kind: EventKind, at: int, *more: int) -> None:
        until, mark = more
        take(self, scope, number, kind, at, consent.NEVER if kind is EventKind.IMPORTED else until, mark)

    patch.setattr(Consents, "take", endless)


@mutation(lambda offers: offers.lapse(ONE, SHOP))
def a_consent_that_has_expired_is_honoured(patch: Patch) -> None:
    status = ConsentState.status
    patch.setattr(ConsentState, "status", lambda self, now: status(self, min(now, self.granted_at)))


@mutation(lambda offers: offers.submit(ONE, NEWS, 1))
def the_program_is_ignored(patch: Patch) -> None:
    state = Consents.state
    patch.setattr(
        Consents,
        "state",
        lambda self, tenant, program, category, number: state(self, tenant, "offers", category, number),
    )


@mutation(lambda offers: offers.submit(TWO, RIVAL, 1))
def the_consent_of_one_tenant_serves_another(patch: Patch) -> None:
    state = Consents.state
    patch.setattr(
        Consents,
        "state",
        lambda self, tenant, program, category, number: state(self, "Shop", program, category, number),
    )


@mutation(lambda offers: offers.order(ONE, SHOP, ["withdraw"]))
def no_consent_is_asked_for(patch: Patch) -> None:
    patch.setattr(Consented, "judge", lambda self, message, now: None)


@mutation(lambda offers: offers.order(ONE, SHOP, ["list"]))
def lists_are_not_looked_at(patch: Patch) -> None:
    patch.setattr(Suppressed, "judge", lambda self, message, now: None)


@mutation(lambda offers: offers.night(ONE, SHOP, False, []))
def the_night_is_as_the_day(patch: Patch) -> None:
    patch.setattr(Quiet, "judge", lambda self, message, now: None)


@mutation(lambda offers: offers.night(ONE, SHOP, False, ["withdraw"]))
def what_was_deferred_is_not_judged_again(patch: Patch) -> None:
    patch.setattr(Sweep, "_release", lambda self, entry, batch: self.judging.settle(entry, ALLOWED, batch))


@mutation(lambda offers: offers.order(ONE, SHOP, ["withdraw", "late grant"]))
def an_older_import_restores_what_was_withdrawn(patch: Patch) -> None:
    apply = Consents.apply

    def now(self: Consents, event: ConsentEvent) -> None:
        grants = event.kind in consent.GRANTS
        apply(self, replace(event, occurred_at=event.recorded_at, expires_at=None) if grants else event)

    patch.setattr(Consents, "apply", now)


@mutation(lambda offers: offers.stop_in_parts(ONE, SHOP, True, []))
def the_parts_of_a_reply_are_read_one_by_one(patch: Patch) -> None:
    take = Replies.take

    def apart(self: Replies, carrier: Any, pdu: Any, batch: Batch) -> None:
        take(self, carrier, pdu._replace(esm_class=0, short_message=pdu.short_message[6:]), batch)

    patch.setattr(Replies, "take", apart)


@mutation(lambda offers: offers.stop_in_parts(ONE, SHOP, False, ["restart"]))
def a_restart_forgets_the_parts_of_a_reply(patch: Patch) -> None:
    patch.setattr(Replies, "restore", lambda self, row, batch: None)


@mutation(lambda offers: offers.order(ONE, SHOP, ["court"]))
def a_list_that_was_refreshed_is_not_put_in_force(patch: Patch) -> None:
    patch.setattr(Feeds, "_put", lambda self: [])


@mutation(lambda offers: offers.night_in_which_a_consent_ends(ONE, SHOP, 5))
def a_consent_that_ended_in_the_night_is_honoured_in_the_morning(patch: Patch) -> None:
    status = ConsentState.status
    patch.setattr(ConsentState, "status", lambda self, now: status(self, min(now, self.expires_at - 1)))


@mutation(lambda offers: offers.while_it_learns(ONE, SHOP, ["withdraw"]))
def what_is_not_known_yet_lets_offers_pass(patch: Patch) -> None:
    state = ConsentState(granted_at=1, expires_at=consent.NEVER, granted_on=1)
    judge = Consented.judge

    def trusting(self: Consented, message: Any, now: float) -> Any:
        if CONSENTS not in self.known.loading:
            return judge(self, message, now)
        with pytest.MonkeyPatch.context() as within:
            within.setattr(self.known, "loading", set())
            within.setattr(Consents, "state", lambda self, *of: state)
            return judge(self, message, now)

    patch.setattr(Consented, "judge", trusting)
    patch.setattr(Capped, "judge", lambda self, message, now: None)


@mutation(lambda offers: offers.submit_twice(ONE, SHOP))
def nothing_is_counted(patch: Patch) -> None:
    patch.setattr(Capped, "judge", lambda self, message, now: None)


@mutation(lambda offers: offers.lapse(ONE, SHOP))
def start_gives_a_consent_for_ever(patch: Patch) -> None:
    record = Hearing._event
    patch.setattr(Hearing, "_event", lambda self, *args, **more: record(self, *args[:6], **more))


@mutation(lambda offers: offers.order(ONE, SHOP, ["withdraw", "stop", "start"]))
def start_gives_back_what_was_withdrawn_otherwise(patch: Patch) -> None:
    patch.setattr(hearing, "lifted_basis", lambda state, now: state.basis)


@pytest.mark.parametrize(
    ("breaks", "order"), MUTATIONS, ids=lambda each: each.__name__.replace("<lambda>", "")
)
def test_a_gateway_that_is_broken_is_found_out(breaks: Breaks, order: Order, monkeypatch: Patch) -> None:
    offers = Offers()
    try:
        offers.begin()
        order(offers)
        offers.nothing_forbidden_has_left()
    finally:
        offers.teardown()
    breaks(monkeypatch)
    try:
        offers = Offers()
        offers.begin()
        with pytest.raises(AssertionError, match="offer"):  # noqa: PT012
            order(offers)
            offers.nothing_forbidden_has_left()
    finally:
        offers.teardown()
