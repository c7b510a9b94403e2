"""Consent: the state is a function of the ledger alone, whatever the order; the chain survives erasure."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.consent import (
    ENDS,
    GRANTS,
    NEVER,
    NOBODY,
    ConsentEvent,
    ConsentState,
    EventKind,
    Status,
    as_of,
    lifted_basis,
    may_ask,
    months_after,
    silence,
    state_of,
    suffices,
)
from gateway.filters.consentchain import (
    Form,
    Kept,
    Link,
    commit,
    extend,
    extend_all,
    genesis,
    text_of,
    verify,
)
from gateway.filters.consents import Consents
from gateway.filters.packs import Basis

NUMBER = "8619912340001"


def event(kind: EventKind, at: int, **fields: object) -> ConsentEvent:
    given_fields: dict[str, object] = {
        "tenant": "acme",
        "program": "offers",
        "category": "promotional",
        "number": NUMBER,
        "occurred_at": at,
        "recorded_at": at,
        "basis": "express" if kind in GRANTS else "",
        "expires_at": at + 100 if kind is EventKind.REQUESTED else None,
    }
    return ConsentEvent(kind=kind, **(given_fields | fields))  # type: ignore[arg-type]


def joined(*events: ConsentEvent) -> ConsentState:
    state = NOBODY
    for each in events:
        state = state.join(state_of(each))
    return state


REQUESTED, GRANTED, CONFIRMED, IMPORTED, REVOKED, EXPIRED, REASSIGNED, ERASED, EVIDENCE = EventKind


class TestStates:
    @pytest.mark.parametrize(
        ("events", "now", "status"),
        [
            ([], 10, Status.NONE),
            ([event(EVIDENCE, 5)], 10, Status.NONE),
            ([event(GRANTED, 5)], 10, Status.GRANTED),
            ([event(IMPORTED, 5, expires_at=10)], 9, Status.GRANTED),
            ([event(IMPORTED, 5, expires_at=10)], 10, Status.EXPIRED),
            ([event(GRANTED, 5), event(REVOKED, 6)], 10, Status.ENDED),
            ([event(GRANTED, 5), event(REVOKED, 5)], 10, Status.ENDED),
            ([event(REVOKED, 5), event(GRANTED, 6)], 10, Status.GRANTED),
            ([event(REVOKED, 6), event(IMPORTED, 5, recorded_at=9)], 10, Status.ENDED),
            ([event(GRANTED, 5), event(REASSIGNED, 6)], 10, Status.ENDED),
            ([event(GRANTED, 5), event(ERASED, 6)], 10, Status.ENDED),
            ([event(REQUESTED, 5)], 104, Status.PENDING),
            ([event(REQUESTED, 5)], 105, Status.SILENT),
            ([event(REQUESTED, 5), event(EXPIRED, 50)], 60, Status.SILENT),
            ([event(REQUESTED, 5), event(CONFIRMED, 50)], 60, Status.GRANTED),
            ([event(GRANTED, 5), event(REQUESTED, 6)], 10, Status.GRANTED),
            ([event(REVOKED, 5), event(REQUESTED, 6)], 10, Status.PENDING),
        ],
    )
    def test_status(self, events: list[ConsentEvent], now: int, status: Status) -> None:
        assert joined(*events).status(now) is status

    @pytest.mark.parametrize(
        "fields",
        [
            {"number": "+86"},
            {"occurred_at": 11, "recorded_at": 10},
            {"basis": "because"},
            {"basis": ""},
            {"expires_at": 5},
        ],
    )
    def test_what_cannot_be_is_no_event(self, fields: dict[str, object]) -> None:
        with pytest.raises(ValueError, match="."):  # noqa: RUF043
            event(GRANTED, 10, **fields)
        with pytest.raises(ValueError, match="answer is awaited"):
            event(REQUESTED, 10, expires_at=None)


class TestWhatAPackAsks:
    EXPRESS: dict[Basis, int | None] = {"express": None, "implied_purchase": 24}  # noqa: RUF012

    def test_bases_proof_and_months(self) -> None:
        bought = int(datetime(2024, 2, 29, 12, tzinfo=UTC).timestamp())
        ends = int(datetime(2026, 2, 28, 12, tzinfo=UTC).timestamp())
        implied = state_of(event(IMPORTED, bought, basis="implied_purchase"))
        assert suffices(implied, ends - 1, self.EXPRESS, proof=False) == (True, "")
        assert suffices(implied, ends, self.EXPRESS, proof=False) == (False, "expired")
        assert suffices(implied, ends - 1, self.EXPRESS, proof=True) == (False, "proof")
        soft = state_of(event(GRANTED, 5, basis="soft_opt_in"))
        assert suffices(soft, 10, self.EXPRESS, proof=False) == (False, "basis")
        proven = state_of(event(GRANTED, 5, evidence="mo:77"))
        assert suffices(proven, 10, self.EXPRESS, proof=True) == (True, "")
        assert suffices(NOBODY, 10, self.EXPRESS, proof=False) == (False, "none")

    def test_months(self) -> None:
        january = int(datetime(2026, 1, 31, tzinfo=UTC).timestamp())
        assert months_after(january, 1) == int(datetime(2026, 2, 28, tzinfo=UTC).timestamp())
        assert months_after(january, 25) == int(datetime(2028, 2, 29, tzinfo=UTC).timestamp())
        assert months_after(january, 12) == int(datetime(2027, 1, 31, tzinfo=UTC).timestamp())


class TestDoubleOptIn:
    def test_asked_once_confirmed_or_silent(self) -> None:
        assert may_ask(NOBODY, 4, may_ask_again=False)
        asked = state_of(event(REQUESTED, 5))
        assert not may_ask(asked, 50, may_ask_again=True)
        assert not silence(asked, 104)
        assert silence(asked, 105)
        silent = asked.join(state_of(event(EXPIRED, 105)))
        assert not silence(silent, 106)
        assert not may_ask(silent, 106, may_ask_again=False)
        assert may_ask(silent, 106, may_ask_again=True)

    def test_nobody_is_asked_after_an_opt_out(self) -> None:
        for events in ([event(REVOKED, 5)], [event(REVOKED, 5), event(REQUESTED, 6)]):
            assert not may_ask(joined(*events), 500, may_ask_again=True)


class TestOptIn:
    def test_a_word_lifts_only_what_a_word_set(self) -> None:
        granted = event(GRANTED, 5, basis="soft_opt_in")
        by_word, by_clerk = event(REVOKED, 6, method="keyword"), event(REVOKED, 6, method="web")
        assert lifted_basis(joined(granted, by_word), 10) == "soft_opt_in"
        assert lifted_basis(joined(granted, by_clerk), 10) is None
        assert lifted_basis(joined(granted, by_word, event(REASSIGNED, 7, method="keyword")), 10) is None
        assert lifted_basis(joined(by_word), 10) is None
        assert lifted_basis(joined(granted), 10) is None


def test_wider_scopes_concern_the_narrower() -> None:
    consents = Consents()
    consents.apply(event(GRANTED, 5))
    consents.apply(event(REVOKED, 6, program="", category=""))
    assert consents.state("acme", "offers", "promotional", NUMBER).status(10) is Status.ENDED
    assert consents.state("acme", "news", "promotional", NUMBER).status(10) is Status.ENDED
    assert consents.state("other", "offers", "promotional", NUMBER) == NOBODY


def test_what_the_ledger_knew_on_a_day() -> None:
    events = [event(GRANTED, 5), event(REVOKED, 6, recorded_at=20)]
    assert as_of(events, "acme", "offers", "promotional", NUMBER, 4) == NOBODY
    assert as_of(events, "acme", "offers", "promotional", NUMBER, 10).status(10) is Status.GRANTED
    assert as_of(events, "acme", "offers", "promotional", NUMBER, 20).status(20) is Status.ENDED


MOMENTS = st.integers(1, 12)


@st.composite
def any_event(draw: st.DrawFn) -> ConsentEvent:
    kind, at = draw(st.sampled_from(EventKind)), draw(MOMENTS)
    needs_end = kind is EventKind.REQUESTED or draw(st.booleans())
    return event(
        kind,
        at,
        program=draw(st.sampled_from(["offers", "", "news"])),
        category=draw(st.sampled_from(["promotional", ""])),
        recorded_at=at + draw(st.integers(0, 5)),
        expires_at=at + draw(st.integers(1, 5)) if needs_end else None,
        method=draw(st.sampled_from(["keyword", "web"])),
        evidence=draw(st.sampled_from(["", "mo:1"])),
        basis=draw(st.sampled_from(["express", "soft_opt_in"])),
    )


LEDGERS = st.lists(any_event(), max_size=12)


def forbidden(ledger: list[ConsentEvent], now: int) -> bool:
    """The definition, read line by line: the last grant that no later or simultaneous end follows is what
    counts.
    """
    concerned = [line for line in ledger if line.program in ("offers", "")]
    grants = [line for line in concerned if line.kind in GRANTS]
    last = max((line.occurred_at for line in grants), default=None)
    if last is None or any(line.kind in ENDS and line.occurred_at >= last for line in concerned):
        return True
    return all(now >= (line.expires_at or NEVER) for line in grants if line.occurred_at == last)


@given(LEDGERS, st.randoms(use_true_random=False), st.integers(1, 20))
def test_no_order_of_events_lets_state_and_ledger_disagree(
    ledger: list[ConsentEvent], random: Random, now: int
) -> None:
    incremental = Consents()
    arrived = ledger + ledger[: len(ledger) // 2]
    random.shuffle(arrived)
    for line in arrived:
        incremental.apply(line)
    rebuilt = Consents()
    assert list(rebuilt.rebuild(ledger))[-1] == len(ledger)
    state = incremental.state("acme", "offers", "promotional", NUMBER)
    assert state == rebuilt.state("acme", "offers", "promotional", NUMBER)
    assert state == as_of(ledger, "acme", "offers", "promotional", NUMBER, 100)
    assert (state.status(now) is Status.GRANTED) == (not forbidden(ledger, now))
    in_force = incremental.grant("acme", "offers", "promotional", NUMBER, now)
    assert (in_force is None) == forbidden(ledger, now)
    assert in_force is None or in_force == (state.granted_at, state.granted_on)


@given(LEDGERS, LEDGERS, LEDGERS)
def test_states_join_as_a_semilattice(
    one: list[ConsentEvent], two: list[ConsentEvent], three: list[ConsentEvent]
) -> None:
    a, b, c = joined(*one), joined(*two), joined(*three)
    assert a.join(b) == b.join(a)
    assert a.join(b).join(c) == a.join(b.join(c))
    assert a.join(a) == a


class TestChain:
    @staticmethod
    def kept(ledger: list[ConsentEvent]) -> list[Kept]:
        last, lines = genesis("acme"), []
        for index, line in enumerate(ledger):
            salt = index.to_bytes(16, "big")
            last = extend(last, line, salt)
            lines.append(Kept(last, line, salt))
        return lines

    @given(LEDGERS, st.sets(st.integers(0, 11)))
    def test_erasing_does_not_break_it(self, ledger: list[ConsentEvent], erased: set[int]) -> None:
        lines = self.kept(ledger)
        for index in erased & set(range(len(lines))):
            lines[index] = Kept(lines[index].link, None, None)
        head = lines[-1].link if lines else genesis("acme")
        assert list(verify(lines, genesis("acme"), head)) == []

    @given(LEDGERS.filter(lambda ledger: len(ledger) > 2), st.data())
    def test_no_tampering_stays_unseen(self, ledger: list[ConsentEvent], data: st.DataObject) -> None:
        lines = self.kept(ledger)
        head = lines[-1].link
        index = data.draw(st.integers(0, len(lines) - 2))
        link, held, salt = lines[index]
        assert held is not None
        assert salt is not None
        how = data.draw(st.sampled_from(["drop", "swap", "change", "recommit", "half", "truncate"]))
        if how == "drop":
            del lines[index]
        elif how == "swap":
            lines[index], lines[index + 1] = lines[index + 1], lines[index]
        elif how == "change":
            lines[index] = Kept(link, replace(held, actor="mallory"), salt)
        elif how == "recommit":
            forged = replace(held, actor="mallory")
            lines[index] = Kept(link._replace(commitment=commit(text_of(forged), salt)), forged, salt)
        elif how == "half":
            lines[index] = Kept(link, held, None)
        else:
            del lines[index + 1 :]
        assert list(verify(lines, genesis("acme"), head))

    def test_tenants_have_chains_of_their_own(self) -> None:
        lines = self.kept([event(GRANTED, 5)])
        assert [flaw.position for flaw in verify(lines, genesis("other"))] == [1]

    def test_the_octets_committed_to_never_change(self) -> None:
        said = replace(event(GRANTED, 5), evidence="表 1")
        written = json.dumps(asdict(said), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        assert text_of(said) == written

    @given(any_event(), st.text(), st.integers(1, 10))
    def test_a_form_makes_the_same_octets(self, said: ConsentEvent, evidence: str, later: int) -> None:
        recorded_at = said.recorded_at + later
        other = replace(said, number="8613800000001", evidence=evidence, recorded_at=recorded_at)
        moments = other.occurred_at, other.expires_at
        assert Form(said).text(other.number, *moments, evidence, recorded_at) == text_of(other)

    @given(LEDGERS)
    def test_many_at_once_are_chained_as_one_after_the_other(self, ledger: list[ConsentEvent]) -> None:
        now = 100
        lines = self.kept([replace(line, recorded_at=now) for line in ledger])
        texts = [text_of(line.event) for line in lines if line.event is not None]
        salts = [line.salt for line in lines if line.salt is not None]
        assert extend_all(genesis("acme"), now, texts, salts) == [line.link for line in lines]

    def test_a_commitment_tells_nothing_without_its_salt(self) -> None:
        granted = event(GRANTED, 5)
        assert commit(text_of(granted), bytes(16)) != commit(text_of(granted), b"\x01" * 16)
        with pytest.raises(ValueError, match="16 octets"):
            commit(text_of(granted), b"short")

    def test_it_goes_on_from_a_trusted_link(self) -> None:
        lines = self.kept([event(GRANTED, moment) for moment in range(1, 10)])
        assert list(verify(lines[5:], lines[4].link)) == []
        assert isinstance(lines[4].link, Link)
