"""The configuration in config/ works as it is, and the documents made from its models are fresh."""

from pathlib import Path

import pytest
import yaml

from gateway.settings.document import documents
from gateway.settings.load import load
from gateway.settings.models import FILES, Generation
from gateway.settings.schema import json_schema
from gateway.settings.secrets import verify

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"


@pytest.fixture(scope="module")
def shipped() -> Generation:
    return load(CONFIG, {}, loaded_at=1_700_000_000.0)


def test_it_has_no_warnings(shipped: Generation) -> None:
    assert shipped.warnings == ()
    assert shipped.loaded_at == 1_700_000_000.0


def test_the_bank_is_judged_by_words_alone(shipped: Generation) -> None:
    bank = shipped.accounts["bank"]
    assert bank.category == "transactional"
    assert bank.filters == {"words": "enforce"}
    assert (bank.rate, bank.window, bank.sessions) == (None, 1000, 20)
    assert bank.filter_mode("words", "otp", shipped.filters) == "enforce"


def test_the_shop_is_judged_by_every_filter(shipped: Generation) -> None:
    shop = shipped.accounts["shop"]
    assert (shop.category, shop.filters, shop.sessions) == ("promotional", "all", 20)
    assert shop.filter_mode("words", "otp", shipped.filters) == shipped.filters.words.mode == "enforce"


def test_the_demonstration_credentials_fit_the_hashes(shipped: Generation) -> None:
    credentials = yaml.safe_load((CONFIG / "demo-credentials.yaml").read_text("utf-8"))
    assert credentials == {"bank": "bankpass", "shop": "shoppass"}
    for system_id, password in credentials.items():
        assert verify(password, shipped.accounts[system_id].password.get_secret_value())


def test_alpha_is_preferred_and_beta_takes_over(shipped: Generation) -> None:
    assert [route.carriers for route in shipped.routes] == [("alpha", "beta")]
    endpoints = [carrier.binds[0].endpoint for carrier in shipped.carriers.values()]
    assert endpoints == ["tcp:127.0.0.1:2776", "tcp:127.0.0.1:2777"]
    assert {bind.mode for carrier in shipped.carriers.values() for bind in carrier.binds} == {"transceiver"}


def test_it_listens_where_the_readme_says(shipped: Generation) -> None:
    assert [listener.endpoint for listener in shipped.node.listeners] == ["tcp:2775:interface=127.0.0.1"]
    assert shipped.node.control == "tcp:2780:interface=127.0.0.1"
    assert shipped.node.state == ROOT / "state"


def test_a_rule_knows_its_place(shipped: Generation) -> None:
    lines = (CONFIG / "routing.yaml").read_text("utf-8").splitlines()
    file, line = shipped.places["routes[0]"]
    assert Path(file) == CONFIG / "routing.yaml"
    assert lines[line - 1] == "  - name: default"
    assert shipped.place("routes[0].match.text") == f"{file}:{line}"
    assert shipped.place("filters.words.mode").startswith(str(CONFIG / "filters.yaml"))
    assert shipped.place("nowhere") == ""


def test_no_secret_is_shown(shipped: Generation) -> None:
    assert "alphapwd" not in repr(shipped)
    assert "scrypt$" not in repr(shipped)


@pytest.mark.parametrize("name", sorted(documents()))
def test_documents_are_fresh(name: str) -> None:
    text = (ROOT / "docs" / name).read_text("utf-8")
    assert text == documents()[name], "run: python -m gateway.settings.document"


@pytest.mark.parametrize("file", FILES)
def test_each_file_names_its_schema(file: str) -> None:
    first = (CONFIG / file).read_text("utf-8").splitlines()[0]
    prefix, schema = first.split("=")
    assert prefix == "# yaml-language-server: $schema"
    assert (CONFIG / schema).resolve() == ROOT / "docs" / "schema" / f"{Path(file).stem}.json"


@pytest.mark.parametrize("file", FILES)
def test_a_schema_knows_every_key(file: str) -> None:
    model, _ = FILES[file]
    schema = json_schema(file)
    assert set(schema["properties"]) == set(model.model_fields)
    assert schema["additionalProperties"] is False
