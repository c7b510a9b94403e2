"""The control endpoint over HTTP: health, readiness, status, metrics, reload."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_twisted
from control_node import FILES, ControlNode
from prometheus_client.parser import text_string_to_metric_families


@pytest_twisted.ensureDeferred
async def test_health(node: ControlNode) -> None:
    assert await node.ask("/healthz") == (200, "text/plain; charset=utf-8", "alive\n")


@pytest_twisted.ensureDeferred
async def test_readiness(node: ControlNode) -> None:
    assert (await node.ask("/readyz"))[0] == 200
    node.gateway.ready = False
    code, _, body = await node.ask("/readyz")
    assert (code, body) == (503, "starting or stopping\n")
    node.gateway.ready = True
    node.gateway.store.journal.failure = "disk full"
    code, _, body = await node.ask("/readyz")
    assert (code, body) == (503, "the store fails: disk full\n")
    assert (await node.ask("/healthz"))[0] == 200
    node.gateway.store.journal.failure = None
    assert (await node.ask("/readyz"))[0] == 200


@pytest_twisted.ensureDeferred
async def test_metrics_are_what_prometheus_reads(node: ControlNode) -> None:
    code, kind, body = await node.ask("/metrics")
    assert code == 200
    assert kind.startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(body)}
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert samples["gateway_account_sessions", ("account", "bank")] == 0
    assert samples["gateway_carrier_binds", ("carrier", "alpha")] == 0
    assert samples["gateway_generation",] == 1
    assert samples["gateway_store_failing",] == 0
    assert all(family.documentation for family in families.values())
    assert {family.type for family in families.values()} <= {"counter", "gauge", "histogram"}


@pytest_twisted.ensureDeferred
async def test_status(node: ControlNode) -> None:
    code, document = await node.document("/status")
    assert code == 200
    assert (document["node"], document["generation"], document["store"]) == ("here", 1, "works")
    assert document["carriers"]["alpha"]["health"] == "down"
    assert document["carriers"]["alpha"]["binds"] == "0 of 1"
    assert document["accounts"] == {"bank": {"sessions": 0, "accepted": 0, "outbox": 0}}


@pytest_twisted.ensureDeferred
async def test_a_good_reload_is_in_force(node: ControlNode, config: Path) -> None:
    more = FILES["accounts.yaml"].replace("}}\n", "}, shop: {tenant: Shop, password: '${SECRET}'}}\n")
    (config / "accounts.yaml").write_text(more)
    assert await node.document("/reload", "POST") == (200, {"generation": 2})
    _, document = await node.document("/status")
    assert document["accounts"].keys() == {"bank", "shop"}
    assert document["generation"] == 2
    assert node.gateway.relay.accounts.get("shop") is not None


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("accounts.yaml", "accounts: [", "accounts.yaml:"),
        ("accounts.yaml", "accounts: {bank: {tennant: Bank, password: '${SECRET}'}}", "tenant"),
        ("routing.yaml", "routes: [{name: default, carriers: [alhpa]}]", "alpha"),
        ("carriers.yaml", FILES["carriers.yaml"].replace("SECRET", "SECRETS"), "SECRET"),
        ("filters.yaml", "wurds: {}", "words"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_bad_reload_keeps_what_is_in_force(
    node: ControlNode, config: Path, file: str, text: str, said: str
) -> None:
    before = node.gateway.generation
    (config / file).write_text(text)
    code, document = await node.document("/reload", "POST")
    assert code == 422
    assert document["problems"]
    assert any(f"{config / file}:" in problem for problem in document["problems"])
    assert any(said in problem for problem in document["problems"])
    assert node.gateway.generation is before
    assert node.gateway.relay.generation is before
    code, _, body = await node.ask("/readyz")
    assert code == 503
    assert body.startswith("the configuration on disk is not valid: ")
    (config / file).write_text(FILES.get(file, ""))
    assert (await node.ask("/reload", "POST"))[0] == 200
    assert (await node.ask("/readyz"))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", "/reload", 405), ("POST", "/metrics", 405), ("GET", "/nothing", 404), ("PUT", "/status", 501)],
)
@pytest_twisted.ensureDeferred
async def test_what_cannot_be_asked(node: ControlNode, method: str, path: str, code: int) -> None:
    assert (await node.ask(path, method))[0] == code


@pytest_twisted.ensureDeferred
async def test_a_fault_of_ours_is_told(node: ControlNode, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails() -> tuple[str, ...]:
        raise RuntimeError("no")

    monkeypatch.setattr(node.gateway, "reload", fails)
    assert (await node.ask("/reload", "POST"))[0] == 500
    assert (await node.ask("/readyz"))[0] == 200
