"""A node and the keys of its store: made at the first start, wanted at every other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor

from gateway import app
from gateway.relay.clocks import Clocks
from gateway.settings.keys import new_keyring, read_keys, write_keys
from gateway.store.rows import StoreUnavailable


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
