"""The lookout: what goes on for too long becomes an alarm, and its end is told."""

from __future__ import annotations

from relay_house import MakeHouse, generation


def open_alarms(house: object) -> list[tuple[str, str]]:
    return sorted(house.relay.alarms.open)  # type: ignore[attr-defined]


def test_a_carrier_that_stays_down(make_house: MakeHouse) -> None:
    house = make_house(generation(alarms={"carrier_down": "2m"}))
    house.down.add("alpha")
    house.upstream().cut()
    house.advance(110)
    assert open_alarms(house) == []
    house.advance(15)
    assert open_alarms(house) == [("carrier_down", "alpha")]
    assert "refused" in house.relay.alarms.open["carrier_down", "alpha"].text
    house.down.clear()
    house.advance(120)
    assert open_alarms(house) == []


def test_a_carrier_that_is_taken_out_is_missed_by_nobody(make_house: MakeHouse) -> None:
    house = make_house(generation(alarms={"carrier_down": "5s"}))
    house.down.add("alpha")
    house.upstream().cut()
    house.advance(10)
    assert open_alarms(house) == [("carrier_down", "alpha")]
    house.reload(generation(carriers={}, routes=[], number=2))
    house.advance(2)
    assert open_alarms(house) == []


def test_a_store_that_fails(make_house: MakeHouse) -> None:
    house = make_house()
    house.driver.broken = True
    house.client().submit()
    house.advance(4)
    assert open_alarms(house) == []
    house.advance(3)
    assert open_alarms(house) == [("store_failing", "store")]
    house.driver.broken = False
    house.advance(8)
    assert open_alarms(house) == []


class Broken:
    """A filter that fails."""

    name = "words"

    def judge(self, message: object, now: float) -> None:
        raise RuntimeError("no more words")


def test_a_filter_that_fails(make_house: MakeHouse) -> None:
    house = make_house(None, words=Broken())
    house.client().submit()
    house.advance(2)
    assert open_alarms(house) == [("filter_failed", "words")]
    house.advance(290)
    assert open_alarms(house) == [("filter_failed", "words")]
    house.advance(15)
    assert open_alarms(house) == []
