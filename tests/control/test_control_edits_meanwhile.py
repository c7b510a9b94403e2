"""Words and templates edited while a reload, which may take long, is made: neither waits for the other."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest
import pytest_twisted
from control_node import ControlNode
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from gateway.filters.templates import Templates
from gateway.relay.templating import TemplateWish
from gateway.relay.wording import Wish

TEMPLATE = "tenant: Bank\ntemplates: [{name: code, text: 'Your code is {c:digits(4)}'}]\n"


@pytest.fixture
def config(config: Path) -> Path:
    (config / "filters.yaml").write_text("words: {files: [a.txt]}\ntemplates: {directory: templates}\n")
    (config / "a.txt").write_text("#: severity=reject\ncasino\n")
    (config / "templates").mkdir()
    (config / "templates" / "bank.yaml").write_text(TEMPLATE)
    return config


def hits(node: ControlNode, text: str) -> list[str]:
    filter = node.gateway.relay.wording.filter
    assert filter is not None
    return [hit.entry.word for hit in filter.words.scan(text)]


def state_of(node: ControlNode, name: str) -> str:
    filter = node.gateway.filters["templates"]
    assert isinstance(filter, Templates)
    registry = filter.registries.of("Bank")
    assert registry is not None
    return registry.by_name[name].template.state


@pytest_twisted.ensureDeferred
async def test_an_edit_does_not_wait_for_a_reload_and_is_not_lost(
    node: ControlNode, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, go_on = Event(), Event()
    made = node.gateway._made

    def slow(read_files):  # as a list of a million words is
        result = made(read_files)
        read.set()
        assert go_on.wait(60)
        return result

    wording, templating = node.gateway.relay.wording, node.gateway.relay.templating
    await wording.edit([Wish("add", {"word": "before"})], "Ann", "")
    monkeypatch.setattr(node.gateway, "_made", slow)
    (config / "a.txt").write_text("poker\n")
    reloaded = Deferred.fromCoroutine(node.gateway.reload())
    await deferToThread(read.wait, 60)
    try:
        await wording.edit([Wish("add", {"word": "lottery"})], "Ann", "")
        await wording.edit([Wish("remove", {"word": "lottery"}), Wish("add", {"word": "betting"})], "Ann", "")
        await templating.edit([TemplateWish("pause", "Bank", "code", {})], "Ann", "")
        assert hits(node, "casino poker before lottery betting") == ["casino", "before", "betting"]
        assert state_of(node, "code") == "paused"
    finally:
        go_on.set()
    assert await reloaded == ()
    assert hits(node, "casino poker before lottery betting") == ["poker", "before", "betting"]
    assert state_of(node, "code") == "paused"
    await wording.edit([Wish("restore", {"word": "lottery"})], "Ann", "")
    assert hits(node, "lottery") == ["lottery"]
