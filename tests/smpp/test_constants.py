"""Open enumerations: what a peer may send is never an error."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.constants import (
    CommandId,
    CommandStatus,
    MessageState,
    Npi,
    OpenIntEnum,
    Tag,
    Ton,
)

KINDS = [CommandId, CommandStatus, Tag, MessageState, Ton, Npi]


@pytest.mark.parametrize("kind", KINDS)
def test_any_number_passes(kind: type[OpenIntEnum]) -> None:
    @given(st.integers(0, 0xFFFFFFFF))
    def passes(number: int) -> None:
        member = kind(number)
        assert member == number
        assert isinstance(member, kind)
        assert member in kind or member.name == f"UNKNOWN_0x{number:X}"

    passes()


def test_unknown_numbers_are_not_kept() -> None:
    known = len(CommandStatus)
    assert CommandStatus(0x4AB).name == "UNKNOWN_0x4AB"
    assert len(CommandStatus) == known
    assert 0x4AB not in CommandStatus._value2member_map_


def test_what_is_no_number_is_an_error() -> None:
    name: Any = "ESME_ROK"
    with pytest.raises(ValueError, match=name):
        CommandStatus(name)


def test_version_5_names_of_statuses() -> None:
    assert CommandStatus["ESME_RINVTLVSTREAM"].name == "ESME_RINVOPTPARSTREAM"
    assert CommandStatus(0xC3).name == "ESME_RMISSINGOPTPARAM"
