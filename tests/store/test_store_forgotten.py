"""Lines of ledgers and records of acts that say nothing any more: which may go, and which are on record."""

import json

import pytest_twisted
from store_samples import NOW, changes

from gateway.settings.keys import new_keyring
from gateway.store import audit
from gateway.store.forgotten import FORGET_LINES, detail, forgotten, old_consents, old_records
from gateway.store.vault import Vault

PERSON = "8619912340001"


def lines(batch):
    """Two ledgers of three lines each, recorded at 10, 20 and 30."""
    for tenant in ("Bank", "Shop"):
        for position in (1, 2, 3):
            event = json.dumps({"at": position})
            row = (tenant, position, position * 10, b"c", b"h", bytes(16), PERSON, event)
            batch.add("consent", row)


def acts(*names):
    """Records of acts, a second after each other."""

    def add(batch):
        head = audit.GENESIS
        for index, act in enumerate(names):
            row = audit.extend(head, NOW + index * 1000, act, None, {"detail": "{}"})
            head = audit.Head(row.position, row.hash)
            batch.add("audit", tuple(row))

    return add


@pytest_twisted.ensureDeferred
async def test_lines_that_are_old_and_still_say_something(open_here):
    store = open_here(vault=Vault(new_keyring()))
    empty = (None, None, None, "Bank", 2)
    await store.journal.commit(changes(lines, lambda batch: batch.add("amend_consent", empty)))
    found = await store.ledger.read(old_consents, ("", 0), 30, 10)
    assert [(row.tenant, row.position) for row in found] == [("Bank", 1), ("Shop", 1), ("Shop", 2)]
    assert {row.number for row in found} == {PERSON}
    assert json.loads(found[0].event) == {"at": 1}
    (last,) = await store.ledger.read(old_consents, ("Shop", 1), 30, 1)
    assert (last.tenant, last.position) == ("Shop", 2)
    assert await store.ledger.read(old_consents, ("", 0), 10, 10) == []


@pytest_twisted.ensureDeferred
async def test_records_that_may_go_are_not_those_by_which_others_are_verified(open_here):
    store = open_here(vault=Vault(new_keyring()))
    names = (
        "reload",
        "attest",
        FORGET_LINES,
        "erase messages",
        "purge messages",
        "unmask",
        "purge",
        "reload",
    )
    await store.journal.commit(changes(acts(*names)))
    await store.journal.commit(changes(lambda batch: batch.add("amend_audit", (None, None, None, 1))))
    assert await store.ledger.read(old_records, 0, NOW + 6500, 10) == [6, 7]
    assert await store.ledger.read(old_records, 6, NOW + 6500, 10) == [7]


@pytest_twisted.ensureDeferred
async def test_what_was_emptied_is_told_by_all_records_together(open_here):
    store = open_here(vault=Vault(new_keyring()))
    said = (detail({"Shop": [1, 2, 3, 7]}, ()), detail({"Shop": [9], "Bank": [1]}, [5, 6]))

    def add(batch):
        head = audit.GENESIS
        for each in said:
            row = audit.extend(head, NOW, FORGET_LINES, None, {"detail": each})
            head = audit.Head(row.position, row.hash)
            batch.add("audit", tuple(row))

    await store.journal.commit(changes(add))
    assert json.loads(said[0]) == {"consents": {"Shop": [[1, 3], [7, 7]]}, "records": []}
    assert await store.ledger.read(forgotten) == ({"Shop": {1, 2, 3, 7, 9}, "Bank": {1}}, {5, 6})
