"""A quick enum is an enum: its members, their equality and their look-up in tables stay what they are."""

from __future__ import annotations

from enum import Enum, IntEnum

from gateway.smpp.constants import CommandStatus
from gateway.smpp.enums import quick


class Colour(Enum):
    RED = "red"
    CRIMSON = "red"  # noqa: PIE796, an alias
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


def test_members_stay_what_they_are() -> None:
    before = list(Colour), list(Size)
    assert quick(Colour) is Colour
    assert quick(Size) is Size
    assert (list(Colour), list(Size)) == before
    assert [Colour.RED, Colour("red"), Colour["RED"], Colour.CRIMSON] == 4 * [before[0][0]]
    assert (Colour.RED.name, Colour.CRIMSON.name, Colour.BLUE.value) == ("RED", "RED", "blue")
    assert isinstance(Colour.RED, Colour)
    assert "RED" in vars(Colour)
    assert vars(Colour)["RED"] is Colour.RED


def test_members_are_found_in_tables() -> None:
    assert {Colour.RED: 1, Colour.BLUE: 2}[Colour("red")] == 1
    assert Size.SMALL in {1}
    assert {Size.LARGE: "l"}[Size(2)] == "l"
    assert {2: "l"}.get(Size.LARGE) == "l"
    assert hash(Size.LARGE) == hash(2)


def test_a_status_that_has_no_name_is_found_like_its_number() -> None:
    assert CommandStatus(0x12345) in {0x12345}
    assert CommandStatus(0x12345) == CommandStatus(0x12345)
    assert {CommandStatus(0x12345): 1}[CommandStatus(0x12345)] == 1
