"""The record of edits of templates, on both databases: in order, and in force after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor

from gateway.filters.templates import Registries, Templates
from gateway.relay.batch import Committer, Outgoing
from gateway.relay.clocks import Clocks, monotonic
from gateway.relay.templating import TemplateWish, Templating
from gateway.relay.wording import Wording
from gateway.settings.content import Templates as Settings
from gateway.store.rows import StoreUnavailable
from gateway.store.templates import last_edits

NOW = 1_790_000_000.0
PUT = TemplateWish("put", "Shop", "late", {"text": "late {n:digits}", "state": "approved"})


def templating(store, directory: Path) -> Templating:
    """The templates of a node that has just started, with one file."""
    (directory / "shop.yaml").write_text(
        "tenant: Shop\ntemplates: [{name: code, text: 'code {n:digits}'}]\n", "utf-8"
    )
    clocks = Clocks(monotonic(reactor), lambda: NOW)
    made = Templating(Wording(store.ledger, Committer(store.journal, Outgoing()), reactor, clocks))
    made.adopt({"templates": Templates(Settings(), Registries.read(directory, {}))})
    return made


def states(made: Templating) -> dict[str, str]:
    assert made.registries is not None
    return {entry.template.name: entry.template.state for entry in made.registries.by_tenant["Shop"].entries}


@pytest_twisted.ensureDeferred
async def test_edits_are_in_force_again_after_a_restart(place, open_at, tmp_path):
    store = open_at(place.url)
    made = templating(store, tmp_path)
    await made.start()
    done = await made.edit([TemplateWish("pause", "Shop", "code", {}), PUT], "Ann", "a complaint")
    assert ([edit.id for edit in done.edits], done.refused) == ([1, 2], ())
    assert states(made) == {"code": "paused", "late": "approved"}
    await store.close()
    store = open_at(place.url)
    again = templating(store, tmp_path)
    assert states(again) == {"code": "approved"}
    await again.start()
    assert states(again) == {"code": "paused", "late": "approved"}
    done = await again.edit([TemplateWish("restore", "Shop", "late", {})], "Bob", "")
    assert [edit.id for edit in done.edits] == [3]
    assert states(again) == {"code": "paused"}
    rows = await store.ledger.read(last_edits, 10, "Shop", "late")
    assert [(row.id, row.action, row.made_by, row.made_at) for row in rows] == [
        (3, "restore", "Bob", int(NOW * 1000)),
        (2, "put", "Ann", int(NOW * 1000)),
    ]


@pytest_twisted.ensureDeferred
async def test_what_makes_no_sense_is_told_and_the_rest_is_made(open_here, tmp_path):
    store = open_here()
    made = templating(store, tmp_path)
    await made.start()
    wishes = [
        TemplateWish("pause", "Shop", "nowhere", {}),
        TemplateWish("restore", "Shop", "code", {}),
        TemplateWish("approve", "Shop", "code", {"text": "as it was"}),
        TemplateWish("put", "Shop", "bad", {"text": "{x"}),
        PUT,
        TemplateWish("pause", "Shop", "late", {}),
        TemplateWish("approve", "Shop", "late", {}),
    ]
    done = await made.edit(wishes, "Ann", "")
    assert [index for index, _ in done.refused] == [0, 1, 2, 3]
    assert "has no template 'nowhere'" in done.refused[0][1]
    assert "another text by now" in done.refused[2][1]
    assert states(made) == {"code": "approved", "late": "approved"}
    assert dict(made.counts) == {"put": 1, "pause": 1, "approve": 1}


@pytest_twisted.ensureDeferred
async def test_nothing_is_in_force_that_is_not_on_record(open_at, sqlite_place, tmp_path):
    store = open_at(sqlite_place.url)
    made = templating(store, tmp_path)
    await made.start()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await made.edit([PUT], "Ann", "")
    assert states(made) == {"code": "approved"}
