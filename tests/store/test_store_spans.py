"""A long stretch is read in spans, each message once, whatever the gaps between ids."""

import pytest
import pytest_twisted
from store_samples import NOW, changes, message

from gateway.store.rows import State
from gateway.store.spans import Stretch, spans


def read(connection, stretch, **options):
    return list(spans(connection, stretch, **options))


@pytest.mark.parametrize("youngest_first", [False, True])
@pytest_twisted.ensureDeferred
async def test_each_message_comes_once_in_order(open_here, youngest_first):
    store = open_here()
    there = [1, 2, 3, 7, 500, 100_000, 100_001]
    await store.journal.commit(
        changes(*(lambda batch, id=id: batch.insert(message(id)) for id in there)),
    )
    found = await store.ledger.read(read, Stretch(), youngest_first=youngest_first, step=2)
    assert [span.looked for span in found] == [2, 2, 2, 1]
    ids = [row.id for span in found for row in span.rows]
    assert ids == (there[::-1] if youngest_first else there)
    assert found[0].last_id == (100_000 if youngest_first else 2)
    assert found[0].last_at == NOW + found[0].last_id
    some = Stretch(after=2, before=100_001)
    found = await store.ledger.read(read, some, youngest_first=youngest_first, step=3)
    assert sorted(row.id for span in found for row in span.rows) == [3, 7, 500, 100_000]


@pytest_twisted.ensureDeferred
async def test_only_what_meets_all_conditions_comes(open_here):
    store = open_here()
    rows = [
        message(1),
        message(2, account="shop"),
        message(3, carrier="alpha", state=State.DELIVERED, deadline=None),
        message(4, error=88),
        message(5, category="otp"),
        message(6, accepted_at=NOW + 3),  # the clock was put back
    ]
    await store.journal.commit(changes(*(lambda batch, row=row: batch.insert(row) for row in rows)))
    for stretch, expected in (
        (Stretch(), [1, 2, 3, 4, 5, 6]),
        (Stretch(account="shop"), [2]),
        (Stretch(carrier="alpha", states=(State.DELIVERED,)), [3]),
        (Stretch(error=88), [4]),
        (Stretch(category="otp"), [5]),
        (Stretch(since=NOW + 3, until=NOW + 5), [3, 4, 6]),
        (Stretch(since=NOW + 99), []),
    ):
        found = await store.ledger.read(read, stretch)
        assert [row.id for span in found for row in span.rows] == expected
        assert [row.id for row in rows if stretch.takes(row)] == expected
