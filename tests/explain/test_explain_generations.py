"""Generations over restarts: their numbers, their texts, and the way back, on a running gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from whole_house import PASSWORD, House, Upstream, call, wait_until

from gateway.settings.archive import lay_out, pack, unpack, write_back

ROUTES = [{"name": "default", "carriers": ["alpha"]}]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(
        tmp_path_factory.mktemp("generations"),
        accounts={"bank": {"filters": {"words": "enforce"}}},
        carriers={"alpha": Upstream()},
        routes=ROUTES,
        words=["#: severity=reject", "casino"],
    )
    house.start_gateway()
    yield house
    house.stop()


def in_force(house: House) -> int:
    return int(house.status()["generation"])


def route(house: House, name: str) -> None:
    house.routes = [{"name": name, "carriers": ["alpha"]}]
    house.write()


def test_numbers_go_on_and_the_way_back_is_a_new_one(house: House) -> None:
    assert in_force(house) == 1
    route(house, "second")
    call(house, "reload")
    assert in_force(house) == 2
    house.stop_gateway()
    house.start_gateway()
    assert in_force(house) == 2  # the same texts
    route(house, "third")
    house.stop_gateway()
    house.start_gateway()
    assert in_force(house) == 3

    said = call(house, "generations", "rollback", "1")[1]
    assert "generation 4 is in force, with the texts of generation 1" in said
    assert "a reload or a restart takes those again" in said
    assert "third" in (house.config / "routing.yaml").read_text("utf-8")
    kept = json.loads(call(house, "generations", "list", "--json")[0])
    assert [(each["number"], each["cause"]) for each in kept] == [
        (4, "rollback to 1"),
        (3, "start"),
        (2, "reload"),
        (1, "start"),
    ]
    assert kept[0]["digest"] == kept[3]["digest"]
    shown = call(house, "generations", "show", "1", "routing.yaml")[0]
    assert "name: default" in shown
    assert "words.txt" in call(house, "generations", "show", "4")[0]
    diff = call(house, "generations", "diff", "1", "3", code=1)[0]
    assert "-- name: default" in diff
    assert "+- name: third" in diff
    assert call(house, "generations", "diff", "1", "4")[0] == "no difference\n"

    said, _ = call(house, "generations", "rollback", "1", "--write")
    assert "routing.yaml" in said
    assert "default" in (house.config / "routing.yaml").read_text("utf-8")
    assert "third" in (house.config / "routing.yaml.before-rollback").read_text("utf-8")
    assert PASSWORD not in call(house, "generations", "show", "1", "accounts.yaml")[0]


def test_what_is_not_kept_changes_nothing(house: House) -> None:
    before = in_force(house)
    assert "no generation 99" in call(house, "generations", "rollback", "99", code=2)[1]
    assert "no generation 99" in call(house, "generations", "show", "99", code=1)[1]
    assert in_force(house) == before


def test_files_are_watched_where_that_is_asked_for(house: House) -> None:
    house.node["watch"] = True
    route(house, "watched")
    call(house, "reload")
    before = in_force(house)
    route(house, "noticed")
    wait_until(lambda: in_force(house) == before + 1, "the change is taken")
    (house.config / "routing.yaml").write_text("routes: nonsense\n", "utf-8")
    wait_until(lambda: house.status()["problems"], "what is wrong is told")
    assert in_force(house) == before + 1
    route(house, "sound again")
    wait_until(lambda: in_force(house) == before + 2, "the next change is taken")
    call(house, "generations", "rollback", "1")
    assert "watch" not in call(house, "generations", "show", str(before + 3), "gateway.yaml")[0]


def test_texts_come_back_as_they_were(tmp_path: Path) -> None:
    texts = {"accounts.yaml": b"accounts: {}\n", "words/own.txt": b"\xff\x00", "/etc/shared.txt": b"x"}
    assert unpack(pack(texts)) == texts
    here = tmp_path / "config"
    (here / "words").mkdir(parents=True)
    (here / "secrets").mkdir()
    (here / "secrets" / "alpha").write_text("s", "utf-8")
    (here / "words" / "other.txt").write_text("o", "utf-8")
    (here / "filters.yaml").write_text("{}", "utf-8")
    lay_out(texts, here, tmp_path / "laid")
    assert (tmp_path / "laid" / "words" / "own.txt").read_bytes() == b"\xff\x00"
    assert (tmp_path / "laid" / "words" / "other.txt").read_text("utf-8") == "o"
    assert (tmp_path / "laid" / "secrets" / "alpha").read_text("utf-8") == "s"
    assert not (tmp_path / "laid" / "filters.yaml").exists()
    changed = write_back(texts, here)
    assert set(changed) >= {"accounts.yaml", "words/own.txt"}
    assert (here / "words" / "own.txt").read_bytes() == b"\xff\x00"
    assert write_back(texts, here) == []
