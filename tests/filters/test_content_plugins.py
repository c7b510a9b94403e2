"""Filters of third parties: found by their entry points, made of filters.yaml, and the example of one."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from content_messages import NOW, configuration, message

from gateway.filters.catalogue import make_filters
from gateway.filters.chain import Chain, Mode
from gateway.filters.content import GROUP
from gateway.filters.verdict import Action
from gateway.settings.load import load
from gateway.settings.problems import SettingsError

EXAMPLE = Path(__file__).parents[2] / "examples" / "shouting"
BASE = Path(__file__).parents[1] / "settings" / "base"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example as pip would install it: its module on the path, its entry point in its metadata."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    metadata = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", "utf-8"
    )
    points = "\n".join(f"{name} = {value}" for name, value in project["entry-points"][GROUP].items())
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.delitem(sys.modules, "shouting", raising=False)


def plugins(**settings: Any) -> dict[str, Any]:
    return {"plugins": {"shouting": {"settings": settings}}}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Come and buy, come and buy now!", None),
        ("BUY NOW, BUY ALL, BUY EVERYTHING HERE", "capitals"),
        ("Buy!!!!", "marks"),
        ("快来！！！！", "marks"),
        ("SHORT", None),
        (None, None),
    ],
)
def test_the_example(text: str | None, rule: str | None) -> None:
    filters = make_filters(configuration(plugins()))
    assert list(filters)[-1] == "shouting"
    verdict = filters["shouting"].judge(message(text), NOW)
    assert (verdict and verdict.rule) == rule
    judgement = Chain(((filters["shouting"], Mode.ENFORCE),)).judge(message(text), NOW)
    assert judgement.verdict.action is (Action.HOLD if rule else Action.ALLOW)


@pytest.mark.usefixtures("installed")
def test_its_settings_reach_it() -> None:
    (verdict,) = (make_filters(configuration(plugins(marks=0)))["shouting"].judge(message("Hi!"), NOW),)
    assert verdict is not None


@pytest.mark.usefixtures("installed")
def test_what_it_does_not_take_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ValueError, match="'shouting' cannot be made: unknown settings: loud"):
        make_filters(configuration(plugins(loud=1)))


def test_one_that_is_not_installed_is_told() -> None:
    with pytest.raises(ValueError, match="no installed package offers a filter 'nowhere'"):
        make_filters(configuration({"plugins": {"nowhere": {}}}))


@pytest.mark.usefixtures("installed")
def test_it_answers_to_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    import shouting

    monkeypatch.setattr(shouting.Shouting, "name", "whispering")
    with pytest.raises(ValueError, match="'shouting' calls itself 'whispering'"):
        make_filters(configuration(plugins()))


def test_it_cannot_take_the_name_of_another() -> None:
    with pytest.raises(ValueError, match="cannot be called 'words'"):
        configuration({"plugins": {"words": {}}})


def copied(tmp_path: Path, filters: str, modes: str) -> Path:
    directory = tmp_path / "config"
    directory.mkdir()
    for path in BASE.glob("*.yaml"):
        (directory / path.name).write_text(path.read_text("utf-8"), "utf-8")
    accounts = f"accounts: {{bank: {{tenant: Bank, password: '${{BANK}}', filters: {modes}}}}}\n"
    (directory / "accounts.yaml").write_text(accounts, "utf-8")
    (directory / "filters.yaml").write_text(filters, "utf-8")
    return directory


ENVIRONMENT = {"BANK": "secret", "ALPHA": "secret", "BETA": "secret", "SHOP": "secret"}


def test_an_account_names_it(tmp_path: Path) -> None:
    directory = copied(tmp_path, "plugins: {shouting: {mode: warn}}\n", "{shouting: enforce}")
    generation = load(directory, ENVIRONMENT)
    bank = generation.accounts["bank"]
    assert bank.filter_mode("shouting", "otp", generation.filters) == "enforce"
    assert generation.filters.mode("shouting", "otp") == "warn"


def test_an_account_cannot_name_one_that_is_not_there(tmp_path: Path) -> None:
    directory = copied(tmp_path, "plugins: {shouting: {}}\n", "{shoutin: enforce}")
    with pytest.raises(SettingsError, match=r"unknown filter 'shoutin' \(did you mean 'shouting'\?\)"):
        load(directory, ENVIRONMENT)
