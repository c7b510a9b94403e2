"""A node and the keys of its store: made at the first start, wanted at every other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater

from gateway import app
from gateway.filters.suppression import ListKey, ListType, Scope
from gateway.relay import resealing
from gateway.relay.clocks import Clocks
from gateway.settings.keys import new_keyring, read_keys, write_keys
from gateway.smpp.codec import encode
from gateway.smpp.pdus import SubmitSm
from gateway.store import rotation
from gateway.store.people import SuppressionRow
from gateway.store.rows import Changes, MessageRow, State, StoreUnavailable


async def begun(config: Path, **environ: str) -> app.Gateway:
    """A node that has started, and was stopped."""
    timer: Any = reactor
    gateway = app.Gateway(config, {"SECRET": "secret", **environ}, reactor, Clocks(timer))
    try:
        await gateway.start()
    finally:
        await gateway.stop()
    return gateway


@pytest.fixture(autouse=True)
def unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "settle_garbage_collector", lambda: None)


@pytest_twisted.ensureDeferred
async def test_keys_are_made_once_and_wanted_then(config: Path) -> None:
    file = config.parent / "state.keys"
    await begun(config)
    made = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    await begun(config)
    assert file.read_bytes() == made
    file.unlink()
    with pytest.raises(StoreUnavailable, match=r"its keys are not there: put .*state\.keys back"):
        await begun(config)
    assert not file.exists()
    write_keys(file, new_keyring())
    with pytest.raises(StoreUnavailable, match="encrypted by other keys"):
        await begun(config)
    file.write_bytes(made)
    await begun(config)


@pytest_twisted.ensureDeferred
async def test_encryption_that_is_off_makes_no_keys(config: Path) -> None:
    with (config / "gateway.yaml").open("a") as file:
        file.write("encryption: off\n")
    gateway = await begun(config)
    assert gateway.generation.node.encryption.mode == "off"
    assert not (config.parent / "state.keys").exists()


@pytest_twisted.ensureDeferred
async def test_keys_from_the_environment(config: Path) -> None:
    with (config / "gateway.yaml").open("a") as file:
        file.write("encryption: {keys: '${KEYS}'}\n")
    await begun(config, KEYS=new_keyring().text())
    assert not (config.parent / "state.keys").exists()
    with pytest.raises(StoreUnavailable, match="other keys than those given"):
        await begun(config, KEYS=new_keyring().text())


@pytest_twisted.ensureDeferred
async def test_a_key_file_that_is_damaged_is_named(config: Path) -> None:
    (config.parent / "state.keys").write_text("nonsense\n")
    with pytest.raises(StoreUnavailable, match=r"state\.keys: keys are search:BASE64"):
        await begun(config)
    assert read_keys(config.parent / "other") is None


def some_rows() -> Changes:
    """Messages, finished and open, and an entry of a list, of people."""
    changes = Changes()
    far = 4_000_000_000_000
    for id in range(1, 21):
        number = f"86199123400{id:02d}"
        pdu = encode(SubmitSm(source_addr="10690001", destination_addr=number, short_message=b"1234"))
        state, deadline = (State.DELIVERED, None) if id % 2 else (State.HELD, far)
        row = MessageRow(
            *(id, "bank", str(id), 1, "10690001", number, "otp", 1, None, pdu, "{}", state, deadline, far)
        )
        changes.insert(row)
        entry = SuppressionRow(
            "tenant_optout", "Bank", "", "", "replies", number, None, None, 1, "person", ""
        )
        changes.add("suppress", tuple(entry))
    return changes


async def versions_of(gateway: app.Gateway) -> dict[str, dict[int, int]]:
    found = await gateway.store.ledger.read(rotation.versions)
    return {table: dict(found[table]) for table in ("message", "suppression")}


@pytest_twisted.ensureDeferred
async def test_what_was_stored_before_is_sealed_behind_the_traffic_and_after_a_stop(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = (config / "gateway.yaml").read_text()
    (config / "gateway.yaml").write_text(f"{settings}encryption: off\n")
    timer: Any = reactor
    gateway = app.Gateway(config, {"SECRET": "secret"}, reactor, Clocks(timer))
    await gateway.start()
    await gateway.store.journal.commit(some_rows())
    assert await versions_of(gateway) == {"message": {0: 20}, "suppression": {0: 20}}
    await gateway.stop()
    (config / "gateway.yaml").write_text(settings)
    monkeypatch.setattr(resealing, "SLICE", 3)
    seen = []
    for enough in (6, 1000):
        gateway = app.Gateway(config, {"SECRET": "secret"}, reactor, Clocks(timer))
        await gateway.start()
        job = gateway.relay.privacy.resealing
        while job.working and job.done < enough:
            await deferLater(timer, 0.01)
        seen.append(await versions_of(gateway))
        if enough == 1000:
            found = await gateway.store.ledger.messages(range(1, 21))
            assert [row.destination for row in found] == [f"86199123400{id:02d}" for id in range(1, 21)]
            held = gateway.relay.protection.people.is_on
            key = ListKey(ListType.TENANT_OPTOUT, Scope("Bank", "", ""), "replies")
            assert held(key, "8619912340007")
        await gateway.stop()
    assert 0 < seen[0]["message"][0] < 20
    assert seen[1] == {"message": {1: 20}, "suppression": {1: 20}}
