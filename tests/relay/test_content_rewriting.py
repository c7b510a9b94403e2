"""A rewritten text in the PDUs that its client sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import MtPdu
from gateway.relay.rewriting import Encoded, cut, encode, rewrite
from gateway.smpp.concat import body_of, concat_element, make_sar, make_udh, part_of, udh_of
from gateway.smpp.constants import ESM_UDHI, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DataSm, SubmitSm
from gateway.smpp.text import decode_parts, segment_text

EMOJI = "\N{GRINNING FACE}"


def said(pdus: list[MtPdu] | None, alphabet: str = "gsm7") -> str | None:
    assert pdus is not None
    return decode_parts([(body_of(p), p.data_coding, udh_of(p)) for p in pdus], alphabet)  # type: ignore[arg-type]


def segments(text: str, reference: int = 7, *elements: tuple[int, bytes]) -> list[MtPdu]:
    return [
        SubmitSm(esm_class=ESM_UDHI, data_coding=each.data_coding, short_message=each.short_message)
        for each in segment_text(text, reference)
    ]


@pytest.mark.parametrize(
    ("text", "alphabet", "data_coding", "new"),
    [
        ("hello STOP", "gsm7", 0, 0),
        ("hello 退订", "gsm7", 0, 8),
        ("hello STOP", "gsm7", 8, 0),
        ("été STOP", "latin1", 0, 0),
        ("退订 STOP", "latin1", 0, 8),
        ("é", "ascii", 0, 8),
        ("hello", "gsm7-packed", 0, 8),
        ("hello", "gsm7", 0x10, 0x10),
        ("退订", "gsm7", 0x11, 0x19),
        ("hello", "latin1", 0x10, 0x18),
    ],
)
def test_encoding(text: str, alphabet: str, data_coding: int, new: int) -> None:
    encoded = encode(text, data_coding, alphabet)  # type: ignore[arg-type]
    assert encoded.data_coding == new
    pdu = SubmitSm(data_coding=data_coding, short_message=b"x")
    assert said(rewrite([pdu], text, alphabet), alphabet) == text  # type: ignore[arg-type]


def test_one_short_message() -> None:
    pdu = SubmitSm(short_message=b"a" * 150, tlvs=(Tlv(0x1400, b"1"), Tlv(Tag.user_message_reference, b"ab")))
    (new,) = rewrite([pdu], "a" * 160, "gsm7") or []
    assert isinstance(new, SubmitSm)
    assert new.short_message == b"a" * 160
    assert new.tlvs == pdu.tlvs
    assert rewrite([pdu], "a" * 161, "gsm7") is None


def test_overflow_into_payload() -> None:
    pdu = SubmitSm(short_message=b"a", tlvs=(Tlv(0x1400, b"1"),))
    (new,) = rewrite([pdu], "退" * 71, "gsm7", payload=True) or []
    assert isinstance(new, SubmitSm)
    assert (new.short_message, new.data_coding) == (b"", 8)
    assert [tlv.tag for tlv in new.tlvs] == [0x1400, Tag.message_payload]
    assert said([new]) == "退" * 71
    assert rewrite([pdu], "a" * 70_000, "gsm7", payload=True) is None


def test_what_was_in_payload_stays_there() -> None:
    for pdu in (
        SubmitSm(tlvs=(Tlv(Tag.message_payload, b"a" * 500),)),
        DataSm(tlvs=(Tlv(Tag.message_payload, b"a"),)),
    ):
        (new,) = rewrite([pdu], "b" * 600, "gsm7") or []
        assert [(tlv.tag, len(tlv.value)) for tlv in new.tlvs] == [(Tag.message_payload, 600)]


def test_a_long_short_message_is_left_to_the_carrier_to_cut() -> None:
    pdu = SubmitSm(data_coding=8, short_message="退".encode("utf-16-be") * 100)
    (new,) = rewrite([pdu], "退" * 110, "gsm7") or []
    assert isinstance(new, SubmitSm)
    assert len(new.short_message) == 220
    assert rewrite([pdu], "退" * 128, "gsm7") is None


@pytest.mark.parametrize("text", ["a" * 300, "退" * 100, EMOJI * 50, "{" * 150])
@pytest.mark.parametrize("reference", [7, 700])
def test_segments_stay_as_many(text: str, reference: int) -> None:
    before = segments(text, reference)
    after = rewrite(before, text[:-1] + "!", "gsm7")
    assert said(after) == text[:-1] + "!"
    assert after is not None
    assert list(map(part_of, after)) == list(map(part_of, before))
    assert all(isinstance(p, SubmitSm) and len(p.short_message) <= 160 for p in after)


def test_segments_that_overflow() -> None:
    assert rewrite(segments("a" * 300), "a" * 307, "gsm7", payload=True) is None
    assert said(rewrite(segments("a" * 300), "a" * 306, "gsm7")) == "a" * 306
    assert rewrite(segments("a" * 300), "a" * 150 + "退" * 10, "gsm7") is None


def test_fewer_octets_than_segments() -> None:
    assert rewrite(segments("a" * 400), "ab", "gsm7") is None


def test_sar_segments() -> None:
    before = [SubmitSm(short_message=b"a" * 100, tlvs=make_sar(9, 2, number)) for number in (1, 2)]
    after = rewrite(before, "b" * 250, "gsm7")
    assert said(after) == "b" * 250
    assert after is not None
    assert [p.tlvs for p in after] == [p.tlvs for p in before]


def test_shift_tables_go_and_the_rest_of_the_header_stays() -> None:
    turkish = [(0x24, b"\1"), (0x05, b"\0\1\0\2")]
    before = [
        SubmitSm(esm_class=ESM_UDHI, short_message=make_udh(concat_element(1, 2, n), *turkish) + b"ab")
        for n in (1, 2)
    ]
    after = rewrite(before, "Grüße", "gsm7")
    assert after is not None
    assert [udh_of(p).elements for p in after] == [  # type: ignore[union-attr]
        (concat_element(1, 2, n), (0x05, b"\0\1\0\2")) for n in (1, 2)
    ]
    assert said(after) == "Grüße"


@given(st.text(max_size=400), st.integers(1, 5), st.sampled_from(["gsm7", "latin1", "ascii"]))
def test_pieces_make_the_whole(text: str, count: int, alphabet: str) -> None:
    encoded = encode(text, 0, alphabet)  # type: ignore[arg-type]
    pieces = cut(encoded, [encoded.limit(6)] * count)
    if pieces is None:
        assert len(encoded.octets) < 6 * count or len(encoded.octets) > count * (encoded.limit(6) - 4)
        return
    assert b"".join(pieces) == encoded.octets
    assert all(0 < len(piece) <= encoded.limit(6) for piece in pieces)
    for piece in pieces[:-1]:
        assert not (encoded.septets and piece.endswith(b"\x1b"))
        assert encoded.data_coding != 8 or not 0xD8 <= piece[-2] <= 0xDB


def test_limits() -> None:
    assert Encoded(0, b"", True).limit(0) == 160
    assert Encoded(0, b"", True).limit(6) == 153
    assert Encoded(0, b"", True).limit(7) == 152
    assert Encoded(8, b"", False).limit(6) == 134
    assert Encoded(8, b"", False).limit(7) == 132
    assert Encoded(0, b"", False).limit(6) == 134
