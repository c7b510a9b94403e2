"""A store is copied while it is written, and put back without sending anything a second time."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from control_node import FILES
from twisted.internet import reactor

from gateway import app
from gateway.copies import AHEAD, CannotCopy, back_up, database_of, put_back
from gateway.relay.clocks import Clocks
from gateway.settings.files import load_node
from gateway.settings.keys import new_keyring, write_keys
from gateway.settings.models import Node
from gateway.smpp.codec import encode
from gateway.smpp.pdus import SubmitSm
from gateway.store import audit
from gateway.store.rows import Changes, MessageRow, Progress, State

ENVIRON = {"SECRET": "secret"}
FROM, TO = "10690001", "8619912340001"
NOW = 1_800_000_000_000
OPEN = (State.WAITING, State.DEFERRED, State.SENDING, State.HELD, State.SENT)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(app, "settle_garbage_collector", lambda: None)
    directory = tmp_path / "config"
    directory.mkdir()
    for name, text in FILES.items():
        (directory / name).write_text(text)
    return directory


async def started(config: Path) -> app.Gateway:
    timer: Any = reactor
    gateway = app.Gateway(config, ENVIRON, reactor, Clocks(timer))
    await gateway.start()
    return gateway


def rows() -> Changes:
    """One message in each state that is not final, due in the far future."""
    changes = Changes()
    for id, state in enumerate(OPEN, start=1):
        far = NOW * 2
        pdu = encode(SubmitSm(source_addr=FROM, destination_addr=TO, short_message=b"1234"))
        row = MessageRow(id, "bank", str(id), NOW, FROM, TO, "otp", 1, None, pdu, "{}", state, far, far)
        changes.insert(row)
    return changes


def states(path: Path) -> list[int]:
    with sqlite3.connect(path) as database:
        return [state for (state,) in database.execute("SELECT state FROM message ORDER BY id")]


async def copied(config: Path, to: Path) -> Node:
    """A copy of a store that has messages and a node that goes on writing."""
    node = load_node(config, ENVIRON)
    gateway = await started(config)
    try:
        await gateway.store.journal.commit(rows())
        found = back_up(database_of(node, config), to, lambda done, total: None)
        assert (found.rows["message"], found.undecided) == (5, 3)
        await gateway.store.journal.commit(rows_after())
        with pytest.raises(CannotCopy, match=r"has this state open: stop it first"):
            put_back(node, config, to, "unknown", "ann")
    finally:
        await gateway.stop()
    return node


def rows_after() -> Changes:
    changes = Changes()
    changes.progress(1, Progress(State.DELIVERED, None, NOW))
    return changes


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    ("policy", "left"),
    [("unknown", [6, 6, 6, 4, 6]), ("hold", [4, 4, 4, 4, 6]), ("resend", [1, 3, 5, 4, 6])],
)
async def test_what_may_have_been_sent_since_is_not_sent_again(
    config: Path, tmp_path: Path, policy: str, left: list[int]
) -> None:
    copy = tmp_path / "copy.db"
    node = await copied(config, copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert states(copy) == [1, 3, 5, 4, 6]
    database = database_of(node, config)
    with sqlite3.connect(copy) as there:
        ((before,),) = there.execute("SELECT value FROM counter WHERE name = 'message'").fetchall()
    found = put_back(node, config, copy, policy, "ann")
    assert states(database) == left
    assert found.aside is not None
    assert states(found.aside)[0] == State.DELIVERED
    gateway = await started(config)
    try:
        assert gateway.relay.ids._next >= before + AHEAD
        (record,) = await gateway.store.ledger.read(audit.latest, 1, "restore")
        assert '"actor":"ann"' in (record.entry or "")
        assert await gateway.store.ledger.read(lambda connection: list(audit.flaws(connection))) == []
        if policy == "unknown":
            await gateway.relay.sweep.sweep()
            ended = await gateway.store.ledger.messages([1, 2, 3])
            assert [row.state for row in ended] == [State.UNKNOWN] * 3
            assert (await gateway.store.ledger.message(1)).destination == TO
    finally:
        await gateway.stop()


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_put_back(config: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    node = await copied(config, copy)
    before = states(database_of(node, config))
    with pytest.raises(CannotCopy, match="is there already"):
        back_up(database_of(node, config), copy, lambda done, total: None)
    keys = config.parent / "state.keys"
    mine = keys.read_bytes()
    write_keys(keys, new_keyring())
    with pytest.raises(CannotCopy, match="encrypted by other keys"):
        put_back(node, config, copy, "unknown", "ann")
    keys.write_bytes(mine)
    with copy.open("r+b") as file:
        file.seek(os.path.getsize(copy) // 2)
        file.write(os.urandom(20_000))
    with pytest.raises(CannotCopy):
        put_back(node, config, copy, "unknown", "ann")
    copy.write_text("nothing")
    with pytest.raises(CannotCopy):
        put_back(node, config, copy, "unknown", "ann")
    assert states(database_of(node, config)) == before
    assert not list((config.parent / "state").glob("*restored*"))


def test_a_postgresql_is_copied_by_its_own_tools(config: Path) -> None:
    with (config / "gateway.yaml").open("a") as file:
        file.write("store: postgresql+psycopg://gateway@127.0.0.1/gateway\n")
    with pytest.raises(CannotCopy, match="pg_dump"):
        database_of(load_node(config, ENVIRON), config)
