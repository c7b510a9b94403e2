"""Stencils: what is recalled of a frame is what decoding it would give."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from smpp_strategies import c_octets, pdus_of

from gateway.smpp.codec import PduError, decode, encode
from gateway.smpp.constants import CommandId, CommandStatus
from gateway.smpp.pdus import SubmitSm
from gateway.smpp.spec import BY_COMMAND
from gateway.smpp.stencils import LONGEST, recall
from gateway.smpp.validate import check_request

OFFER = SubmitSm(
    7, source_addr="10690001", destination_addr="8613800000000", registered_delivery=1, short_message=b"Hi"
)
versions = st.sampled_from((0x33, 0x34, 0x50))


def recalled(pdu: SubmitSm, version: int = 0x34) -> SubmitSm | None:
    """What is recalled of the third that comes."""
    found = [recall(encode(pdu), version) for _ in range(3)][-1]
    return None if found is None else found[0]


@given(pdus_of(BY_COMMAND[CommandId.submit_sm]), versions, c_octets(21))
def test_what_is_recalled_is_what_was_sent(pdu: SubmitSm, version: int, other: str) -> None:
    for each in (pdu, pdu._replace(command_status=0), pdu._replace(command_status=0, destination_addr=other)):
        found = recalled(each, version)
        if found is not None:
            assert found == each
            assert check_request(found, version) == CommandStatus.ESME_ROK


@given(st.binary(max_size=60), versions)
def test_octets_that_are_no_submit_are_not_recalled(body: bytes, version: int) -> None:
    frame = (16 + len(body)).to_bytes(4) + b"\0\0\0\4" + bytes(8) + body
    found = [recall(frame, version) for _ in range(3)][-1]
    if found is not None:
        assert found[0] == decode(frame)
    else:
        try:
            pdu = decode(frame)
        except PduError:
            return
        assert isinstance(pdu, SubmitSm)
        assert check_request(pdu, version) or pdu.esm_class & 0x40


def test_the_second_of_a_kind_is_recalled_and_all_have_one_stencil() -> None:
    text = OFFER._replace(short_message=b"the second of a kind")
    assert recall(encode(text), 0x34) is None
    others = [
        recall(encode(text._replace(sequence_number=number, destination_addr=f"861380000000{number}")), 0x34)
        for number in range(3)
    ]
    assert len({id(found[1]) for found in others if found is not None}) == 1
    assert [found[0].destination_addr[-1] for found in others if found is not None] == ["0", "1", "2"]


def test_what_differs_in_more_has_a_stencil_of_its_own() -> None:
    changes = (
        {"short_message": b"Ho"},
        {"source_addr": "10690002"},
        {"data_coding": 8},
        {"registered_delivery": 0},
        {"esm_class": 0x80},
    )
    found = [[recall(encode(OFFER._replace(**each)), 0x34) for _ in range(3)][-1] for each in ({}, *changes)]
    assert None not in found
    assert len({id(each[1]) for each in found if each is not None}) == 1 + len(changes)


def test_what_is_wrong_long_or_part_of_a_long_text_is_not_recalled() -> None:
    assert recalled(OFFER._replace(destination_addr="")) is None
    assert recalled(OFFER._replace(command_status=1)) is None
    assert recalled(OFFER._replace(esm_class=0x40, short_message=b"\5\0\3\7\2\1Hi")) is None
    assert recalled(OFFER._replace(short_message=bytes(254))) is not None
    assert len(encode(OFFER._replace(short_message=bytes(254)))) < LONGEST
    assert recalled(OFFER._replace(dest_addr_ton=200)) is None


def test_what_another_version_may_send_is_another_stencil() -> None:
    later = OFFER._replace(short_message=bytes(255))
    assert recalled(later, 0x34) is None
    assert recalled(later, 0x50) == later
