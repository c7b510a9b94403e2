"""User data headers, SAR TLVs and ports: made, read, and ignored when they are broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.concat import (
    LOCKING_SHIFT,
    PORTS_8,
    PORTS_16,
    SINGLE_SHIFT,
    Part,
    Ports,
    Udh,
    body_of,
    concat_element,
    make_sar,
    make_udh,
    parse_udh,
    part_of,
    ports_of,
    udh_of,
    user_data_of,
)
from gateway.smpp.constants import ESM_UDHI, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DataSm, DeliverSm, SubmitSm

elements = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=12)), max_size=8)
numbers = st.integers(1, 255).flatmap(lambda total: st.tuples(st.just(total), st.integers(1, total)))


def with_header(*parts: tuple[int, bytes], body: bytes = b"body") -> SubmitSm:
    return SubmitSm(esm_class=ESM_UDHI, short_message=make_udh(*parts) + body)


@given(elements, st.binary(max_size=20))
def test_headers_round_trip(parts: list[tuple[int, bytes]], body: bytes) -> None:
    udh = make_udh(*parts)
    assert parse_udh(udh + body) == Udh(tuple(parts), len(udh))


@given(st.binary(max_size=60), st.lists(st.builds(Tlv, st.integers(0x200, 0x430), st.binary(max_size=4))))
def test_arbitrary_octets_never_raise(octets: bytes, tlvs: list[Tlv]) -> None:
    pdu = SubmitSm(esm_class=ESM_UDHI, short_message=octets, tlvs=tuple(tlvs))
    part = part_of(pdu)
    assert part is None or 1 <= part.number <= part.total
    assert user_data_of(pdu).endswith(body_of(pdu))
    ports_of(pdu)
    udh = udh_of(pdu)
    if udh is not None:
        assert 0 <= udh.locking <= 255
        assert 0 <= udh.single <= 255


@given(st.integers(0, 0xFFFF), numbers)
def test_parts_round_trip(reference: int, counted: tuple[int, int]) -> None:
    total, number = counted
    kind = "udh8" if reference < 256 else "udh16"
    assert part_of(with_header(concat_element(reference, total, number))) == (kind, reference, total, number)
    sar = SubmitSm(tlvs=make_sar(reference, total, number))
    assert part_of(sar) == Part("sar", reference, total, number)


def test_a_whole_message_is_no_part() -> None:
    assert part_of(SubmitSm(short_message=b"\x05\x00\x03\x01\x02\x01hello")) is None
    assert part_of(with_header((PORTS_16, b"\0\1\0\2"))) is None


def test_the_last_valid_element_counts() -> None:
    assert part_of(with_header((0, b"\1\2\1"), (8, b"\0\2\3\3"))) == Part("udh16", 2, 3, 3)
    assert part_of(with_header((8, b"\0\2\3\3"), (0, b"\1\2\1"))) == Part("udh8", 1, 2, 1)
    assert part_of(with_header((0, b"\1\2\1"), (0, b"\1\2\3"))) == Part("udh8", 1, 2, 1)


@pytest.mark.parametrize("data", [b"\1\0\0", b"\1\2\0", b"\1\2\3", b"\1\2", b"\1\2\1\0"])
def test_impossible_part_numbers_are_ignored(data: bytes) -> None:
    assert part_of(with_header((0, data))) is None


@pytest.mark.parametrize(
    "user_data",
    [b"", b"\x05\x00\x03\x01\x02", b"\x03\x00\x03\x01", b"\x01\x00", b"\x02\x00\x01\x01", b"\xff" * 20],
)
def test_headers_whose_lengths_do_not_add_up_are_ignored(user_data: bytes) -> None:
    assert parse_udh(user_data) is None
    assert part_of(SubmitSm(esm_class=ESM_UDHI, short_message=user_data)) is None


def test_an_empty_header() -> None:
    assert parse_udh(b"\0abc") == Udh((), 1)
    assert body_of(SubmitSm(esm_class=ESM_UDHI, short_message=b"\0abc")) == b"abc"


def test_body_of_a_broken_header_hides_nothing() -> None:
    beyond = SubmitSm(esm_class=ESM_UDHI, short_message=b"\x7fsecret")
    assert body_of(beyond) == b"\x7fsecret"
    inside = SubmitSm(esm_class=ESM_UDHI, short_message=b"\x03\x00\x09\x01secret")
    assert body_of(inside) == b"secret"


def test_message_payload_counts_before_short_message() -> None:
    payload = Tlv(Tag.message_payload, b"\x05\x00\x03\x07\x02\x01long")
    pdu = SubmitSm(esm_class=ESM_UDHI, short_message=b"short", tlvs=(payload,))
    assert (part_of(pdu), body_of(pdu)) == (Part("udh8", 7, 2, 1), b"long")
    assert body_of(DataSm(tlvs=(Tlv(Tag.message_payload, b"data"),))) == b"data"
    assert body_of(DataSm()) == b""
    assert body_of(DeliverSm(short_message=b"text", tlvs=(Tlv(Tag.message_payload, b""),))) == b"text"


def test_sar_needs_all_three() -> None:
    sar = make_sar(1, 2, 1)
    for missing in range(3):
        assert part_of(SubmitSm(tlvs=sar[:missing] + sar[missing + 1 :])) is None
    assert part_of(SubmitSm(tlvs=(Tlv(Tag.sar_msg_ref_num, b"\1"), *sar[1:]))) is None
    assert part_of(SubmitSm(tlvs=make_sar(1, 2, 3))) is None
    assert part_of(SubmitSm(tlvs=sar[::-1])) == Part("sar", 1, 2, 1)


def test_the_header_counts_before_sar() -> None:
    pdu = with_header(concat_element(9, 2, 2))._replace(tlvs=make_sar(1, 3, 1))
    assert part_of(pdu) == Part("udh8", 9, 2, 2)
    assert part_of(with_header((PORTS_8, b"\1\2"))._replace(tlvs=make_sar(1, 3, 1))) == Part("sar", 1, 3, 1)


def test_ports() -> None:
    assert ports_of(with_header((PORTS_16, b"\x0b\x84\x23\xf0"))) == Ports(2948, 9200)
    assert ports_of(with_header((PORTS_8, b"\xf0\xf1"))) == Ports(0xF0, 0xF1)
    assert ports_of(with_header((PORTS_16, b"\x0b\x84"))) is None
    tlvs = (Tlv(Tag.source_port, b"\x23\xf0"), Tlv(Tag.destination_port, b"\x0b\x84"))
    assert ports_of(SubmitSm(tlvs=tlvs)) == Ports(2948, 9200)
    assert ports_of(SubmitSm(tlvs=tlvs[1:])) == Ports(2948, None)
    assert ports_of(SubmitSm(tlvs=tlvs[:1])) is None


def test_shift_tables() -> None:
    udh = udh_of(with_header((SINGLE_SHIFT, b"\1"), (LOCKING_SHIFT, b"\3"), (SINGLE_SHIFT, b"\6")))
    assert udh is not None
    assert (udh.locking, udh.single) == (3, 6)
    assert udh_of(SubmitSm(short_message=make_udh((SINGLE_SHIFT, b"\1")))) is None
    empty = udh_of(with_header((SINGLE_SHIFT, b"")))
    assert empty is not None
    assert (empty.locking, empty.single) == (0, 0)


@pytest.mark.parametrize(("total", "number"), [(0, 0), (2, 3), (256, 1), (2, 0)])
def test_part_numbers_out_of_range_are_not_made(total: int, number: int) -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        concat_element(1, total, number)


def test_what_does_not_fit_is_not_made() -> None:
    with pytest.raises(ValueError, match="256"):
        concat_element(0x10000, 2, 1)
    with pytest.raises(ValueError, match="256"):
        make_udh((0, b"x" * 254))
    with pytest.raises(OverflowError):
        make_sar(0x10000, 2, 1)
