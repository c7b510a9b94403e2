"""Carriers' codes that mean opted out, do not disturb, complaint: as shipped, and who may take them back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from people_house import HANDSET, PeopleHouse, words
from relay_house import carrier

from gateway.filters.suppression import REVERSIBLE_BY, ListKey, ListType, Scope
from gateway.relay.batch import Batch
from gateway.relay.people import NotYours
from gateway.settings.models import Generation
from gateway.store.rows import State

EXAMPLES = yaml.safe_load((Path(__file__).parents[2] / "examples" / "carrier-codes.yaml").read_text("utf-8"))
CODES = [
    (name, code, meaning)
    for name, each in EXAMPLES.items()
    for code, meaning in each["people"]["errors"].items()
]
LISTS = {
    "opted_out": (ListType.TENANT_OPTOUT, 901),
    "do_not_disturb": (ListType.CARRIER_DND, 903),
    "complaint": (ListType.REGULATOR_COMPLAINT, 902),
    "invalid": (ListType.INVALID, 902),
    "reassigned": (ListType.REASSIGNED, 905),
}


def with_codes(people: PeopleHouse, codes: dict[str, Any]) -> None:
    """The carrier's codes are these from now on."""
    fields = {name: getattr(people.settings, name) for name in people.settings.__slots__}
    people.reload(Generation(**{**fields, "number": 2, "carriers": {"alpha": carrier(people=codes)}}))


def refused(people: PeopleHouse, code: str) -> None:
    """The carrier says by receipt that an offer was not delivered."""
    people.consent()
    row = people.offer()
    assert row.state == State.SENT
    said = {"err": code} if code.isdigit() else {"stat": code}
    people.receipt(row.carrier_message_id, source=HANDSET, **{"stat": "UNDELIV", **said})


@pytest.mark.parametrize(("name", "code", "meaning"), CODES)
def test_the_examples_stop_what_follows(people: PeopleHouse, name: str, code: str, meaning: str) -> None:
    with_codes(people, EXAMPLES[name]["people"])
    refused(people, code)
    kind, error = LISTS[meaning]
    row = people.offer(text="【商店】again")
    assert (row.error, words(row)[0]) == (error, ("suppressed", "refuse", f"{kind} (carrier:alpha)"))
    people.restart(committed=True)
    assert people.offer(text="【商店】again").error == error


@pytest.mark.parametrize("meaning", LISTS)
def test_only_who_may_takes_it_back(people: PeopleHouse, meaning: str) -> None:
    with_codes(people, {"errors": {"777": meaning}})
    refused(people, "777")
    kind, error = LISTS[meaning]
    people.reply("恢复订阅")  # it was no reply that set it
    assert people.offer(text="【商店】again").error == error
    own = meaning in ("opted_out", "complaint")
    key = ListKey(kind, Scope("Shop") if own else Scope(), "carrier:alpha")
    assert people.protection.people.is_on(key, HANDSET)
    for who in ("person", "tenant", "carrier", "operator"):
        batch = Batch()
        if who not in REVERSIBLE_BY[kind]:
            with pytest.raises(NotYours):
                people.protection.people.lift(key, HANDSET, batch, by=who)
            assert batch.changes.empty
    batch = Batch()
    people.protection.people.lift(key, HANDSET, batch, by="operator")
    people.relay.committer.commit(batch, must=True)
    people.settle()
    assert people.offer(text="【商店】once more").state == State.SENT
    people.restart(committed=True)
    assert not people.protection.people.is_on(key, HANDSET)


def test_another_code_says_nothing_of_the_person(people: PeopleHouse) -> None:
    with_codes(people, EXAMPLES["huawei"]["people"])
    refused(people, "KEYWORD")
    assert people.offer(text="【商店】again").state == State.SENT
